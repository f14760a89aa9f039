/** Instants are told by the clock of the customer, also where it is put forward or back. */
import { expect, test } from 'vitest'
import { clockWords } from '../../../engine/explain/customer-clock.ts'
import { explainDecision } from '../../../engine/explain/explain-decision.ts'
import { explainFor } from '../../../engine/explain/explain-for.ts'
import { createBank, day0 } from '../step/bank.ts'
import { bank, loadBank } from '../step/bank-pack.ts'

test.each([
  ['2026-10-25T00:30:00Z', 'Europe/Berlin', '2026-10-25 02:30:00 (Europe/Berlin, UTC+02:00)'],
  ['2026-10-25T01:30:00Z', 'Europe/Berlin', '2026-10-25 02:30:00 (Europe/Berlin, UTC+01:00)'],
  ['2026-03-29T00:59:59Z', 'Europe/Berlin', '2026-03-29 01:59:59 (Europe/Berlin, UTC+01:00)'],
  ['2026-03-29T01:00:00Z', 'Europe/Berlin', '2026-03-29 03:00:00 (Europe/Berlin, UTC+02:00)'],
  ['2026-03-08T07:00:00Z', 'America/New_York', '2026-03-08 03:00:00 (America/New_York, UTC-04:00)'],
  ['2026-01-01T00:00:00Z', 'Asia/Kolkata', '2026-01-01 05:30:00 (Asia/Kolkata, UTC+05:30)'],
  ['2026-01-01T00:00:00Z', 'UTC', '2026-01-01 00:00:00 (UTC)'],
])('%s in %s', (at, zone, expected) => {
  expect(clockWords(Date.parse(at), zone)).toBe(expected)
})

/** A bank whose customers may live in Berlin, with quiet hours from nine to nine. */
async function inBerlin() {
  const attributes = [
    ...bank.attributes,
    {
      id: 'region',
      type: 'enum',
      values: ['north', 'berlin'],
      setBy: [{ event: 'profile.updated', field: 'residenceRegion' }],
    },
  ]
  const quietHours = [
    {
      ...{ id: 'night', from: '21:00', to: '09:00', instead: 'drop' },
      applies: { categories: 'all', channels: ['sms'] },
      text: { en: 'Quiet from nine to nine', zh: '晚九点至早九点免打扰' },
    },
  ]
  const zones = { region: { attribute: 'region', zones: { berlin: 'Europe/Berlin' } } }
  const pack = await loadBank({ attributes, contact: { quietHours, zones } })
  const there = createBank(pack)
  there.send('c', 'consent.updated', { channel: 'sms', granted: true, purpose: 'marketing' }, { at: day0 })
  there.send('c', 'profile.updated', { residenceRegion: 'berlin' }, { at: day0 })
  return { pack, there }
}

test.each([
  // Clocks are put forward in the night of 29 March: nine in summer is seven in UTC; back on 25 October.
  ['2026-03-28T22:00:00Z', '2026-03-29T07:00:00Z', '2026-03-29 09:00:00 (Europe/Berlin, UTC+02:00)'],
  ['2026-03-27T22:00:00Z', '2026-03-28T08:00:00Z', '2026-03-28 09:00:00 (Europe/Berlin, UTC+01:00)'],
  ['2026-10-24T21:00:00Z', '2026-10-25T08:00:00Z', '2026-10-25 09:00:00 (Europe/Berlin, UTC+01:00)'],
])(
  'a message that quiet hours stopped at %s is possible again at nine where the customer lives',
  async (at, again, told) => {
    const { pack, there } = await inBerlin()
    const repaid = { amount: 600_000, currency: 'CNY', loanId: 'L1' }
    const [decision] = there.send('c', 'repayment.made', repaid, { at: Date.parse(at) }).decisions
    if (decision === undefined) throw new Error('a large repayment is an occasion')
    expect(decision.fates[0]).toMatchObject({ reason: 'quiet_hours', possibleAt: Date.parse(again) })
    expect(explainDecision(decision, pack, 'en').join('\n')).toContain(
      `Possible again on ${told}, if nothing else changes.`,
    )
    expect(explainDecision(decision, pack, 'zh').join('\n')).toContain(`如无其他变化，${told}后可再次推荐。`)
    expect(explainFor('customer', decision, pack, 'en').join('\n')).toContain(`Possible again on ${told}`)
    // And so it is, to the millisecond.
    const send = (when: number) => there.send('c', 'repayment.made', repaid, { at: when }).decisions[0]?.outcome
    expect([send(Date.parse(again) - 1), send(Date.parse(again))]).toEqual(['none', 'offered'])
  },
)
