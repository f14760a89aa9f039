/** Goal: what metrics count of candidates is what history lists of them. */
import { expect, test } from 'vitest'
import { BatchTally } from '../../../engine/shard/batch-tally.ts'
import { createBank, day0, dayMs, settle } from '../step/bank.ts'
import { loadBank, reportedChannels } from '../step/bank-pack.ts'

test('what a recall names is no candidate, as in the view decision_candidates', async () => {
  const pack = await loadBank({ channels: reportedChannels })
  const bank = createBank(pack)
  const at = day0 + 10 * dayMs
  settle(bank, 'c', at)
  const [made] = bank.send('c', 'repayment.made', { amount: 600_000 }, { at }).decisions
  const [recall] = bank.send('c', 'life_event.reported', { kind: 'bereavement' }, { at: at + 1 }).decisions
  if (made === undefined || recall === undefined) throw new Error('made and recalled')
  expect([made.outcome, recall.reason]).toEqual(['offered', 'recalled'])
  const tally = new BatchTally(bank.context)
  tally.add(made)
  tally.add(recall)
  const taken = tally.take(null)
  expect(taken?.fates.reduce((sum, { count }) => sum + count, 0)).toBe(1)
})
