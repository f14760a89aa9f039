/** The step is pure: the same inputs twice give the same bytes of state and the same outcomes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Bank, createBank, day0, dayMs, settle } from './bank.ts'
import { loadBank } from './bank-pack.ts'

const pack = await loadBank()

const input = fc.record({
  customer: fc.constantFrom('a', 'b', 'c'),
  after: fc.integer({ min: 0, max: 3 * dayMs }),
  late: fc.integer({ min: -10_000, max: 2 * dayMs }),
  wait: fc.integer({ min: 0, max: 1_200_000 }),
  id: fc.integer({ min: 0, max: 30 }),
  source: fc.constantFrom('core-banking', 'app', 'crawler'),
  what: fc.constantFrom(
    ...['maternity', 'search', 'repayment', 'unemployment', 'work', 'bereavement', 'profile', 'banner', 'inbox'],
  ),
})
type Input = typeof input extends fc.Arbitrary<infer T> ? T : never

const events: Readonly<Record<string, readonly [string, Readonly<Record<string, string | number | boolean>>]>> = {
  maternity: ['card.purchase', { merchantCategory: 'maternity' }],
  search: ['search.made', { category: 'early_education' }],
  repayment: ['repayment.made', { amount: 600_000 }],
  unemployment: ['life_event.reported', { kind: 'unemployment' }],
  work: ['life_event.reported', { kind: 'unemployment', resolved: true }],
  bereavement: ['life_event.reported', { kind: 'bereavement' }],
  profile: ['profile.updated', { studentStatus: true }],
}

function live(bank: Bank, inputs: readonly Input[]): unknown {
  for (const customer of ['a', 'b']) settle(bank, customer, day0)
  let now = day0
  const outcomes = inputs.map(({ customer, after, late, wait, id, source, what }) => {
    now += after
    const event = events[what]
    if (event === undefined)
      return bank.ask(customer, what === 'inbox' ? 'inbox' : 'home-banner', { at: now, requestId: `r${id}`, count: 2 })
    const sent = { at: now - late, acceptedAt: now, now: now + wait, id: `e${id}`, source }
    now += wait
    return bank.send(customer, event[0], event[1], sent)
  })
  return { outcomes, states: ['a', 'b', 'c'].map((customer) => [...bank.states.encode(bank.slot(customer))]) }
}

test('the same inputs twice give the same states, byte for byte, and the same outcomes', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 60 }), (inputs) => {
      expect(live(createBank(pack), inputs)).toEqual(live(createBank(pack), inputs))
    }),
    { numRuns: 40 },
  )
})

test('what one customer did shows in nothing another customer is answered', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 40 }), (inputs) => {
      const crowded = createBank(pack)
      const alone = createBank(pack)
      const outcomesOf = (bank: Bank, list: readonly Input[]) => {
        settle(bank, 'a', day0)
        settle(bank, 'b', day0)
        return list.map((one, i) => {
          const at = day0 + i * 60_000
          const event = events[one.what]
          return event === undefined
            ? bank.ask(one.customer, 'home-banner', { at, requestId: `r${i}`, count: 3 })
            : bank.send(one.customer, event[0], event[1], { at, id: `e${i}`, source: one.source })
        })
      }
      const all = outcomesOf(crowded, inputs)
      const spaced = inputs.map((one, i) => ({ one, i })).filter(({ one }) => one.customer === 'a')
      settle(alone, 'a', day0)
      for (const { one, i } of spaced) {
        const at = day0 + i * 60_000
        const event = events[one.what]
        const outcome =
          event === undefined
            ? alone.ask('a', 'home-banner', { at, requestId: `r${i}`, count: 3 })
            : alone.send('a', event[0], event[1], { at, id: `e${i}`, source: one.source })
        expect(outcome).toEqual(all[i])
      }
    }),
    { numRuns: 30 },
  )
})
