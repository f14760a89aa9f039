/** The nearest change of a refused offer is true: by the values of the record, the rule then lets it pass. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { recordedChange } from '../../../engine/explain/change-words.ts'
import { explainDecision } from '../../../engine/explain/explain-decision.ts'
import { nearestWords } from '../../../engine/explain/nearest-words.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision, FeatureUsed } from '../../../sinks/decision.ts'
import { createBank, day0, dayMs, settle } from '../step/bank.ts'
import { loadBank, bank as pieces } from '../step/bank-pack.ts'
import { facts, live, retailBank } from '../step/retail-customers.ts'

const pack = await loadBank()
const at = day0 + 10 * dayMs

const words = (decision: Decision, loaded: LoadedPack, offer: string, language: 'en' | 'zh' = 'en') => {
  const fate = decision.fates.find((one) => one.offer === offer)
  if (fate === undefined) throw new Error(`${offer} was no candidate`)
  return nearestWords(decision, fate, loaded.model, language)
}

test('of many customers: after the change the condition that refused the offer lets it pass', () => {
  const compiled = compilePack(retailBank)
  const { model } = retailBank
  const frame = (features: readonly FeatureUsed[]) => {
    const lo = new Float64Array(compiled.layout.variables).fill(-Infinity)
    const hi = new Float64Array(compiled.layout.variables).fill(Infinity)
    for (const { name, lo: low, hi: high } of features) {
      const index = compiled.variables.findIndex((variable) => variable.name === name)
      lo[index] = low
      hi[index] = high
    }
    return { lo, hi }
  }
  const seen = { eligibility: 0, guardrail: 0, unknown: 0 }
  fc.assert(
    fc.property(facts, (who) => {
      for (const decision of live(createBank(retailBank), who)) {
        // It was made on nothing, so nothing of the customer would change it.
        if (decision.reason === 'not_personalised') continue
        for (const fate of decision.fates) {
          const { lo, hi } = frame(decision.features)
          const eligible = compiled.offers.find(({ id }) => id === fate.offer)?.eligible
          const guardrail = compiled.guardrails.find(({ id }) => id === fate.rule)?.condition
          const isEligibility = fate.stage === 'eligibility' && eligible != null
          // A guardrail that only a suppression closed has an instant instead.
          const isGuardrail = fate.stage === 'guardrail' && fate.possibleAt === 0 && guardrail != null
          if (!isEligibility && !isGuardrail) continue
          const source = (isEligibility ? eligible?.source : guardrail?.source) ?? ''
          const changes = recordedChange(model, decision.features, source, isEligibility ? 'true' : 'false')
          expect(changes?.length, `${fate.offer} ${source}`).toBeGreaterThan(0)
          for (const { variable, to, from } of changes ?? []) {
            if (from.lo !== from.hi) seen.unknown++
            lo[variable.index] = to
            hi[variable.index] = to
          }
          if (isEligibility) expect(eligible?.must(lo, hi, null)).toBe(true)
          else expect(guardrail?.may(lo, hi, null)).toBe(false)
          seen[isEligibility ? 'eligibility' : 'guardrail']++
        }
      }
    }),
    { numRuns: 30, seed: 4 },
  )
  expect(Math.min(seen.eligibility, seen.guardrail, seen.unknown)).toBeGreaterThan(25)
})

test('the change that is told is one that the engine itself lets pass', () => {
  const there = createBank(pack)
  settle(there, 'c', at - 2)
  const before = there.ask('c', 'home-banner', { at }).decision
  expect(words(before, pack, 'wealth-r2')).toEqual([
    'Nearest change: profile.assets is 100,000.00 CNY, needs at least 500,000.00 CNY and at most 999,999.99 CNY.',
  ])
  there.send('c', 'profile.updated', { totalAssets: 50_000_000, currency: 'CNY' }, { at: at + 1 })
  const after = there.ask('c', 'home-banner', { at: at + 2 }).decision
  expect(after.fates.find(({ offer }) => offer === 'wealth-r2')?.stage).not.toBe('eligibility')
})

test('a guardrail that may hold because something is unknown says what must be known, in both languages', () => {
  const { decision } = createBank(pack).ask('stranger', 'home-banner', { at })
  const said = (language: 'en' | 'zh') => words(decision, pack, 'consumer-loan', language).join(' ')
  expect(said('en')).toContain('Nearest change: profile.employment is unknown, must be known to be')
  expect(said('en')).toContain('Nobody may open it for a single customer.')
  expect(said('en')).toContain('; and profile.student is unknown, must be known to be false.')
  expect(said('zh')).toContain('最近的改变：profile.employment为未知，需确知为')
  expect(said('zh')).toContain('任何人不得为个别客户放行。')
})

test.each([
  [
    { role: 'branch_manager', atMost: '7d' },
    [],
    ['The role branch_manager may open it for the customer, for at most 7 days.'],
  ],
  [
    { role: 'branch_manager', atMost: '7d' },
    [
      {
        id: 'rich',
        text: { en: 'Rich', zh: '富' },
        opens: { categories: ['consumer_credit'] },
        when: 'profile.assets >= money("10.00")',
      },
    ],
    ['The pack opens it (rich) when: profile.assets is unknown, must be known to be at least 10.00 CNY.'],
  ],
  ['never', [], ['Nobody may open it for a single customer.']],
])('the three colours of a guardrail: %o with %o', async (override, allows, expected) => {
  const guardrails = [
    ...pieces.guardrails,
    {
      id: 'closed-hours',
      reason: 'bank_policy',
      text: { en: 'Closed', zh: '关闭' },
      closes: { categories: ['news', 'loyalty'], classes: ['marketing'] },
      override,
      suppression: {
        event: 'life_event.reported',
        where: 'event.kind == "relocation" && !event.resolved',
        for: '30d',
        liftedBy: { event: 'life_event.reported', where: 'event.kind == "relocation" && event.resolved' },
      },
    },
    {
      id: 'also',
      reason: 'bank_policy',
      text: { en: 'Not for the rich.', zh: '不对富人' },
      closes: { categories: ['news', 'loyalty'], classes: ['marketing'] },
      when: 'profile.assets >= money("1000.00")',
    },
  ]
  const opened = allows.map((allow) => ({ ...allow, opens: { categories: ['news', 'loyalty'] } }))
  const loaded = await loadBank({ guardrails, allows: opened })
  const there = createBank(loaded)
  there.send('c', 'life_event.reported', { kind: 'relocation', resolved: false }, { at: at - 1 })
  const said = words(there.ask('c', 'inbox', { at }).decision, loaded, 'inbox-tip')
  expect(said[0]).toBe(
    'Its suppression ends at once when life_event.reported comes with event.kind == "relocation" && event.resolved.',
  )
  expect(said).toContain('By what was recorded also closes it too, or may: Not for the rich.')
  for (const sentence of expected) expect(said).toContain(sentence)
})

test('a product that is too risky says which grades would do', () => {
  const there = createBank(pack)
  settle(there, 'c', at - 2)
  there.send('c', 'profile.updated', { totalAssets: 200_000_000, currency: 'CNY' }, { at: at - 1 })
  const { decision } = there.ask('c', 'home-banner', { at })
  expect(words(decision, pack, 'wealth-r5')).toEqual([
    'Nearest change: profile.riskGrade is balanced, needs aggressive.',
  ])
  expect(words(decision, pack, 'wealth-r5', 'zh')).toEqual([
    '最近的改变：profile.riskGrade为balanced，需要aggressive。',
  ])
})

test('what lost says to whom and by how much, and one slot more is all that the next one needed', async () => {
  const there = createBank(pack)
  settle(there, 'c', at - 2)
  const { decision } = there.ask('c', 'home-banner', { at, count: 1 })
  expect(words(decision, pack, 'study-loan')).toEqual([
    'Nearest change: a score above 9, that of The beauty-loan; it lacks 7.',
  ])
  expect(words(decision, pack, 'study-loan', 'zh')).toEqual(['最近的改变：得分高于“中文：The beauty-loan”的9，尚差7。'])
  const next = decision.fates.find(({ reason }) => reason === 'placement_full')?.offer ?? ''
  expect(words(decision, pack, next)[0]).toMatch(
    /^Nearest change: one offer more \(1 filled of \d that home-banner has\)\.$/,
  )
  const more = there.ask('c', 'home-banner', { at: at + 1, count: 2 }).decision
  expect(more.offers.map(({ offer }) => offer)).toContain(next)
  const offers = pieces.offers.map((offer) => (offer.id === 'gaming-loan' ? { ...offer, priority: 5 } : offer))
  const first = await loadBank({ offers })
  const other = createBank(first)
  settle(other, 'c', at - 2)
  expect(words(other.ask('c', 'home-banner', { at }).decision, first, 'study-loan')).toEqual([
    'It lost to The gaming-loan by priority (0 against 5), whatever the score.',
  ])
})

test('what is worth less than silence says how much it lacks', async () => {
  const loaded = await loadBank({ arbitration: { ...pieces.arbitration, nothing: 2.5 } })
  const there = createBank(loaded)
  settle(there, 'c', at - 2)
  const { decision } = there.ask('c', 'home-banner', { at })
  expect(words(decision, loaded, 'study-loan')).toEqual(['Nearest change: a score of 2.5, it lacks 0.5.'])
})

test('a value that the record does not have is not guessed', () => {
  const { decision } = createBank(pack).ask('stranger', 'home-banner', { at })
  const without = { ...decision, features: decision.features.filter(({ name }) => name !== 'profile.assets') }
  expect(words(without, pack, 'wealth-r2')).toEqual([
    'Nearest change: no change of single values is known that would surely do.',
  ])
})

test('staff read it with each candidate, and nothing of it without the pack', () => {
  const { decision } = createBank(pack).ask('stranger', 'home-banner', { at })
  expect(explainDecision(decision, pack, 'en').join('\n')).toContain('Nearest change: profile.assets is unknown')
  expect(explainDecision(decision, null, 'en').join('\n')).not.toContain('Nearest change')
})
