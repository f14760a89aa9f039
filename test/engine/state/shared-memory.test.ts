/** Caches of several layouts in one memory, as when another pack comes into force: a partition leaves one and is read by the next. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CustomerMemory } from '../../../engine/state/customer-memory.ts'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import type { Layout } from '../../../rules/compiled.ts'
import { DAY, layoutOf, rolling } from './layouts.ts'
import { bytesLeft, commit, Shelf, slotOf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)
const PARTITIONS = 3
const CUSTOMERS = 40
/** Event ids that a customer keeps at most. */
const EVENT_IDS_MAX = 4_096
const count = (series: number) => ({ kind: 'count', series, window: rolling(30 * DAY) }) as const
const layouts = [
  layoutOf([count(0)], [{}]),
  layoutOf([count(0), count(1)], [{}, {}]),
  layoutOf([count(1), count(2), count(0)], [{}, {}, { valued: false }]),
]

function statesOf(layout: number, memory: CustomerMemory): FlatStates {
  const of = layouts[layout] ?? layouts[0]
  if (of === undefined) throw new Error('there are layouts')
  return createStates(of, { memory, observedSince: observed(of) })
}

function observed({ series }: Layout): number[] {
  return series.map(() => 0)
}

const step = fc.record({
  partition: fc.nat(PARTITIONS - 1),
  /** Rarely: the partition goes over to a cache of another layout. */
  goesOver: fc.option(fc.nat(layouts.length - 1), { freq: 6 }),
  ends: fc.constantFrom('installed', 'installed', 'discarded'),
  customers: fc.array(fc.nat(CUSTOMERS - 1), { minLength: 1, maxLength: 6 }),
  entries: fc.integer({ min: 1, max: 60 }),
})

test('each reads what is stored and nothing of another, however partitions go over and however full it is', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 80 }), (steps) => {
      const memory = new CustomerMemory(96 << 10)
      const shelf = new Shelf()
      const owners = Array.from({ length: PARTITIONS }, () => statesOf(0, memory))
      let at = T
      for (const { partition, goesOver, ends, customers, entries } of steps) {
        if (goesOver !== null) {
          owners[partition]?.discard(partition)
          owners[partition] = statesOf(goesOver, memory)
        }
        const states = owners[partition]
        if (states === undefined) throw new Error('each partition has an owner')
        states.begin(partition)
        for (const customer of new Set(customers)) {
          const id = `c${partition}-${customer}`
          const slot = slotOf(states, shelf, partition, id)
          // What a cache of its own would read is what this one has.
          const own = createStates(states.layout, { maxBytes: 64 << 10, observedSince: observed(states.layout) })
          expect(states.encode(slot)).toEqual(own.encode(own.load(0, id, shelf.get(id))))
          for (let i = 0; i < entries; i++) states.addEntry(slot, i % states.layout.series.length, at++, i)
        }
        if (ends === 'installed') {
          shelf.apply(states.writes(partition))
          states.installed(partition)
        } else states.discard(partition)
        expect(memory.usage().bytes).toBeLessThanOrEqual(96 << 10)
      }
      for (let partition = 0; partition < PARTITIONS; partition++) owners[partition]?.discard(partition)
      expect(memory.usage().customers).toBe(0)
      expect(bytesLeft(statesOf(1, memory))).toBe(0)
    }),
    { numRuns: 40 },
  )
})

test('another layout takes no memory of its own', () => {
  const memory = new CustomerMemory(64 << 20)
  const before = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 6; i++) statesOf(i % layouts.length, memory)
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 << 20)
})

test('what had to go because a bound was full is counted on under another layout', () => {
  const memory = new CustomerMemory(1 << 20)
  const [one, other] = [statesOf(0, memory), statesOf(1, memory)]
  const overflow = (states: FlatStates) =>
    commit(states, new Shelf(), 0, () => {
      const slot = states.load(0, 'c', null)
      for (let id = 0; id <= EVENT_IDS_MAX; id++) states.remember(slot, 0, id, T)
    })
  overflow(one)
  expect(one.overflows.eventIds).toBe(1)
  one.discard(0)
  expect(other.overflows.eventIds).toBe(1)
  overflow(other)
  expect(other.overflows.eventIds).toBe(2)
})

test('a partition is of one cache at a time: what another one has is no state of it', () => {
  const memory = new CustomerMemory(1 << 20)
  const [one, other] = [statesOf(0, memory), statesOf(1, memory)]
  const shelf = new Shelf()
  commit(one, shelf, 0, () => one.addEntry(one.load(0, 'c', null), 0, T, 1))
  expect(() => other.find('c')).toThrow('a partition belongs to one cache at a time')
  expect(() => other.load(0, 'another', null)).toThrow('a partition belongs to one cache at a time')
  one.discard(0)
  expect(other.find('c')).toBe(-1)
  expect(memory.usage().customers).toBe(0)
  commit(other, shelf, 0, () => other.addEntry(slotOf(other, shelf, 0, 'c'), 0, T + 1, 1))
  expect(memory.usage().customers).toBe(1)
  expect(one.layout).not.toEqual(other.layout)
})
