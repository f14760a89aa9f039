import type { Bounds } from '../log.ts'
import { LogError } from '../log.ts'
import type { KafkaAdmin } from './kafka-admin.ts'

/** First offset kept and next offset of every partition of a topic. */
export type TopicBounds = {
  readonly topic: string
  /**
   * As of some moment after the call: callers share an answer only when it was asked for after all of them came, so what
   * was appended before the call is below `end`. `end` counts no record of a transaction that is open.
   * @throws LogError `log_unavailable`, not retryable when the topic has another number of partitions than it had
   */
  all(): Promise<readonly Bounds[]>
}

/** @param partitions how many the topic has to have */
export function createTopicBounds(admin: KafkaAdmin, topic: string, partitions: number): TopicBounds {
  const what = `the offsets of topic ${topic} cannot be read`
  return {
    topic,
    all: shareCalls(async () => {
      const offsets = await admin.ask(what, (asked) => asked.fetchTopicOffsets(topic))
      if (offsets.length !== partitions) {
        const message = `topic ${topic} has ${offsets.length} partitions now; it was ${partitions} when the engine started`
        throw new LogError('log_unavailable', message, { retryable: false })
      }
      const bounds = new Array<Bounds>(partitions)
      for (const { partition, low, high } of offsets) bounds[partition] = { start: Number(low), end: Number(high) }
      return bounds
    }),
  }
}

/** One call at a time; whoever comes during a call shares the one after it. */
export function shareCalls<T>(call: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null
  let next: Promise<T> | null = null

  function begin(): Promise<T> {
    next = null
    const mine = call().finally(() => {
      if (running === mine) running = null
    })
    running = mine
    return mine
  }

  return () => {
    if (running === null) return begin()
    next ??= running.then(begin, begin)
    return next
  }
}
