/**
 * Goal: the comparison of the benchmark `stream` would notice a contender that finds other hits. Method: hits with one
 * difference each, and the reference against sums made by hand.
 */
import { expect, test } from 'vitest'
import { cardEvent } from '../../../bench/stream/card-rules.ts'
import { firstDifference, Hits } from '../../../bench/stream/hits.ts'
import { referenceHits } from '../../../bench/stream/reference-hits.ts'
import { createStream, streamCustomerId } from '../../../bench/workload/stream.ts'
import { partitionOf } from '../../../ingest/partition.ts'

const hitsOf = (...pairs: readonly (readonly [string, string])[]): Hits => {
  const hits = new Hits()
  for (const [event, rule] of pairs) hits.add(event, rule)
  return hits
}

const all = hitsOf(['a', 'rule-01'], ['a', 'rule-02'], ['b', 'rule-01'])

test('the same hits in another order, some of them twice, are no difference', () => {
  const other = hitsOf(['b', 'rule-01'], ['a', 'rule-02'], ['a', 'rule-01'], ['b', 'rule-01'])
  expect(firstDifference(all, other)).toBeNull()
  expect([other.count, other.repeats, other.events]).toEqual([3, 1, 2])
  expect([...other.byRule()]).toEqual([
    ['rule-01', 2],
    ['rule-02', 1],
  ])
})

test.each([
  ['a rule is missing', hitsOf(['a', 'rule-01'], ['b', 'rule-01'])],
  ['an event is missing', hitsOf(['a', 'rule-01'], ['a', 'rule-02'])],
  ['a rule is too many', hitsOf(['a', 'rule-01'], ['a', 'rule-02'], ['b', 'rule-01'], ['b', 'rule-03'])],
  ['an event is too many', hitsOf(['a', 'rule-01'], ['a', 'rule-02'], ['b', 'rule-01'], ['c', 'rule-01'])],
  ['as many hits of each rule at other events', hitsOf(['b', 'rule-01'], ['b', 'rule-02'], ['a', 'rule-01'])],
])('a difference is found and named when %s', (_, found) => {
  expect(firstDifference(all, found)).toMatch(/^at event [abc] the rules are ".*" and should be ".*"$/)
  expect(firstDifference(found, all)).not.toBeNull()
})

const partitions = 4
const stream = () => createStream({ seed: 1, customers: 3, startMs: Date.UTC(2026, 0, 1), types: [cardEvent] })

test('the reference counts every purchase of a customer, and hits the band it is in', () => {
  const events = 200
  const hits = referenceHits(stream(), events, { 0: events, 1: events, 2: events, 3: events }, partitions)
  const again = stream()
  const seen = new Map<number, { purchases: number; spend: number }>()
  let inBand = 0
  for (let i = 0; i < events; i++) {
    again.next()
    const { id, data } = again.event()
    const { purchases = 0, spend = 0 } = seen.get(again.customer) ?? {}
    const now = { purchases: purchases + 1, spend: spend + Number(data['amount']) }
    seen.set(again.customer, now)
    // The second band of the first rare category, as its rule in the pack says it.
    const holds =
      data['merchantCategory'] === 'travel' && now.purchases >= 4 && now.purchases < 10 && now.spend > 40_000
    expect(hits.of(id).includes('rule-02')).toBe(holds)
    if (holds) inBand++
  }
  expect(inBand).toBeGreaterThan(0)
})

test('the reference looks at the first events of each partition only, as far as a contender came', () => {
  const events = 400
  const everything = { 0: events, 1: events, 2: events, 3: events }
  const whole = referenceHits(stream(), events, everything, partitions)
  const busiest = partitionOf(streamCustomerId(0), partitions)
  const part = referenceHits(stream(), events, { [busiest]: 50 }, partitions)
  expect(part.count).toBeGreaterThan(0)
  expect(part.count).toBeLessThan(whole.count)
  for (const event of part.ids()) expect(part.of(event)).toEqual(whole.of(event))
  expect(referenceHits(stream(), events, {}, partitions).count).toBe(0)
})
