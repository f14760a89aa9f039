import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import type { Layout } from '../../../rules/compiled.ts'
import { DAY, HOUR, layoutOf, lifetimeWindow, MINUTE, rolling } from './layouts.ts'
import { commit, Shelf, slotOf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)
const PARTITIONS = 3
const CUSTOMERS = 36

const layout = layoutOf(
  [
    { kind: 'sum', series: 0, window: rolling(7 * DAY) },
    { kind: 'distinct', series: 0, window: rolling(5 * HOUR) },
    { kind: 'average', series: 0, window: lifetimeWindow },
    { kind: 'count', series: 1, window: rolling(10 * MINUTE) },
    { kind: 'count', series: 1, window: rolling(30 * DAY) },
    { kind: 'last', series: 2, window: rolling(2 * HOUR) },
  ],
  [{ bound: 30 }, { bound: 4, valued: false }, { bound: 1 }],
  { dedupeMs: 6 * HOUR },
)

const at = fc.integer({ min: 0, max: 2000 }).map((n) => T - n * 7 * MINUTE)
const operation = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('entry' as const), series: fc.nat(2), at, n: fc.integer() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('remember' as const), n: fc.nat(40), at }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('attribute' as const), which: fc.nat(1), at, n: fc.double() }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('suppress' as const), n: fc.nat(3), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('lift' as const), n: fc.nat(3), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('contact' as const), n: fc.nat(20), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('answer' as const), n: fc.nat(9), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('adopt' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hold' as const), n: fc.nat(20), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('confirm' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('recall' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('react' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('let_go' as const), n: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('settle' as const), n: fc.nat(20) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('feed' as const), n: fc.nat(150), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('mark' as const), n: fc.nat(150), at }) },
)
type Operation = typeof operation extends fc.Arbitrary<infer Value> ? Value : never
const change = fc.record({
  customer: fc.nat(CUSTOMERS - 1),
  operations: fc.array(operation, { minLength: 1, maxLength: 12 }),
})
const batch = fc.record({
  partition: fc.nat(PARTITIONS - 1),
  changes: fc.array(change, { maxLength: 8 }),
  fate: fc.constantFrom('installed', 'installed', 'installed', 'installed', 'discarded'),
})

function apply(states: FlatStates, slot: number, operation: Operation): void {
  switch (operation.kind) {
    case 'entry':
      states.addEntry(slot, operation.series, operation.at, operation.n)
      return
    case 'remember':
      states.remember(slot, operation.n * 7919, operation.n, operation.at)
      return
    case 'attribute':
      states.setAttribute(slot, operation.which, operation.n, operation.at)
      return
    case 'feed':
      states.feed(slot, 1_000 + operation.n, 5 + (operation.n % 7), operation.at)
      return
    case 'mark':
      states.markOrigin(slot, 1_000 + operation.n, operation.n % 3 === 0 ? 'allowed' : 'revoked', operation.at)
      return
    case 'suppress':
      states.suppress(slot, operation.n + 1, operation.at, operation.at + 40 * DAY)
      return
    case 'lift':
      states.lift(slot, operation.n + 1, operation.at)
      return
    case 'contact': {
      const decision = operation.n * 1e12
      states.addContact(slot, {
        at: operation.at,
        channel: 1,
        category: 2,
        offer: operation.n,
        class: 2,
        decision,
        until: operation.n % 2 === 0 ? 0 : operation.at + DAY,
        answered: operation.n % 3 === 0,
        recalled: operation.n % 5 === 1,
      })
      return
    }
    case 'confirm':
      states.confirmContact(slot, operation.n * 1e12)
      return
    case 'recall':
      states.recallContact(slot, (operation.n * 1e12) / 2)
      return
    case 'react':
      states.answerContact(slot, operation.n * 1e12)
      return
    case 'hold':
      states.hold(slot, {
        at: operation.at + DAY,
        expiresAt: operation.at + 3 * DAY,
        trigger: 4_000_000_000 + operation.n,
        placement: operation.n % 2,
        origin: [operation.n, 4_000_000_000, 0, 1],
      })
      return
    case 'let_go':
      states.letGo(slot, 4_000_000_000 + operation.n, operation.n % 2)
      return
    case 'remove':
      states.removeContact(slot, operation.n * 1e12)
      return
    case 'answer':
      states.rememberAnswer(slot, 1, operation.n, operation.at, [operation.n, 77, 4_000_000_000])
      return
    case 'adopt':
      states.adopt(slot, operation.n * 1e12)
      return
    case 'settle':
      states.settle(slot, operation.n * 1e12)
      return
  }
}

