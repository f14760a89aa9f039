/** Goal: an override that is taken back ends, also by an event that does not count: taking back closes, and what closes is always done. */
import { expect, test } from 'vitest'
import { compilePack } from '../../../rules/compile-pack.ts'
import { createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const guardrails = pieces.guardrails.map((one) =>
  one.id === 'no-lifestyle-credit-for-students' ? { ...one, override: { role: 'risk', atMost: '30d' } } : one,
)
const categories = pieces.pack.categories.map((one) => ({
  ...one,
  guardedBy: one.guardedBy.filter((by) => by !== 'student'),
}))
const pack = await loadBank({ guardrails, pack: { ...pieces.pack, categories } })
const at = day0 + 10 * dayMs

test.each([
  ['not taken back', null, 'beauty-loan'],
  ['taken back', {}, 'study-loan'],
  ['taken back by an event that is poison', { isPoison: true }, 'study-loan'],
  ['taken back by an event that comes too late', { acceptedAt: at + 3 + 2 * dayMs }, 'study-loan'],
  ['taken back by a source the bank may not use', { source: 'crawler' }, 'beauty-loan'],
] as const)('an override that is %s', (_, how, offered) => {
  const bank = createBank(pack, undefined, { compile: compilePack })
  settle(bank, 'c', at)
  const source = 'core-banking'
  bank.send('c', 'profile.updated', { studentStatus: true }, { at: at + 1, source })
  const data = {
    guardrail: 'no-lifestyle-credit-for-students',
    role: 'risk',
    reason: 'r',
    by: 'b',
    until: at + 20 * dayMs,
  }
  bank.send('c', 'guardrail.overridden', data, { at: at + 2, source })
  if (how !== null) bank.send('c', 'guardrail.overridden', { ...data, revoked: true }, { at: at + 3, source, ...how })
  const { decision } = bank.ask('c', 'home-banner', { at: at + 4 * dayMs })
  expect(decision.offers.map(({ offer }) => offer)).toEqual([offered])
})
