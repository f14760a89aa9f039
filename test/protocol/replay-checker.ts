/** Everything that left is computed again from what was told of each commit, and compared byte by byte. */

import type { Hole } from '../../engine/replay/recorded.ts'
import { holeOf } from '../../engine/replay/replay-decision.ts'
import { ReplayPacks } from '../../engine/replay/replay-packs.ts'
import { replayPartition } from '../../engine/replay/replay-partition.ts'
import { Replayer } from '../../engine/replay/replayer.ts'
import type { Trusts } from '../../engine/shard/event-frame.ts'
import type { LogRecord } from '../../ingest/log.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { decodeBatch } from '../../sinks/batch-codec.ts'
import { openCodecs } from '../../sinks/codecs.ts'
import { decisionIdOf } from '../../sinks/decision-codec.ts'
import { contentOf } from './evidence.ts'
import { recordedLogs } from './recorded-logs.ts'

export type ReplayEvidence = {
  readonly partitions: number
  readonly salt: string
  readonly events: readonly (readonly LogRecord[])[]
  readonly batches: readonly (readonly LogRecord[])[]
  readonly decisions: readonly (readonly LogRecord[])[]
  readonly trusts: Trusts
  readonly packs: readonly LoadedPack[]
  readonly learned?: readonly LoadedLearned[]
}

export type ReplayCheck = {
  /** Decisions that were computed again, and how many of them are what left. */
  readonly replayed: number
  readonly equal: number
  readonly fallbacks: number
  /** Decisions that left with commits that the store lost. */
  readonly lost: number
  readonly holes: readonly Hole[]
  readonly problems: readonly string[]
}

/** For the customers of a test, see `passOverLog`. */
const cacheBytes = 8 * 2 ** 20

/** Replays all partitions, for everybody or for one customer. */
export async function replayAll(evidence: ReplayEvidence, customerId?: string): Promise<ReplayCheck> {
  const codecs = openCodecs({ kind: 'own' })
  const source = recordedLogs({
    events: logOf(evidence.events),
    batches: logOf(evidence.batches),
    decisions: logOf(evidence.decisions),
    codec: codecs.decisions,
    trusts: evidence.trusts,
    ...(customerId === undefined ? {} : { customerId }),
  })
  const packs = new ReplayPacks({
    packOf: async (hash) => evidence.packs.find((pack) => pack.hash === hash) ?? null,
    learnedOf: async (hash) => evidence.learned?.find((one) => one.hash === hash) ?? null,
  })
  const check = { replayed: 0, equal: 0, fallbacks: 0, lost: 0 }
  const holes: Hole[] = []
  const problems: string[] = []
  for (let partition = 0; partition < evidence.partitions; partition++) {
    const left = new Map<string, { content: string; seq: number }>()
    for (const { value, headers, key } of evidence.decisions[partition] ?? [])
      if (customerId === undefined || key === customerId)
        left.set(decisionIdOf(value), { content: contentOf(value), seq: Number(headers?.['seq']) })
    const { salt, partitions } = evidence
    const only = customerId === undefined ? {} : { customerId }
    const replayer = new Replayer({ partition, partitions, salt, codecs, packs, cacheBytes, ...only })
    let fallbacks = 0
    for await (const { batch, decisions, holes: found } of replayPartition({
      source,
      partition,
      replayer,
      packs,
      reads: customerId === undefined ? 'everybody' : 'one_customer',
    })) {
      holes.push(...found)
      fallbacks += batch.fallbacks.length
      if (customerId === undefined && batch.decisions !== decisions.length + batch.fallbacks.length)
        problems.push(`batch ${batch.seq} of ${partition} gave ${decisions.length}, not ${batch.decisions} decisions`)
      for (const { id, bytes } of decisions) {
        check.replayed++
        const was = left.get(id)
        left.delete(id)
        if (was?.content === contentOf(bytes)) check.equal++
        else {
          const how = was === undefined ? 'never left' : 'differs'
          problems.push(`decision ${id} of batch ${batch.seq} of ${partition} ${how}`)
        }
      }
    }
    const gap = customerId === undefined ? null : await source.gap(partition, Number.MAX_SAFE_INTEGER)
    if (gap !== null) holes.push(holeOf(gap, partition))
    const lost = await source.lost(partition)
    const rest = [...left.values()].filter(({ seq }) => !lost.some(({ from, to }) => seq > from && seq < to))
    check.fallbacks += fallbacks
    check.lost += left.size - rest.length
    // Whose the fallbacks are is said in no batch: of one customer there are no more than of everybody.
    const most = (evidence.batches[partition] ?? []).reduce(
      (sum, one) => sum + decodeBatch(one.value).fallbacks.length,
      0,
    )
    if (customerId !== undefined && rest.length > most)
      problems.push(`${rest.length} decisions of the customer were not computed again; ${most} of all are fallbacks`)
    if (customerId === undefined && rest.length !== fallbacks)
      problems.push(`${rest.length} decisions of ${partition} were not computed again; ${fallbacks} are fallbacks`)
  }
  return { ...check, holes, problems }
}

function logOf(records: readonly (readonly LogRecord[])[]) {
  return {
    partitions: records.length,
    bounds: async (partition: number) => {
      const all = records[partition] ?? []
      return { start: all[0]?.offset ?? 0, end: (all.at(-1)?.offset ?? -1) + 1 }
    },
    read: async (partition: number, from: number, { maxRecords }: { readonly maxRecords: number }) => {
      const all = records[partition] ?? []
      // Where the log has holes offsets are no places.
      const at = all.findIndex(({ offset }) => offset >= from)
      return at === -1 ? [] : all.slice(at, at + maxRecords)
    },
  }
}
