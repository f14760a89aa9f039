/** Arbitration is a matter of the candidates, not of the order they came in; and every candidate has one fate. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compilePack } from '../../../../rules/compile-pack.ts'
import type { LoadedPack } from '../../../../rules/model.ts'
import { createBank, day0, settle } from '../bank.ts'
import { loadBank } from '../bank-pack.ts'

const pack = await loadBank()
const at = day0 + 1
const term = fc.constantFrom(0, 0.4, 0.5, 1, 2)

const offer = fc.record({
  class: fc.constantFrom('regulatory', 'service', 'marketing'),
  priority: fc.constantFrom(-1, 0, 1),
  propensity: fc.constantFrom(0, 0.4, 0.5, 1),
  context: term,
  value: term,
  lever: term,
  category: fc.constantFrom('news', 'family', 'consumer_credit', 'travel_credit', 'investment'),
  riskGrade: fc.constantFrom(null, 1, 3, 5),
})

/** The pack with generated banners instead of its own; the rest stays. */
function withBanners(banners: readonly object[]): LoadedPack {
  const template = pack.model.offers.find((candidate) => candidate.id === 'study-loan')
  const fallback = pack.model.offers.filter((candidate) => ['welcome-banner', 'inbox-hello'].includes(candidate.id))
  const made = template === undefined ? [] : banners.map((banner) => ({ ...template, ...banner }))
  return { ...pack, model: { ...pack.model, triggers: [], offers: [...made, ...fallback] } }
}

test('the order in which candidates arrive changes neither the winners nor any fate', () => {
  fc.assert(
    fc.property(
      fc.array(offer, { minLength: 1, maxLength: 8 }).chain((offers) => {
        const named = offers.map((one, i) => ({ ...one, id: `o${i}` }))
        return fc.tuple(
          fc.constant(named),
          fc.shuffledSubarray(named, { minLength: named.length }),
          fc.integer({ min: 1, max: 3 }),
        )
      }),
      ([banners, shuffled, count]) => {
        const decide = (list: readonly object[]) => {
          const bank = createBank(withBanners(list))
          settle(bank, 'c', day0)
          const { decision } = bank.ask('c', 'home-banner', { at, count, requestId: 'r' })
          return { ...decision, fates: [...decision.fates].sort((a, b) => (a.offer < b.offer ? -1 : 1)) }
        }
        expect(decide(shuffled)).toEqual(decide(banners))
      },
    ),
    { numRuns: 60 },
  )
})

test('drops and offers add up to the candidates, and the winner is the best of those not dropped', () => {
  const rank = { regulatory: 0, service: 1, marketing: 2 }
  fc.assert(
    fc.property(fc.array(offer, { minLength: 1, maxLength: 8 }), (offers) => {
      const banners = offers.map((one, i) => ({ ...one, id: `o${i}` }))
      const bank = createBank(withBanners(banners))
      settle(bank, 'c', day0)
      const { decision } = bank.ask('c', 'home-banner', { at, count: 1 })
      expect(decision.fates.map((fate) => fate.offer).sort()).toEqual(banners.map((banner) => banner.id).sort())
      const kept = decision.fates.filter((fate) => fate.stage === 'offered')
      expect(kept).toHaveLength(decision.outcome === 'offered' ? 1 : 0)
      for (const fate of decision.fates) {
        const product = fate.propensity * fate.context * fate.value * fate.lever
        expect(fate.score).toBeCloseTo(product, 12)
      }
      const rest = banners
        .filter((banner) => banner.riskGrade === null || banner.riskGrade <= 3)
        .map((banner) => ({ ...banner, score: banner.propensity * banner.context * banner.value * banner.lever }))
        .filter((banner) => banner.class !== 'marketing' || banner.score >= 0.5)
        .sort((a, b) => rank[a.class] - rank[b.class] || b.priority - a.priority || b.score - a.score)
      expect(decision.offers.map((item) => item.offer)).toEqual(
        rest[0] === undefined ? ['welcome-banner'] : [expect.any(String)],
      )
      const best = rest.find((banner) => banner.id === kept[0]?.offer)
      if (rest[0] !== undefined)
        expect([best?.class, best?.priority, best?.score]).toEqual([rest[0].class, rest[0].priority, rest[0].score])
    }),
    { numRuns: 100 },
  )
})

