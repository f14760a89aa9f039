/** The past as the logs themselves have it, in the form in which history gives it. */

import { fingerprint } from '../../../engine/whatif/belief.ts'
import type { PastEvents, PastSource } from '../../../engine/whatif/read-past.ts'
import { ownEventCodec } from '../../../ingest/avro-codec.ts'
import type { LogRecord } from '../../../ingest/log.ts'
import type { Batch } from '../../../sinks/batch.ts'
import { decodeBatch } from '../../../sinks/batch-codec.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision } from '../../../sinks/decision-codec.ts'
import { type Folder, readAll } from '../shard/data-folder.ts'

export type Past = PastSource & {
  readonly decisions: readonly Decision[]
  readonly all: readonly (readonly Batch[])[]
  /** When the first batch was, Unix milliseconds. */
  readonly startsAt: number
}

export async function pastOfLogs(folder: Pick<Folder, 'log' | 'batches' | 'decisions'>): Promise<Past> {
  const { log } = folder
  const numbers = Array.from({ length: log.partitions }, (_, partition) => partition)
  const all = await Promise.all(
    numbers.map(async (partition) => (await readAll(folder.batches, partition)).map(({ value }) => decodeBatch(value))),
  )
  const events = await Promise.all(numbers.map((partition) => readAll(log, partition)))
  const records = (await Promise.all(numbers.map((partition) => readAll(folder.decisions, partition)))).flat()
  const decisions = records.map(({ value }) => decodeDecision(value))
  return {
    partitions: log.partitions,
    codec: ownEventCodec,
    decisions,
    all,
    startsAt: Math.min(...all.map((list) => list[0]?.steps[0]?.now ?? list[0]?.now ?? Number.POSITIVE_INFINITY)),
    batches: async (partition, after, limit) => (all[partition] ?? []).filter(({ seq }) => seq > after).slice(0, limit),
    events: async (partition, from, to, limit) =>
      pageOf((events[partition] ?? []).filter(({ offset }) => offset >= from && offset < to).slice(0, limit)),
    mayMiss: async () => false,
    choices: async ({ from, to }) =>
      decisions
        .filter(({ now }) => now >= from && now < to)
        .sort((a, b) => a.now - b.now)
        .map((decision) => ({
          id: decision.id,
          decidedAt: decision.now,
          packHash: decision.packHash,
          outcome: decision.outcome,
          reason: decision.reason,
          print: fingerprint(decision),
        })),
  }
}

/** Records as a page that is taken one after the other. */
export function pageOf(records: readonly LogRecord[]): PastEvents {
  let taken = 0
  return {
    count: records.length,
    last: records.at(-1)?.offset ?? -1,
    get offset() {
      return records[taken]?.offset ?? Number.POSITIVE_INFINITY
    },
    take() {
      const record = records[taken++]
      if (record === undefined) throw new RangeError('the page is at its end')
      return { ...record, trusted: true }
    },
  }
}
