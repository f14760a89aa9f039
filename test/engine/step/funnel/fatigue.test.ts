/** A channel whose customers have stopped opening gets a share of its marketing, and all that is owed. */
import { expect, test } from 'vitest'
import { learnedOf } from '../../../../rules/learned-table.ts'
import { createBank, day0, dayMs, fateOf, settle } from '../bank.ts'
import { loadBank } from '../bank-pack.ts'

const at = day0 + dayMs
const times = { within: '2d', recent: '7d', baseline: '28d' }
const rule = { id: 'sms-tired', channel: 'sms', opened: 'offer.clicked', ...times, pass: 0.25 }
const pack = await loadBank({ fatigue: [rule, { ...rule, id: 'sms-strict', pass: 0.1 }] })
const counts = { recent: { sent: 1_000, opened: 30 }, baseline: { sent: 4_000, opened: 480 } }

function tableOf(...tired: readonly { readonly rule: string; readonly pass: number }[]) {
  const fatigue = tired.map((one) => ({ ...one, ...counts }))
  return learnedOf({ format: 'proffer-learned-1', asOf: 0, packHash: '', cells: [], fatigue })
}

function share(table: ReturnType<typeof tableOf> | null, count = 1_500): number {
  const bank = createBank(pack, undefined, {}, table)
  let sent = 0
  for (let i = 0; i < count; i++) {
    settle(bank, `c${i}`, day0)
    const [decision] = bank.send(`c${i}`, 'repayment.made', { amount: 500_000 }, { at }).decisions
    if (decision?.outcome === 'offered') sent++
    else expect(fateOf(decision, 'repayment-thanks')).toMatch(/^contact\/channel_fatigued\/sms-/)
  }
  return sent / count
}

test('a quarter of the marketing goes out where the pack lets a quarter pass', () => {
  expect(share(null)).toBe(1)
  // Of 1,500 hashed draws at 1/4, four deviations are 0.045.
  expect(Math.abs(share(tableOf({ rule: 'sms-tired', pass: 0.25 })) - 0.25)).toBeLessThan(0.045)
})

test('of several rules the strictest holds, and a rule that the pack does not have holds nothing', () => {
  const both = tableOf({ rule: 'sms-tired', pass: 0.25 }, { rule: 'sms-strict', pass: 0.1 })
  expect(share(both)).toBeLessThan(0.15)
  expect(share(tableOf({ rule: 'gone', pass: 0 }), 100)).toBe(1)
})

test('what is owed goes out, and so does everything on other channels', () => {
  const bank = createBank(pack, undefined, {}, tableOf({ rule: 'sms-tired', pass: 0 }))
  settle(bank, 'c', day0)
  const [decision] = bank.send('c', 'life_event.reported', { kind: 'unemployment' }, { at }).decisions
  expect(decision?.offers.map(({ offer }) => offer)).toEqual(['hardship-help'])
  expect(bank.ask('d', 'inbox', { at }).decision.outcome).toBe('offered')
  expect(bank.ask('d', 'home-banner', { at }).decision.outcome).toBe('offered')
})
