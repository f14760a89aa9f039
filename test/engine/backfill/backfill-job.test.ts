import { expect, it } from 'vitest'
import { begunBackfill, filledIn, haltedBackfill, nextBackfill } from '../../../engine/backfill/backfill-job.ts'
import { SeriesPast } from '../../../engine/shard/series-past.ts'
import { type Cluster, type Fill, nothingAdded, storeFormat } from '../../../engine/store/store.ts'
import { layoutOf } from '../state/layouts.ts'

const untouched: Cluster = {
  format: storeFormat,
  partitions: 2,
  clock: 'wall',
  log: 'a log',
  salt: 'salt',
  completeSince: 100,
  pack: 'pack',
  observedSince: { old: 100, a: 5_000, b: 6_000 },
  ...nothingAdded,
  activations: 2,
  added: { a: { key: 'a1', activation: 1, filled: 0 }, b: { key: 'b2', activation: 2, filled: 0 } },
}

function fillOf(number: number, more: Partial<Fill> = {}): Fill {
  return { number, from: 0, at: 0, isDone: false, since: 100, ...more }
}

function begun(cluster: Cluster, until = 10_000): Cluster {
  const next = begunBackfill(cluster, until)
  if (next === null) throw new Error('there is something to fill')
  return next
}

it('a backfill takes every series that is not filled, and one that was halted goes on under its number', () => {
  const first = begun(untouched)
  expect(first.backfill).toEqual({ number: 1, series: ['a', 'b'], until: 10_000, halt: 'none' })
  const halted = haltedBackfill(first, 'asked')
  expect(halted?.backfill).toMatchObject({ number: 1, series: ['a', 'b'], halt: 'asked' })
  expect(begun(halted ?? first, 20_000).backfill).toEqual({
    number: 1,
    series: ['a', 'b'],
    until: 20_000,
    halt: 'none',
  })
})

it('when all partitions are done its series are known from where the last of them knows them, and never earlier than the log', () => {
  const done = filledIn(begun(untouched), [fillOf(1, { since: 700 }), fillOf(1, { since: 30 })])
  expect(done.observedSince).toEqual({ old: 100, a: 700, b: 700 })
  expect(done.added).toMatchObject({ a: { filled: 1 }, b: { filled: 1 } })
  expect(begunBackfill(done, 10_000)).toBeNull()
  // What was known for longer without it stays known.
  expect(filledIn(begun(untouched), [fillOf(1, { since: 9_000 })]).observedSince).toEqual(untouched.observedSince)
})

it('a partition does what is in progress, until it is halted or its time is over', () => {
  const first = begun(untouched)
  expect(nextBackfill(untouched, null, 0)).toBeNull()
  expect(nextBackfill(first, null, 9_999)).toBe(1)
  expect(nextBackfill(first, fillOf(1), 9_999)).toBe(1)
  expect(nextBackfill(first, fillOf(1), 10_000)).toBeNull()
  expect(nextBackfill(haltedBackfill(first, 'asked') ?? first, fillOf(1), 0)).toBeNull()
  expect(nextBackfill(first, fillOf(1, { isDone: true }), 0)).toBeNull()
})

it('a partition whose store has lost the end of a backfill that the record calls done fills it again', () => {
  const done = filledIn(begun(untouched), [fillOf(1), fillOf(1)])
  expect(nextBackfill(done, fillOf(1, { at: 7 }), 99_999)).toBe(1)
  expect(nextBackfill(done, null, 99_999)).toBe(1)
  const past = new SeriesPast(layoutOf([], []), done)
  expect(past.begun({ begun: [], fill: null, next: 40 })).toEqual([
    { activation: 1, at: 40 },
    { activation: 2, at: 40 },
  ])
  expect(past.begun({ begun: [{ activation: 1, at: 3 }], fill: fillOf(1, { isDone: true }), next: 40 })).toEqual([])
})
