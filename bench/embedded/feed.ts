import type { Appended, Log, NewRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { createStream, type EventStream, maxEventBytes, streamCustomerId } from '../workload/stream.ts'
import { bankPartitions, type EmbeddedBank } from './embedded-bank.ts'

/** The door the events come in by: `intake` decodes, checks, stamps and encodes each; `log` takes the bytes as they are. */
export type Door = 'intake' | 'log'

const chunkEvents = 1_024
/** Chunks that may wait for the log at once, and events it may be ahead of the shards: so that memory is bounded. */
const chunksOpen = 4
const aheadMax = 32_768

/** Sends events through the door as fast as the bank takes them; resolves when everything is committed and published. */
export async function feedBank(bank: EmbeddedBank, stream: EventStream, events: number, door: Door): Promise<void> {
  const before = await bank.shards.totals()
  const open = new Set<Promise<void>>()
  for (let sent = 0; sent < events; ) {
    const count = Math.min(chunkEvents, events - sent)
    const chunk = takeChunk(stream, count)
    bank.clock.advance(stream.time)
    const work = (door === 'intake' ? throughIntake(bank, chunk) : throughLog(bank.log, chunk, stream.time)).then(
      () => {
        open.delete(work)
      },
    )
    open.add(work)
    sent += count
    if (open.size >= chunksOpen) await Promise.race(open)
    while (sent - (await takenSince(bank, before.accepted)) > aheadMax) await new Promise(setImmediate)
  }
  await Promise.all(open)
  await bank.shards.drained()
}

/** A stream that goes on where the bank's typical states end. */
export function streamFor(customers: number, startMs: number, seed: number): EventStream {
  return createStream({ seed, customers, startMs })
}

async function takenSince(bank: EmbeddedBank, before: number): Promise<number> {
  const { accepted, duplicates, deadLettered } = await bank.shards.totals()
  return accepted + duplicates + deadLettered - before
}

type Chunk = readonly { readonly customerId: string; readonly bytes: Uint8Array }[]

function takeChunk(stream: EventStream, count: number): Chunk {
  const memory = new Uint8Array(count * maxEventBytes)
  const chunk: { customerId: string; bytes: Uint8Array }[] = []
  let at = 0
  for (let i = 0; i < count; i++) {
    stream.next()
    const length = stream.write(memory, at)
    chunk.push({ customerId: streamCustomerId(stream.customer), bytes: memory.subarray(at, at + length) })
    at += length
  }
  return chunk
}

async function throughIntake(bank: EmbeddedBank, chunk: Chunk): Promise<void> {
  const results = await bank.intake.submit(
    chunk.map(({ bytes }) => ({ kind: 'avro', bytes }) as const),
    'stream',
  )
  for (const { kind } of results) if (kind !== 'appended') throw new Error('the stream sends sound events')
}

/** Appends a chunk by partition; where each part went. */
async function throughLog(log: Log, chunk: Chunk, appendTime: number): Promise<readonly Part[]> {
  const records: NewRecord[][] = Array.from({ length: bankPartitions }, () => [])
  for (const { customerId, bytes } of chunk) {
    records[partitionOf(customerId, bankPartitions)]?.push({ key: customerId, value: bytes, appendTime })
  }
  const parts = records.map(async (of, partition) =>
    of.length === 0 ? [] : [{ partition, ...(await log.append(partition, of)) }],
  )
  return (await Promise.all(parts)).flat()
}

type Part = Appended & { readonly partition: number }

/** The control: the same chunks into a log, and read back by one reader a partition. */
export async function appendAndRead(log: Log, stream: EventStream, events: number): Promise<void> {
  const open = new Set<Promise<void>>()
  for (let sent = 0; sent < events; ) {
    const count = Math.min(chunkEvents, events - sent)
    const work = throughLog(log, takeChunk(stream, count), stream.time)
      .then((appended) => Promise.all(appended.map((part) => readBack(log, part))))
      .then(() => {
        open.delete(work)
      })
    open.add(work)
    sent += count
    if (open.size >= chunksOpen) await Promise.race(open)
  }
  await Promise.all(open)
}

async function readBack(log: Log, { partition, firstOffset, lastOffset }: Part): Promise<void> {
  for (let from = firstOffset; from <= lastOffset; ) {
    const found = await log.read(partition, from, { maxBytes: 1 << 20, maxRecords: lastOffset - from + 1 })
    from += found.length
  }
}
