/** Goal: a rule that goes out of service between finding what is filled in and adding it has nothing passed over. */
import { expect, test } from 'vitest'
import { ShardFills } from '../../../engine/shard/shard-fills.ts'
import { putInForce } from '../../../engine/step/step-context.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { withQuarantine } from '../../../rules/quarantine.ts'
import { openCodecs } from '../../../sinks/codecs.ts'
import { createBank, day0 } from '../step/bank.ts'
import { loadBank, bank as pieces } from '../step/bank-pack.ts'

const features = [
  ...pieces.features,
  { id: 'views_7d', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "fx"', window: '7d' },
  { id: 'help_7d', kind: 'count', event: 'page.viewed', where: 'event.pageGroup == "loans"', window: '7d' },
  { id: 'searches_7d', kind: 'count', event: 'search.made', window: '7d' },
]
const compiled = compilePack(await loadBank({ features }))
const indexOf = (id: string): number => compiled.layout.features.find(({ model }) => model.id === id)?.series ?? -1

for (const [out, added] of [
  [[], 1],
  [['feature:searches_7d'], 1],
  [['feature:help_7d'], 'quarantined'],
  [['feature:views_7d'], 'quarantined'],
] as const) {
  test(`adding an event of a help page with ${out.join() || 'nothing'} out of service`, () => {
    const bank = createBank(compiled.loaded, undefined, { compile: () => compiled })
    const { context } = bank
    const fills = new ShardFills({ context, codecs: openCodecs({ kind: 'own' }), partitions: 1, fillBytes: 2 ** 16 })
    const limits = Float64Array.from(compiled.layout.series, (_, series) => (series === indexOf('help_7d') ? 10 : -1))
    const event = {
      id: 'e',
      source: 'core-banking',
      type: 'page.viewed',
      customerId: 'c',
      time: day0,
      provenance: { via: 'http', consentId: null } as const,
      data: { page: '/', pageGroup: 'loans', dwellMs: 1 },
    }
    const found = { events: [{ event, acceptedAt: day0, offset: 1 }], customers: new Set(['c']), read: 1 }
    putInForce(context, withQuarantine(compiled, new Set(out)), null)
    expect(fills.add(new Map([['c', bank.slot('c')]]), found, limits)).toBe(added)
  })
}
