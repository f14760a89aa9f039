import { beforeAll, expect, test } from 'vitest'
import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack, Model } from '../../rules/model.ts'
import { diffPacks } from '../../rules/pack-diff.ts'
import { hashOf } from '../../rules/pack-hash.ts'

let pack: LoadedPack
beforeAll(async () => {
  const loaded = await loadPack('rules/packs/retail-bank')
  if (loaded.kind !== 'ok') throw new Error('the sample pack is sound')
  pack = loaded.pack
})

const changed = (change: (model: Model) => Partial<Model>): Model => ({ ...pack.model, ...change(pack.model) })
const mapFirst = <T>(all: readonly T[], change: (one: T) => T): readonly T[] =>
  all.map((one, i) => (i === 0 ? change(one) : one))

test('the same pack has no difference, wherever its rules stand in the files', () => {
  const moved = changed((model) => ({
    offers: model.offers.map((offer) => ({ ...offer, place: { file: 'offers.yaml', line: 9_999 } })),
  }))
  expect(hashOf(moved)).toBe(pack.hash)
  expect(diffPacks(pack.model, moved)).toEqual([])
})

test('whatever makes another hash is among the differences', () => {
  const unseen: string[] = []
  // What a pack may leave out counts too.
  const all = { fairness: undefined, ...pack.model }
  for (const [key, value] of Object.entries(all)) {
    const others: unknown[] = []
    if (value === undefined) others.push({ attributes: ['riskGrade'] })
    else if (typeof value === 'string') others.push(`${value}x`)
    else if (typeof value === 'number') others.push(value + 1)
    else if (Array.isArray(value)) others.push(value.slice(1), [...value].reverse())
    else others.push({ ...value, more: 1 })
    for (const other of others) {
      const model: Model = { ...pack.model, ...Object.fromEntries([[key, other]]) }
      if (hashOf(model) === pack.hash) continue
      try {
        if (diffPacks(pack.model, model).length === 0) unseen.push(key)
      } catch {
        unseen.push(`${key} throws`)
      }
    }
  }
  // What guards a category is told with the category; more of it than there are categories says nothing.
  expect(unseen.filter((key) => key !== 'guardedBy')).toEqual([])
})

test('a definition is added, removed or changed by its name, with the fields that differ', () => {
  const after = changed((model) => ({
    triggers: model.triggers.slice(1),
    offers: mapFirst(model.offers, (offer) => ({ ...offer, priority: offer.priority + 1 })),
    features: [...model.features, { ...firstOf(model.features), id: 'brand_new' }],
  }))
  const [offer, trigger] = [firstOf(pack.model.offers), firstOf(pack.model.triggers)]
  expect(diffPacks(pack.model, after)).toEqual([
    { kind: 'feature', id: 'brand_new', change: 'added', fields: [], compliance: null },
    {
      kind: 'offer',
      id: offer.id,
      change: 'changed',
      fields: [{ field: 'priority', before: `${offer.priority}`, after: `${offer.priority + 1}` }],
      compliance: null,
    },
    { kind: 'trigger', id: trigger.id, change: 'removed', fields: [], compliance: null },
  ])
})

const closing: readonly (readonly [string, (model: Model) => Partial<Model>])[] = [
  ['a guardrail', (model) => ({ guardrails: model.guardrails.slice(1) })],
  [
    'what may open a guardrail',
    (m) => ({ guardrails: mapFirst(m.guardrails, (one) => ({ ...one, override: { role: 'x', atMostMs: 1 } })) }),
  ],
  [
    'an allow',
    (m) => ({
      allows: [
        ...m.allows,
        {
          id: 'open',
          text: firstOf(m.guardrails).text,
          opens: firstOf(m.guardrails).closes,
          when: null,
          place: firstOf(m.guardrails).place,
        },
      ],
    }),
  ],
  ['a source', (model) => ({ sources: model.sources.slice(1) })],
  ['what guards a category', (model) => ({ guardedBy: { ...model.guardedBy, [firstOf(model.categories)]: [] } })],
  ['an attribute', (model) => ({ attributes: mapFirst(model.attributes, (one) => ({ ...one, validForMs: 1 })) })],
  [
    'the channel of a placement, by which guardrails hold it',
    (m) => ({ placements: mapFirst(m.placements, (one) => ({ ...one, channel: 'branch' })) }),
  ],
  ['a new channel', (m) => ({ channels: [...m.channels, { ...firstOf(m.channels), id: 'pager' }] })],
  ['suitability', (model) => ({ suitability: { ...model.suitability, whenUnknown: 5 } })],
  ['the class of an offer', (m) => ({ offers: mapFirst(m.offers, (one) => ({ ...one, class: 'regulatory' })) })],
  [
    'a new offer that is no marketing',
    (m) => ({ offers: [...m.offers, { ...firstOf(m.offers), id: 'fresh', class: 'service' }] }),
  ],
  ['what says whether offers are spread fairly', () => ({ fairness: { attributes: ['riskGrade'] } })],
  ['the zone', () => ({ zone: 'Europe/Rome' })],
]
test.each(closing)('%s is for compliance to approve', (_, change) => {
  const found = diffPacks(pack.model, changed(change))
  expect(found.map(({ compliance }) => compliance)).toContainEqual(expect.any(String))
})

test('a feature that a guardrail reads is for compliance, another one is not', () => {
  const told = (id: string) =>
    diffPacks(
      pack.model,
      changed((model) => ({
        features: model.features.map((one) => (one.id === id ? { ...one, window: { kind: 'lifetime' } } : one)),
      })),
    )[0]?.compliance
  const conditions = [...pack.model.guardrails, ...pack.model.allows].map(({ when }) => when ?? '').join(' ')
  const isRead = ({ id, window }: Model['features'][number]) =>
    window.kind !== 'lifetime' && new RegExp(`\\b${id}\\b`).test(conditions)
  const read = pack.model.features.find(isRead)
  const unread = pack.model.features.find((one) => one.window.kind !== 'lifetime' && !isRead(one))
  if (unread === undefined) throw new Error('the sample pack has a feature that no guardrail reads')
  expect(told(unread.id)).toBeNull()
  if (read !== undefined) expect(told(read.id)).toEqual(expect.any(String))
})

function firstOf<T>(all: readonly T[]): T {
  const [first] = all
  if (first === undefined) throw new Error('the sample pack has one')
  return first
}

test('what prices may depend on is for compliance', () => {
  const model: Model = { ...pack.model, pricing: { mayDependOn: ['profile.totalAssets', 'card_spend_30d'] } }
  const [change, ...others] = diffPacks(pack.model, model)
  expect(others).toEqual([])
  expect(change).toMatchObject({ kind: 'pack', change: 'changed', fields: [{ field: 'pricing' }] })
  expect(change?.compliance).toBe('What prices may depend on is what the bank publishes as fair.')
})