function features(states: FlatStates, slot: number): string {
  const { variables, attributes, features } = states.layout
  const lo = new Float64Array(variables)
  const hi = new Float64Array(variables)
  const reads = [...attributes, ...features].map(({ variable }) => variable)
  states.evaluate(slot, T, T, reads, lo, hi)
  return `${lo.join()} ${hi.join()}`
}

function optionsOf(one: Layout, maxBytes: number, softLimitBytes: number): Parameters<typeof createStates>[1] {
  return { maxBytes, softLimitBytes, observedSince: one.series.map(() => 0) }
}

function run(
  batches: readonly (typeof batch extends fc.Arbitrary<infer Value> ? Value : never)[],
  soft: number,
): number {
  const roomy = createStates(layout, optionsOf(layout, 4 << 20, soft))
  const tiny = createStates(layout, optionsOf(layout, 16 << 10, soft))
  const shelf = new Shelf()
  for (const { partition, changes, fate } of batches) {
    const mine = changes.filter(({ customer }) => customer % PARTITIONS === partition)
    const touched = new Set(mine.map(({ customer }) => `c${customer}`))
    const all = [roomy, tiny].map((states) => {
      states.begin(partition)
      for (const { customer, operations } of mine) {
        const slot = slotOf(states, shelf, partition, `c${customer}`)
        for (const operation of operations) apply(states, slot, operation)
      }
      return states.writes(partition)
    })
    expect(all[1]).toEqual(all[0])
    if (fate === 'discarded') {
      roomy.discard(partition)
      tiny.discard(partition)
      continue
    }
    shelf.apply(all[0] ?? [])
    roomy.installed(partition)
    tiny.installed(partition)
    const fresh = createStates(layout, optionsOf(layout, 1 << 20, soft))
    for (const id of touched) {
      const slot = roomy.find(id)
      const again = fresh.load(partition, id, shelf.get(id))
      expect(fresh.encode(again)).toEqual(roomy.encode(slot))
      expect(features(fresh, again)).toBe(features(roomy, slot))
    }
  }
  for (let customer = 0; customer < CUSTOMERS; customer++) {
    const id = `c${customer}`
    const [one, other] = [roomy, tiny].map((states) => {
      const slot = slotOf(states, shelf, customer % PARTITIONS, id)
      return { bytes: states.encode(slot), features: features(states, slot) }
    })
    expect(other).toEqual(one)
  }
  return CUSTOMERS - tiny.usage().customers
}

describe('what is stored', () => {
  it('is what is in memory: base and patches replay to the same bytes and features, with and without eviction', () => {
    let evicted = 0
    fc.assert(
      fc.property(fc.array(batch, { minLength: 1, maxLength: 40 }), (batches) => {
        evicted += run(batches, 32_000)
      }),
      { numRuns: 60 },
    )
    expect(evicted).toBeGreaterThan(0)
  })

  it('is what is in memory also when the soft limit bounds series further', () => {
    fc.assert(
      fc.property(fc.array(batch, { minLength: 10, maxLength: 40 }), (batches) => {
        run(batches, 400)
      }),
      { numRuns: 40 },
    )
  })

  it('stays what is in memory over hundreds of commits to one customer', () => {
    const states = createStates(layout, optionsOf(layout, 1 << 20, 32_000))
    const shelf = new Shelf()
    for (let i = 0; i < 500; i++) {
      commit(states, shelf, 0, () => {
        const slot = slotOf(states, shelf, 0, 'c1')
        states.remember(slot, i, i, T + i * HOUR)
        // Named in another order than the layout's, and some only after the first base.
        for (let series = 2; series >= (i < 60 ? 1 : 0); series--) states.addEntry(slot, series, T + i * HOUR, i * 100)
        if (i % 7 === 3) states.setAttribute(slot, i < 100 ? 1 : 0, i, T + i)
      })
      if (i % 10 !== 9) continue
      const fresh = createStates(layout, optionsOf(layout, 1 << 20, 32_000))
      const slot = fresh.load(0, 'c1', shelf.get('c1'))
      expect(fresh.encode(slot)).toEqual(states.encode(states.find('c1')))
    }
  })
})
