/** Goal: a record about an earlier message says so, names it, and tells nothing of candidates that there were not. */
import { expect, test } from 'vitest'
import { explainDecision } from '../../../engine/explain/explain-decision.ts'
import { explainFor } from '../../../engine/explain/explain-for.ts'
import { createBank, day0, dayMs, settle } from '../step/bank.ts'
import { loadBank, reportedChannels } from '../step/bank-pack.ts'

test('a recall and a message that left all the same are told as what they are, to each audience', async () => {
  const pack = await loadBank({ channels: reportedChannels })
  const bank = createBank(pack)
  const at = day0 + 110 * dayMs
  settle(bank, 'c', at)
  const [message] = bank.send('c', 'repayment.made', { amount: 500_000 }, { at }).decisions
  const [recall] = bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at + 1 }).decisions
  const sent = { decisionId: message?.id ?? '', channel: 'sms' }
  const [late] = bank.send('c', 'message.sent', sent, { at: at + 2, source: 'core-banking' }).decisions
  if (message === undefined || recall === undefined || late === undefined) throw new Error('made, recalled, sent')
  const digits = message.id.slice(0, 13)

  const told = explainDecision(recall, pack, 'en')
  expect(told[0]).toContain(
    `life_event.reported from core-banking was seen for customer c; it is about the decision whose id begins with ${digits}.`,
  )
  expect(told.join('\n')).toContain('What may not leave any more, and why:\n- The repayment-thanks was withheld')
  expect(told.join('\n')).not.toMatch(/trigger|Nothing was offered|Doing nothing/)
  expect(explainDecision(recall, pack, 'zh').join('\n')).toContain(`涉及编号以${digits}开头的决策`)

  expect(explainDecision(late, pack, 'en').join('\n')).toMatch(
    /message\.sent .* begins with .*\nA message that had been recalled/s,
  )
  expect(explainFor('manager', late, pack, 'en').join('\n')).toContain('although it had been taken back')
  expect(explainFor('manager', recall, pack, 'en').join('\n')).not.toContain('Nothing personal was offered')
  // A customer learns nothing of what was found out meanwhile.
  expect(explainFor('customer', recall, pack, 'en').join('\n')).not.toMatch(/message|taken back|death/)
})
