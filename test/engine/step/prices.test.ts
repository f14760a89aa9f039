/** Prices in decisions: by what is known exactly, else what the pack states for all alike; and never by anything that is not published. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { explainDecision } from '../../../engine/explain/explain-decision.ts'
import { createFallbacks } from '../../../engine/shard/fallback.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { type Bank, createBank, day0, dayMs } from './bank.ts'
import { loadBank, bank as pieces } from './bank-pack.ts'

const at = day0 + 10 * dayMs

/** The corner bank with a banner that everybody gets and that has prices. */
function withPrices(mayDependOn: readonly string[], prices: readonly object[], more: object = {}): Promise<LoadedPack> {
  const text = { en: 'A deposit', zh: '存款' }
  const banner = { contentType: 'banner', channels: ['app'], validFor: '24h', category: 'loyalty', class: 'service' }
  return loadBank({
    ...more,
    pack: { ...pieces.pack, pricing: { mayDependOn } },
    offers: [...pieces.offers, { id: 'deposit', title: text, ...banner, priority: 100, prices }],
  })
}

const rate = {
  id: 'rate',
  kind: 'rate',
  value: 'profile.assets >= money("1000.00") ? 0.02 : 0.01',
  otherwise: 0.005,
}

function pricesOf(bank: Bank, customerId = 'c', asked: { readonly personalised?: boolean } = {}) {
  const { decision } = bank.ask(customerId, 'home-banner', { at, count: 3, ...asked })
  return decision.prices.map(({ offer, price, value, known }) => [offer, price, value, known])
}

function own(bank: Bank, customerId: string, totalAssets: number): void {
  bank.send(customerId, 'profile.updated', { totalAssets, currency: 'CNY' }, { at: at - 1 })
}

test('a price is worked out of what is known exactly, on the edge too, and else as stated for all', async () => {
  const bank = createBank(await withPrices(['profile.assets'], [rate]))
  own(bank, 'below', 99_999)
  own(bank, 'edge', 100_000)
  expect(pricesOf(bank, 'below')).toEqual([['deposit', 'rate', 0.01, true]])
  expect(pricesOf(bank, 'edge')).toEqual([['deposit', 'rate', 0.02, true]])
  expect(pricesOf(bank, 'nobody')).toEqual([['deposit', 'rate', 0.005, false]])
})

test('who is answered without personal data has the price of those of whom nothing is known', async () => {
  const bank = createBank(await withPrices(['profile.assets'], [rate]))
  own(bank, 'c', 100_000)
  expect(pricesOf(bank, 'c', { personalised: false })).toEqual([['deposit', 'rate', 0.005, false]])
})

test('what may not be used for marketing prices no marketing', async () => {
  const desk = { id: 'desk', lawfulBasis: 'contract', purposes: ['service'] }
  const priced = await withPrices(['profile.assets'], [rate], { sources: [...pieces.sources, desk] })
  const marketing = {
    ...priced.model,
    offers: priced.model.offers.map((one) => ({ ...one, class: 'marketing' as const })),
  }
  for (const [pack, told] of [
    [priced, [0.02, true]],
    [{ ...priced, model: marketing }, [0.005, false]],
  ] as const) {
    const bank = createBank(pack)
    const sent = { at: at - 1, source: 'desk' }
    bank.send('c', 'profile.updated', { totalAssets: 100_000, currency: 'CNY' }, sent)
    expect(pricesOf(bank).map(([, , value, known]) => [value, known])).toEqual([told])
  }
})

test('a number that is no price, or no number, is otherwise; a fee has whole minor units', async () => {
  const per = (value: string) => ({ id: 'p', kind: 'multiplier', value, otherwise: 1 })
  const by = async (price: object) => {
    const bank = createBank(await withPrices(['profile.assets'], [price]))
    own(bank, 'c', 30_000)
    return pricesOf(bank).map(([, , value, known]) => [value, known])
  }
  expect(await by(per('profile.assets / money("100.00")'))).toEqual([[3, true]])
  expect(await by(per('profile.assets / money("1.00")'))).toEqual([[1, false]])
  expect(await by(per('money("100.00") / (profile.assets - money("300.00"))'))).toEqual([[1, false]])
  const fee = { id: 'f', kind: 'fee', value: 'profile.assets * 0.00123', otherwise: '9.99' }
  expect(await by(fee)).toEqual([[37, true]])
  expect(await by({ ...fee, value: 'money("1.00") - profile.assets' })).toEqual([[999, false]])
  expect(await by({ ...fee, value: '5.00', otherwise: null })).toEqual([[500, true]])
})

