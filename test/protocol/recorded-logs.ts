import type { CustomerSource, Gap, RecordedEvent } from '../../engine/replay/recorded.ts'
import type { Trusts } from '../../engine/shard/event-frame.ts'
import type { Log, LogRecord } from '../../ingest/log.ts'
import type { Batch } from '../../sinks/batch.ts'
import { decodeBatch } from '../../sinks/batch-codec.ts'
import type { Decision } from '../../sinks/decision.ts'
import { type DecisionCodec, decisionIdOf } from '../../sinks/decision-codec.ts'

type Readable = Pick<Log, 'read' | 'bounds' | 'partitions'>

const page = { maxBytes: 4 * 1024 * 1024, maxRecords: 8_192 } as const

/** The records as the logs themselves have them, as far back as they are kept. */
export function recordedLogs(logs: {
  readonly events: Readable
  readonly batches: Readable
  readonly decisions: Readable
  readonly codec: Pick<DecisionCodec, 'decode'>
  readonly trusts: Trusts
  /** The only customer whose events are given, and whose batches; absent: everybody's. */
  readonly customerId?: string
}): CustomerSource {
  const { events, batches, decisions, codec, trusts, customerId } = logs
  /** Where the batch behind a number stands, so that pages go on. */
  const places = new Map<number, { readonly seq: number; readonly offset: number }>()

  async function* told(partition: number, after: number): AsyncGenerator<{ batch: Batch; offset: number }> {
    const known = places.get(partition)
    let last = after
    for await (const record of recordsOf(batches, partition, known?.seq === after ? known.offset : 0)) {
      // What is told again was told before.
      if (Number(record.headers?.['seq']) <= last) continue
      const batch = decodeBatch(record.value)
      last = batch.seq
      yield { batch, offset: record.offset + 1 }
    }
  }
  const lostOf = async (partition: number) => {
    const stretches: { from: number; to: number }[] = []
    for await (const { batch } of told(partition, 0))
      if (batch.seq - batch.prev > 1) stretches.push({ from: batch.prev, to: batch.seq })
    return stretches
  }
  const countIn = async (partition: number, from: number, to: number, whose?: string) => {
    // Not from the bounds: an offset need not be a record.
    let found = 0
    for await (const { offset, key } of recordsOf(events, partition, from)) {
      if (offset >= to) break
      if (whose === undefined || key === whose) found++
    }
    return found
  }
  const touches = async (batch: Batch, customer: string) =>
    batch.kind === 'adopt' ||
    batch.kind === 'fill' ||
    batch.due.includes(customer) ||
    batch.steps.some(
      ({ series, requests }) => series !== null || requests.some((one) => one.customerId === customer),
    ) ||
    (await countIn(batch.partition, batch.from, batch.next, customer)) > 0
  return {
    partitions: events.partitions,
    async batches(partition, after, limit) {
      const found: Batch[] = []
      for await (const { batch, offset } of told(partition, after)) {
        if (customerId !== undefined && !(await touches(batch, customerId))) continue
        found.push(batch)
        places.set(partition, { seq: batch.seq, offset })
        if (found.length === limit) break
      }
      return found
    },
    async events(partition, from, to, limit) {
      const found: RecordedEvent[] = []
      for await (const record of recordsOf(events, partition, from)) {
        if (record.offset >= to || found.length === limit) break
        if (customerId === undefined || record.key === customerId) found.push({ ...record, trusted: trusts(record) })
      }
      return found
    },
    async decisions(partition, ids) {
      const wanted = new Set(ids)
      const found = new Map<string, Decision>()
      for await (const { value } of recordsOf(decisions, partition, 0)) {
        const id = decisionIdOf(value)
        if (wanted.has(id)) found.set(id, codec.decode(value))
      }
      return found
    },
    lost: lostOf,
    async gap(partition, last): Promise<Gap | null> {
      const lost = await lostOf(partition)
      let behind = 0
      for await (const { batch } of told(partition, 0)) {
        const { seq, prev, from, next } = batch
        if (seq > last) break
        if (lost.some((stretch) => seq > stretch.from && seq < stretch.to)) continue
        if (prev !== behind) return { kind: 'batches', after: behind, before: seq }
        behind = seq
        const missing = batch.events === 0 ? 0 : batch.events - (await countIn(partition, from, next))
        if (missing > 0) return { kind: 'events', from, to: next, count: missing }
      }
      return null
    },
    mayMiss: async () => false,
  }
}

async function* recordsOf(log: Readable, partition: number, from: number): AsyncGenerator<LogRecord> {
  const { start, end } = await log.bounds(partition)
  for (let at = Math.max(from, start); at < end; ) {
    const records = await log.read(partition, at, page)
    const last = records.at(-1)
    if (last === undefined) return
    yield* records
    at = last.offset + 1
  }
}
