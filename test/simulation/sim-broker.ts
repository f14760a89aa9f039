/** A model of a broker: topics of partitions, append times of its own clock, offsets that never come twice. */
import { type Appended, type Log, LogError, type LogRecord, type NewRecord } from '../../ingest/log.ts'
import type { VirtualTime } from './virtual-time.ts'
import type { Wire } from './wire.ts'

const fetchMs = 2

export class SimBroker {
  readonly partitions: number
  /** Hears of every record that gets in, for the checker. */
  readonly onRecord: ((topic: string, partition: number, record: LogRecord) => void)[] = []
  readonly #time: VirtualTime
  readonly #now: () => number
  readonly #topics = new Map<string, LogRecord[][]>()
  readonly #listeners = new Map<string, Set<(partition: number) => void>>()
  /** While it is down nothing is taken and nothing is handed out. */
  isDown = false

  constructor(parts: { readonly time: VirtualTime; readonly now: () => number; readonly partitions: number }) {
    this.#time = parts.time
    this.#now = parts.now
    this.partitions = parts.partitions
  }

  /** Every record of a partition. */
  records(topic: string, partition: number): readonly LogRecord[] {
    return this.#partition(topic, partition)
  }

  append(topic: string, partition: number, records: readonly NewRecord[]): Appended {
    const into = this.#partition(topic, partition)
    const firstOffset = into.length
    for (const { key, value, headers } of records) {
      const record = { offset: into.length, appendTime: this.#now(), key, value, headers: headers ?? {} }
      into.push(record)
      for (const tell of this.onRecord) tell(topic, partition, record)
    }
    this.#time.after(fetchMs, () => {
      for (const tell of this.#listeners.get(topic) ?? []) tell(partition)
    })
    return { firstOffset, lastOffset: into.length - 1 }
  }

  /** A topic as a node sees it over its wire. */
  over(wire: Wire, topic: string, deliver: (run: () => void) => void): Log {
    const heard = this.#listeners.get(topic) ?? new Set()
    this.#listeners.set(topic, heard)
    const up = (): void => {
      if (this.isDown) throw new LogError('log_unavailable', 'The broker does not answer.', { retryable: true })
    }
    return {
      partitions: this.partitions,
      append: (partition, records) =>
        wire.call(() => {
          up()
          return this.append(topic, partition, records)
        }),
      read: (partition, from, limit) =>
        wire.call(() => {
          up()
          return this.#read(topic, partition, from, limit)
        }),
      bounds: (partition) =>
        wire.call(() => {
          up()
          return { start: 0, end: this.#partition(topic, partition).length }
        }),
      onAppend: (listener) => {
        const gated = (partition: number): void => deliver(() => listener(partition))
        heard.add(gated)
        return () => heard.delete(gated)
      },
      trim: async () => 0,
      close: async () => {},
    }
  }

  #read(
    topic: string,
    partition: number,
    from: number,
    limit: { readonly maxBytes: number; readonly maxRecords: number },
  ): readonly LogRecord[] {
    const all = this.#partition(topic, partition)
    if (from > all.length) throw new LogError('log_gap', 'beyond the end', { retryable: false })
    const found: LogRecord[] = []
    let bytes = 0
    for (let offset = from; offset < all.length && found.length < limit.maxRecords; offset++) {
      const record = all[offset]
      if (record === undefined || (found.length > 0 && bytes + record.value.length > limit.maxBytes)) break
      bytes += record.value.length
      found.push(record)
    }
    return found
  }

  #partition(topic: string, partition: number): LogRecord[] {
    const partitions = this.#topics.get(topic) ?? Array.from({ length: this.partitions }, () => [])
    this.#topics.set(topic, partitions)
    const records = partitions[partition]
    if (records === undefined) throw new RangeError('there is no such partition')
    return records
  }
}

/** What a node gets that has no answer of the broker in time. */
export function noBroker(): LogError {
  return new LogError('log_unavailable', 'No answer in time.', { retryable: true })
}
