/** Follows topics in this process and notes when each record came. */
import type { Consumer } from 'kafkajs'
import { sharedNow } from '../latency/gc-watch.ts'
import { kafkaClient } from './topics.ts'

/** A record that came; instants are those of the shared clock, milliseconds. */
export type Heard = {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly at: number
  readonly value: Buffer
}

export type TopicEar = {
  /** What came since the last call. */
  take(): readonly Heard[]
  /** When the last record came; 0 when none did. */
  readonly lastAt: number
  close(): Promise<void>
}

/** Follows topics that are there from their beginning; resolves when the group has settled. */
export async function openTopicEar(brokers: readonly string[], topics: readonly string[]): Promise<TopicEar> {
  const consumer: Consumer = kafkaClient(brokers, 'bench-ear').consumer({ groupId: `bench-ear-${Date.now()}` })
  let heard: Heard[] = []
  let lastAt = 0
  await consumer.connect()
  await consumer.subscribe({ topics: [...topics], fromBeginning: true })
  const joined = new Promise<void>((resolve) => void consumer.on(consumer.events.GROUP_JOIN, () => resolve()))
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch: { topic, partition, messages } }) => {
      const at = sharedNow()
      lastAt = at
      for (const { offset, value } of messages) {
        if (value !== null) heard.push({ topic, partition, offset: Number(offset), at, value })
      }
    },
  })
  await joined
  return {
    take() {
      const taken = heard
      heard = []
      return taken
    },
    get lastAt() {
      return lastAt
    },
    close: () => consumer.disconnect(),
  }
}