test('a pack without prices has none in its decisions, and pays one question', async () => {
  const bank = createBank(await loadBank())
  expect(bank.context.run.tables.pricesAny).toBe(false)
  const one = bank.ask('c', 'home-banner', { at }).decision.prices
  expect(one).toEqual([])
  // The same list each time: nothing is made.
  expect(bank.ask('c', 'home-banner', { at: at + 1 }).decision.prices).toBe(one)
})

test('the fallback is told with its price, by the step and by the shard that has no time for one', async () => {
  const shown = pieces.offers.filter(({ id }) => id !== 'inbox-tip')
  const prices = [{ id: 'f', kind: 'fee', value: '0.50' }]
  const offers = shown.map((offer) => (offer.id === 'inbox-hello' ? { ...offer, prices } : offer))
  const pack = await loadBank({ offers })
  const [price] = [{ offer: 'inbox-hello', price: 'f', kind: 'fee', value: 50, known: true }]
  const { decision } = createBank(pack).ask('c', 'inbox', { at })
  expect([decision.outcome, decision.prices]).toEqual(['fallback', [price]])
  const make = createFallbacks(compilePack(pack), () => '0'.repeat(32))
  const request = { customerId: 'c', requestId: 'r', placement: 'inbox', count: 1, deadlineAt: at, after: null }
  expect(make(request, 'deadline_exceeded', at).prices).toEqual([price])
})

test('staff are told what a price depended on, and when it was not known', async () => {
  const pack = await withPrices(['profile.assets'], [rate, { id: 'off', kind: 'discount', value: 0.5 }])
  const bank = createBank(pack)
  own(bank, 'c', 100_000)
  const explain = (customerId: string, kept: LoadedPack | null, language: 'en' | 'zh' = 'en') =>
    explainDecision(bank.ask(customerId, 'home-banner', { at, count: 3 }).decision, kept, language)
  expect(explain('c', pack)).toContain(
    'Rate rate of A deposit: 2 %. It depended on profile.assets alone: profile.assets >= money("1000.00") ? 0.02 : 0.01.',
  )
  expect(explain('c', pack)).toContain('Discount off of A deposit: 50 %. It is the same for everybody.')
  expect(explain('c', pack)).toContain('- profile.assets: 1,000.00 CNY')
  expect(explain('d', pack)).toContain(
    'Rate rate of A deposit: 0.5 %. It depends on profile.assets alone, which was not known well enough: so it is what everybody gets of whom that is so.',
  )
  expect(explain('c', null)).toContain('Rate rate of deposit: 2 %.')
  expect(explain('c', pack, 'zh').join('\n')).toContain('存款的利率（rate）：2 %。仅取决于profile.assets')
})

const numbers: Readonly<Record<string, string>> = {
  'profile.assets': 'profile.assets / money("400.00")',
  spend_7d: 'spend_7d / money("400.00")',
  maternity_30d: 'double(maternity_30d)',
  early_education_30d: 'double(early_education_30d)',
}
const flags = ['profile.student', 'profile.employment == "retired"', 'profile.riskGrade == "steady"', 'source.lawful']
const names = Object.keys(numbers)
const nameOf = (text: string): string => /^(profile|source)\.\w+/.exec(text)?.[0] ?? ''

