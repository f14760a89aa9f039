/** A bundle leaves whole or not at all: what closes one of its parts closes all of it, and it is as risky as its riskiest part. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { productionFilters } from '../../../../engine/step/step-context.ts'
import type { LoadedPack } from '../../../../rules/model.ts'
import { type Bank, createBank, day0, fateOf, offersOf, settle } from '../bank.ts'
import { loadBank, bank as pieces } from '../bank-pack.ts'

const at = day0 + 5
const text = { en: 'Part', zh: '部分' }
type Part = { readonly category: string | null; readonly riskGrade: number | null }

/** The bank with a bundle of the harmless category `news` on the home banner, worth more than anything else. */
function withBundle(parts: readonly Part[]): Promise<LoadedPack> {
  const bundle = {
    id: 'bundle',
    title: text,
    category: 'news',
    class: 'marketing',
    contentType: 'banner',
    channels: ['app'],
    value: 99,
    parts: parts.map((part, i) => ({ id: `part${i}`, title: text, ...part })),
    validFor: '24h',
  }
  return loadBank({ offers: [...pieces.offers, bundle] })
}

const loan = { category: 'consumer_credit', riskGrade: null }
const plain = { category: null, riskGrade: null }
const fund = (riskGrade: number) => ({ category: 'investment', riskGrade })

function ask(bank: Bank, customer: string) {
  return bank.ask(customer, 'home-banner', { at, requestId: 'r' })
}

test('a guardrail on the category of one part closes the bundle, and says which', async () => {
  const bank = createBank(await withBundle([plain, loan]))
  settle(bank, 'works', day0)
  settle(bank, 'lost', day0)
  bank.send('lost', 'life_event.reported', { kind: 'unemployment' }, { at: day0 + 1 })
  expect(offersOf(ask(bank, 'works'))).toEqual(['bundle'])
  const outcome = ask(bank, 'lost')
  expect(offersOf(outcome)).not.toContain('bundle')
  expect(fateOf(outcome.decision, 'bundle')).toBe('guardrail/unemployment/no-credit-without-income')
})

test('the final gate alone holds it back too', async () => {
  const pass = () => {}
  const bank = createBank(await withBundle([loan]), { ...productionFilters, guardrail: pass })
  settle(bank, 'lost', day0)
  bank.send('lost', 'life_event.reported', { kind: 'unemployment' }, { at: day0 + 1 })
  const outcome = ask(bank, 'lost')
  expect(offersOf(outcome)).not.toContain('bundle')
  expect(fateOf(outcome.decision, 'bundle')).toBe('final_gate/final_gate/no-credit-without-income')
})

test('the riskiest part decides about suitability', async () => {
  const bank = createBank(await withBundle([fund(1), fund(4)]))
  settle(bank, 'balanced', day0)
  expect(fateOf(ask(bank, 'balanced').decision, 'bundle')).toBe('suitability/unsuitable_risk_grade')
  const safer = createBank(await withBundle([fund(1), fund(3)]))
  settle(safer, 'balanced', day0)
  expect(offersOf(ask(safer, 'balanced'))).toEqual(['bundle'])
})

test('a pack in which a part escapes the red line of its category is refused', async () => {
  const guardrails = pieces.guardrails.map((guardrail) =>
    guardrail.reason === 'unemployment'
      ? { ...guardrail, closes: { ...guardrail.closes, channels: ['sms'] } }
      : guardrail,
  )
  const offers = [
    ...pieces.offers.filter(({ channels }) => channels.includes('sms')),
    ...pieces.offers.filter(({ id }) => ['welcome-banner', 'inbox-hello'].includes(id)),
    {
      ...pieces.offers[0],
      id: 'bundle',
      category: 'news',
      parts: [{ id: 'p', title: text, category: 'consumer_credit' }],
    },
  ]
  await expect(loadBank({ guardrails, offers })).rejects.toThrow('no guardrail with the reason "unemployment" holds')
})

test('a bundle is offered exactly to those whom each of its parts may be offered to', async () => {
  const categories = ['consumer_credit', 'travel_credit', 'investment', 'study_credit', 'news']
  const part = fc.record({
    category: fc.constantFrom(null, ...categories),
    riskGrade: fc.constantFrom(null, 1, 2, 3, 4, 5),
  })
  const people: Readonly<Record<string, { closed: readonly string[]; grade: number }>> = {
    stranger: { closed: ['consumer_credit', 'travel_credit'], grade: 1 },
    settled: { closed: [], grade: 3 },
    lost: { closed: ['consumer_credit'], grade: 3 },
    student: { closed: ['consumer_credit', 'travel_credit'], grade: 3 },
  }
  await fc.assert(
    fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
      const bank = createBank(await withBundle(parts))
      for (const name of ['settled', 'lost', 'student']) settle(bank, name, day0)
      bank.send('lost', 'life_event.reported', { kind: 'unemployment' }, { at: day0 + 1 })
      bank.send('student', 'profile.updated', { studentStatus: true }, { at: day0 + 1 })
      for (const [name, { closed, grade }] of Object.entries(people)) {
        const may = parts.every(
          (one) => !closed.includes(one.category ?? 'news') && (one.riskGrade === null || one.riskGrade <= grade),
        )
        expect([name, parts, offersOf(ask(bank, name)).includes('bundle')]).toEqual([name, parts, may])
      }
    }),
    { numRuns: 25 },
  )
}, 120_000)
