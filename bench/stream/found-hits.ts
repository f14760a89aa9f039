/** The hits that a contender let out: what stands on its decisions topic. */
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { readTopic } from '../servers/topics.ts'
import { Hits } from './hits.ts'
import type { HitRecord } from './peers/hit-record.ts'

/** Of our decisions: each fate names the trigger that proposed it, whatever became of the offer. */
export async function ourHits(brokers: readonly string[], topic: string): Promise<Hits> {
  const hits = new Hits()
  const decisions = new Set<string>()
  await readTopic(brokers, topic, (_, { value }) => {
    if (value === null) return
    const { id, cause, fates } = decodeDecision(value)
    // Publication is at least once; a consumer drops repeats by id.
    if (decisions.has(id)) return
    decisions.add(id)
    for (const { trigger } of fates) if (trigger !== null) hits.add(cause.id, trigger)
  })
  return hits
}

/** Of the records of the popular stack and of Kafka Streams. */
export async function peerHits(brokers: readonly string[], topic: string): Promise<Hits> {
  const hits = new Hits()
  await readTopic(brokers, topic, (_, { value }) => {
    if (value === null) return
    const { event, rule }: HitRecord = JSON.parse(value.toString())
    hits.add(event, rule)
  })
  return hits
}
