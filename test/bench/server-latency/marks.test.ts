/** Goal: a stretch inside a contender begins and ends at the right instants. Method: marks by hand. */
import { describe, expect, test } from 'vitest'
import { MarkIndex } from '../../../bench/server-latency/marks.ts'
import { createStream, placeOf } from '../../../bench/workload/stream.ts'

const index = new MarkIndex({
  kind: 'marks',
  fetched: [
    { partition: 0, next: 10, at: 100 },
    { partition: 1, next: 5, at: 105 },
    { partition: 0, next: 11, at: 110 },
    { partition: 0, next: 20, at: 120 },
  ],
  handed: [
    { partition: 0, first: 3, count: 2, at: 130 },
    { partition: 1, first: 3, count: 1, at: 131 },
  ],
  batches: [],
})

describe('instants inside a contender', () => {
  test.each([
    [0, 0, 100],
    [0, 9, 100],
    [0, 10, 110],
    [0, 11, 120],
    [0, 19, 120],
    [1, 4, 105],
  ])('partition %i offset %i was fetched with the first mark beyond it', (partition, offset, at) => {
    expect(index.fetchedAt(partition, offset)).toBe(at)
  })

  test('what no mark covers is not known', () => {
    expect(index.fetchedAt(0, 20)).toBeNaN()
    expect(index.fetchedAt(2, 0)).toBeNaN()
    expect(index.handedAt(0, 5)).toBeNaN()
    expect(index.handedAt(0, 2)).toBeNaN()
  })

  test('all records of one hand-over have its instant', () => {
    expect([index.handedAt(0, 3), index.handedAt(0, 4), index.handedAt(1, 3)]).toEqual([130, 130, 131])
  })

  test('an event id tells the place in the stream it is of', () => {
    const stream = createStream({ seed: 21, customers: 100, startMs: Date.UTC(2026, 4, 1) })
    for (let i = 0; i < 3; i++) stream.next()
    expect(placeOf(stream.event().id)).toEqual({ seed: 21, index: 2 })
  })
})
