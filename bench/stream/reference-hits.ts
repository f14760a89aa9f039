import { partitionOf } from '../../ingest/partition.ts'
import { type Facts, referenceIds } from '../rules/rule-workload.ts'
import { type EventStream, streamCustomerId } from '../workload/stream.ts'
import { cardCounters, cardRules, categoryFact } from './card-rules.ts'
import { Hits } from './hits.ts'

/**
 * The hits of the first events of each partition by the plainest code there is: numbers in a map, every rule tried one after the
 * other.
 * @param stream standing before the first event of the topic
 * @param next by partition, the offset before which events count; a partition that is not named has none
 */
export function referenceHits(
  stream: EventStream,
  events: number,
  next: Readonly<Record<number, number>>,
  partitions: number,
): Hits {
  const hits = new Hits()
  const totals = new Map<string, number[]>()
  const offsets = new Array<number>(partitions).fill(0)
  for (let i = 0; i < events; i++) {
    stream.next()
    const customerId = streamCustomerId(stream.customer)
    const partition = partitionOf(customerId, partitions)
    const offset = offsets[partition] ?? 0
    offsets[partition] = offset + 1
    if (offset >= (next[partition] ?? 0)) continue
    const { id, data } = stream.event()
    const counters = totals.get(customerId) ?? new Array<number>(cardCounters.length).fill(0)
    totals.set(customerId, counters)
    const facts: Record<string, Facts[string]> = { [categoryFact]: String(data[categoryFact]) }
    for (const [c, { name, adds, only }] of cardCounters.entries()) {
      const counts = only === null || data[only.field] === only.equals
      if (counts) counters[c] = (counters[c] ?? 0) + (adds === 'one' ? 1 : Number(data['amount']))
      facts[name] = counters[c] ?? 0
    }
    for (const rule of referenceIds(cardRules, facts)) hits.add(id, rule)
  }
  return hits
}