/** A random price and the names that it reads. */
const anyPrice = fc
  .array(
    fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: fc.constantFrom(...flags) }),
    {
      minLength: 1,
      maxLength: 2,
    },
  )
  .chain((parts) =>
    fc.array(fc.integer({ min: 0, max: 4 }), { minLength: parts.length, maxLength: parts.length }).map((edges) => {
      const terms = parts.map((part, i) => {
        const number = numbers[part]
        return number === undefined ? `(${part} ? 1.0 : 2.0)` : `(${number} >= ${edges[i] ?? 0}.0 ? ${number} : 0.5)`
      })
      return {
        value: terms.join(' + '),
        reads: parts.map((part) => (numbers[part] === undefined ? nameOf(part) : part)),
      }
    }),
  )

const anyCustomer = fc.record({
  'profile.assets': fc.option(fc.integer({ min: 0, max: 200_000 }), { nil: null }),
  spend_7d: fc.integer({ min: 0, max: 3 }),
  maternity_30d: fc.integer({ min: 0, max: 3 }),
  early_education_30d: fc.integer({ min: 0, max: 3 }),
  student: fc.option(fc.boolean(), { nil: null }),
  employment: fc.constantFrom(null, 'employed', 'retired', 'unemployed'),
  riskGrade: fc.constantFrom(null, 'steady', 'aggressive'),
})
type Customer = typeof anyCustomer extends fc.Arbitrary<infer T> ? T : never

function live(bank: Bank, customerId: string, customer: Customer): void {
  const { student: studentStatus, employment: employmentStatus, riskGrade } = customer
  const assets = customer['profile.assets']
  const known = {
    studentStatus,
    employmentStatus,
    riskGrade,
    totalAssets: assets,
    currency: assets === null ? null : 'CNY',
  }
  bank.send(customerId, 'profile.updated', known, { at: at - 9 * dayMs })
  const buy = (times: number, merchantCategory: string, daysBefore: number) => {
    for (let i = 0; i < times; i++)
      bank.send(customerId, 'card.purchase', { merchantCategory }, { at: at - daysBefore * dayMs + i })
  }
  // Older than what spend_7d looks back.
  buy(customer.maternity_30d, 'maternity', 9)
  buy(customer.spend_7d, 'grocery', 2)
  for (let i = 0; i < customer.early_education_30d; i++)
    bank.send(customerId, 'search.made', { category: 'early_education' }, { at: at - dayMs + i })
}

test('whatever the pack, two customers who agree in what it publishes are told the same prices', async () => {
  let accepted = 0
  let refused = 0
  let distinct = 0
  await fc.assert(
    fc.asyncProperty(
      fc.subarray(names, { minLength: 1 }),
      fc.array(anyPrice, { minLength: 1, maxLength: 2 }),
      anyCustomer,
      anyCustomer,
      async (published, prices, one, other) => {
        const offered = prices.map(({ value }, i) => ({ id: `p${i}`, kind: 'multiplier', value, otherwise: 7 }))
        const isFair = prices.every(({ reads }) => reads.every((name) => published.includes(name)))
        const loaded = await withPrices(published, offered).then(
          (pack) => ({ pack }),
          (cause: unknown) => ({ message: String(cause) }),
        )
        if ('message' in loaded) {
          refused++
          expect(loaded.message).toContain('which the pack does not let prices depend on')
          expect(isFair).toBe(false)
          return
        }
        accepted++
        const bank = createBank(loaded.pack)
        const alike = {
          ...other,
          ...Object.fromEntries(Object.entries(one).filter(([name]) => published.includes(name))),
        }
        live(bank, 'one', one)
        live(bank, 'alike', alike)
        live(bank, 'other', other)
        const told = pricesOf(bank, 'one')
        expect(told).toHaveLength(prices.length)
        expect(pricesOf(bank, 'alike')).toEqual(told)
        expect(isFair).toBe(true)
        if (JSON.stringify(pricesOf(bank, 'other')) !== JSON.stringify(told)) distinct++
      },
    ),
    { numRuns: 150, seed: 17 },
  )
  // It is not for want of prices that differ.
  expect([accepted > 20, refused > 20, distinct > 10], `${accepted}, ${refused}, ${distinct}`).toEqual([
    true,
    true,
    true,
  ])
}, 60_000)