test('triggers that compete for one message end with the same winner in whatever order they and their offers stand', () => {
  const messages = fc.array(offer, { minLength: 2, maxLength: 6 }).map((offers) => {
    const kinds = { contentType: 'message', channels: ['sms'], validForMs: 60_000 }
    return offers.map((one, i) => ({ ...one, ...kinds, id: `m${i}` }))
  })
  const competing = messages.chain((list) =>
    fc.record({
      list: fc.constant(list),
      proposals: fc.array(
        fc.subarray(
          list.map(({ id }) => id),
          { minLength: 1 },
        ),
        { minLength: 1, maxLength: 4 },
      ),
      order: fc.shuffledSubarray(list, { minLength: list.length }),
      reversed: fc.boolean(),
    }),
  )
  const [template] = pack.model.triggers
  const made = pack.model.offers.find((candidate) => candidate.id === 'study-loan')
  if (template === undefined || made === undefined) throw new Error('the pack has a trigger and an offer')
  fc.assert(
    fc.property(competing, ({ list, proposals, order, reversed }) => {
      const triggers = proposals.map((offers, i) => ({
        ...template,
        id: `t${i}`,
        on: 'repayment.made',
        when: null,
        offers: reversed ? [...offers].reverse() : offers,
      }))
      const decide = (offers: readonly object[], rules: typeof triggers) => {
        const fallbacks = pack.model.offers.filter(({ id }) => ['welcome-banner', 'inbox-hello'].includes(id))
        const own = offers.map((one) => ({ ...made, ...one }))
        const model = { ...pack.model, offers: [...own, ...fallbacks], triggers: rules }
        const bank = createBank({ ...pack, model })
        settle(bank, 'c', day0)
        const [decision] = bank.send('c', 'repayment.made', {}, { at, id: 'same' }).decisions
        const fates = (decision?.fates ?? []).map((fate) => JSON.stringify(fate)).sort()
        return { offers: decision?.offers, outcome: decision?.outcome, fates }
      }
      const one = decide(list, triggers)
      expect(decide(order, [...triggers].reverse())).toEqual(one)
      expect(one.offers?.length ?? 0).toBeLessThanOrEqual(1)
    }),
    { numRuns: 60 },
  )
})

test('a page never shows one offer twice, and as many as it may', () => {
  fc.assert(
    fc.property(fc.array(offer, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 3 }), (offers, count) => {
      const bank = createBank(withBanners(offers.map((one, i) => ({ ...one, id: `o${i}` }))))
      settle(bank, 'c', day0)
      const { decision } = bank.ask('c', 'home-banner', { at, count })
      const shown = decision.offers.map((item) => item.offer)
      expect(new Set(shown).size).toBe(shown.length)
      const worthy = decision.fates.filter(({ reason }) =>
        ['offered', 'placement_full', 'lost_arbitration'].includes(reason),
      )
      if (decision.outcome === 'offered') expect(shown.length).toBe(Math.min(count, worthy.length))
    }),
    { numRuns: 60 },
  )
})

test('offers that are alike in everything are told apart by their id', () => {
  const twin = { class: 'marketing', priority: 0, value: 2, category: 'news' }
  const ids = (list: readonly string[]) => {
    const bank = createBank(withBanners(list.map((id) => ({ ...twin, id }))))
    return bank.ask('c', 'home-banner', { at, count: 2 }).decision.offers.map((item) => item.offer)
  }
  expect(ids(['b', 'a', 'c'])).toEqual(['a', 'b'])
  expect(compilePack(withBanners([])).offers).toHaveLength(2)
})
