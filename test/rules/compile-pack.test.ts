import { expect, test } from 'vitest'
import { hash53 } from '../../ingest/hash.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { type CompiledPack, type EventData, receiptMs } from '../../rules/compiled.ts'
import { inScope, isAbout } from '../../rules/scope.ts'
import { loadBank } from '../engine/step/bank-pack.ts'
import { closedBy, compileRetailBank, frameOf } from './frames.ts'
import { loadPatched, type Patch } from './patched-pack.ts'

const pack = await compileRetailBank()
const dayMs = 86_400_000

async function patched(...patches: readonly Patch[]): Promise<CompiledPack> {
  const { result } = await loadPatched(patches)
  if (result.kind === 'refused') throw new Error(result.problems[0]?.message)
  return compilePack(result.pack)
}

const addFeature = (text: string): Patch => ({ file: 'features.yaml', from: 'features:\n', to: `features:\n${text}` })
const seriesOf = (compiled: CompiledPack, feature: string) => {
  const found = compiled.layout.features.find((candidate) => candidate.model.id === feature)
  return compiled.layout.series[found?.series ?? -1]
}

test('the frame holds the attributes, then the features, then whether the source is lawful', () => {
  const { attributes, features } = pack.layout
  expect(pack.variables.map((variable) => variable.name)).toEqual([
    ...attributes.map((attribute) => `profile.${attribute.id}`),
    ...features.map((feature) => feature.model.id),
    'source.lawful',
  ])
  expect(attributes.map((attribute) => attribute.variable)).toEqual(attributes.map((_, i) => i))
  expect(features.map((feature) => feature.variable)).toEqual(features.map((_, i) => attributes.length + i))
  expect(pack.lawfulVariable).toBe(pack.layout.variables - 1)
})

test('features over the same events and field share one series, with all their windows', async () => {
  const three = seriesOf(pack, 'card_spend_30d')
  expect(seriesOf(pack, 'card_spend_this_month')).toBe(three)
  expect(seriesOf(pack, 'average_purchase_90d')).toBe(three)
  expect(three?.windowsMs).toEqual([30 * dayMs, 90 * dayMs])
  // The growth of what is spent compares with the three windows before.
  expect(three?.retentionMs).toBe(120 * dayMs)
})

test('a series is known by its definition, whatever else the pack says', async () => {
  const other = await patched(
    addFeature('  - id: transfers_7d\n    kind: count\n    event: transfer.made\n    window: 7d\n'),
    { file: 'offers.yaml', from: 'eligible: fx_views_24h >= 3', to: 'eligible: fx_views_24h >= 9' },
  )
  for (const { model } of pack.layout.features) {
    expect(seriesOf(other, model.id)?.key).toBe(seriesOf(pack, model.id)?.key)
  }
  const keys = other.layout.series.map((series) => series.key)
  expect(new Set(keys).size).toBe(keys.length)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f]{13}$/)
})

test('another filter makes another series', async () => {
  const other = await patched({
    file: 'features.yaml',
    from: 'event.pageGroup == "fx"',
    to: 'event.pageGroup == "gold"',
  })
  expect(seriesOf(other, 'fx_views_24h')?.key).not.toBe(seriesOf(pack, 'fx_views_24h')?.key)
})

test.each([
  // Compared with 3 and 5.
  ['fx_views_24h', 6],
  ['early_education_searches_30d', 2],
  // Compared with another count.
  ['unemployment_reports_180d', 256],
  ['maternity_growth_30d', 256],
  ['card_spend_30d', 256],
  ['search_topics_30d', 256],
  // Only how long ago the last one was.
  ['since_last_purchase', 1],
])('the series of %s keeps %s exact entries', (feature, bound) => {
  expect(seriesOf(pack, feature)?.bound).toBe(bound)
})

test('growth keeps its baseline, a month has up to 31 days, a lifetime keeps nothing', async () => {
  expect(seriesOf(pack, 'maternity_growth_30d')?.retentionMs).toBe(120 * dayMs)
  expect(seriesOf(pack, 'wealth_trades_lifetime')).toMatchObject({ retentionMs: 0, windowsMs: [] })
  const other = await patched(
    addFeature(
      '  - id: fees_month\n    kind: count\n    event: transfer.made\n    where: event.kind == "fee"\n    window: calendar-month\n',
    ),
  )
  expect(seriesOf(other, 'fees_month')?.retentionMs).toBeGreaterThan(31 * dayMs)
})

test('amounts are known not to be negative, hashes of texts are not', () => {
  expect(seriesOf(pack, 'card_spend_30d')?.nonNegative).toBe(true)
  expect(seriesOf(pack, 'search_topics_30d')?.nonNegative).toBe(false)
})

