import assert from 'node:assert'
import type { Log } from '../log.ts'
import type { KafkaProducer } from './kafka-producer.ts'
import type { KafkaReader } from './kafka-reader.ts'

/**
 * A topic as a log that is read at any offset. `onAppend` tells of this process's appends only. Retention is the broker's, so
 * `trim` does nothing; what belongs to several logs is closed by whoever opened it, so `close` does nothing either.
 */
export function createTopicLog(parts: {
  readonly topic: string
  readonly partitions: number
  readonly producer: KafkaProducer
  readonly reader: KafkaReader
}): Log {
  const { topic, partitions, producer, reader } = parts
  const listeners = new Set<(partition: number) => void>()
  const check = (partition: number) => assert(partition >= 0 && partition < partitions, 'partition')
  return {
    partitions,
    async append(partition, records) {
      check(partition)
      const appended = await producer.append(partition, records)
      for (const listener of listeners) listener(partition)
      return appended
    },
    async read(partition, from, limit) {
      check(partition)
      return reader.read(topic, partition, from, limit)
    },
    async bounds(partition) {
      check(partition)
      return reader.bounds(topic, partition)
    },
    onAppend(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    trim: async () => 0,
    close: async () => {},
  }
}