test('a distinct feature stores hashes of texts, a sum the field itself', () => {
  const value = (type: string, feature: string, event: EventData): number => {
    const index = pack.layout.features.find((one) => one.model.id === feature)?.series
    return (
      pack.types
        .get(type)
        ?.series.find((one) => one.series === index)
        ?.value?.(event) ?? Number.NaN
    )
  }
  expect(value('search.made', 'search_topics_30d', { category: 'gold' })).toBe(hash53('gold'))
  expect(value('card.purchase', 'card_spend_30d', { amount: 1_234 })).toBe(1_234)
})

test('an attribute is read, left alone or cleared, as the event says', () => {
  const setters = pack.types.get('profile.updated')?.attributes ?? []
  const read = (id: string, event: EventData): number | 'cleared' => {
    const setter = setters.find((one) => pack.layout.attributes[one.attribute]?.id === id)
    if (setter === undefined) throw new Error(`nothing sets ${id}`)
    return setter.clears(event) ? 'cleared' : setter.read(event)
  }
  expect(read('employmentStatus', { employmentStatus: 'unemployed' })).toBe(2)
  expect(read('employmentStatus', { employmentStatus: null })).toBeNaN()
  expect(read('employmentStatus', {})).toBeNaN()
  expect(read('employmentStatus', { employmentStatus: 'unknown' })).toBe('cleared')
  expect(read('employmentStatus', { employmentStatus: null, cleared: ['employmentStatus'] })).toBe('cleared')
  expect(read('totalAssets', { totalAssets: 500_000, cleared: ['employmentStatus'] })).toBe(500_000)
  expect(read('studentStatus', { studentStatus: false })).toBe(0)
})

test('the key of an attribute changes with the meaning of its codes', async () => {
  const keyOf = (compiled: CompiledPack) => compiled.layout.attributes.find((one) => one.id === 'riskGrade')?.key
  const swapped = await patched({
    file: 'profile.yaml',
    from: 'values: [conservative, steady',
    to: 'values: [steady, conservative',
  })
  expect(keyOf(swapped)).not.toBe(keyOf(pack))
})

test('guardrails and caps are found by scope, on every channel', () => {
  const { model } = pack.loaded
  for (const [i, offer] of model.offers.entries()) {
    for (const { id: channel } of model.channels) {
      const held = (scopes: readonly Parameters<typeof inScope>[0][]) =>
        scopes.flatMap((scope, n) => (inScope(scope, offer.category, offer.class, channel) ? [n] : []))
      expect(pack.guardrailsOf(i, channel)).toEqual(held(model.guardrails.map((guardrail) => guardrail.closes)))
      const about = model.caps.flatMap(({ applies }, n) => (isAbout(applies, offer, channel) ? [n] : []))
      expect(pack.capsOf(i, channel)).toEqual(about)
    }
  }
  expect(() => pack.guardrailsOf(0, 'carrier pigeon')).toThrow(/channel/)
})

test('the same pack compiles to the same behaviour from JSON, as in another thread', () => {
  const again = compilePack(JSON.parse(JSON.stringify(pack.loaded)))
  expect(again.layout).toEqual(pack.layout)
  expect(again.variables).toEqual(pack.variables)
  const frame = frameOf(pack, { 'profile.studentStatus': true })
  for (const offer of pack.offers) {
    for (const channel of offer.model.channels) {
      expect(closedBy(again, offer.id, channel, frame)).toEqual(closedBy(pack, offer.id, channel, frame))
    }
  }
})

test('a pack that was never checked is a bug, not a surprise later', () => {
  const [offer] = pack.loaded.model.offers
  if (offer === undefined) throw new Error('the pack has offers')
  const broken = { ...pack.loaded.model, offers: [{ ...offer, eligible: 'no_such_feature > 1' }] }
  expect(() => compilePack({ model: broken, hash: '' })).toThrow(/checked pack/)
})

test('contacts are kept for as long as a message may leave or be reported, also beyond every cap', async () => {
  const caps = [
    {
      id: 'two-an-hour',
      limit: 2,
      per: '1h',
      applies: { categories: 'all', channels: ['sms'] },
      text: { en: 'Two', zh: '两条' },
    },
  ]
  const bank = await loadBank({ caps })
  const short = bank.model.offers.filter(({ channels }) => channels.includes('sms') || channels.includes('inbox'))
  const longest = Math.max(...short.map(({ validForMs }) => validForMs))
  expect(longest).toBe(24 * 3_600_000)
  expect(compilePack(bank).layout.contactsMs).toBe(longest + receiptMs)
  expect(compilePack(await loadBank()).layout.contactsMs).toBe(7 * 24 * 3_600_000)
})
