/** Computes one decision again and compares it with what left. Only what touches its customer is read. */
import { partitionOf } from '../../ingest/partition.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { Decision } from '../../sinks/decision.ts'
import { createFallbacks } from '../shard/fallback.ts'
import { type Difference, firstDifference } from './first-difference.ts'
import type { CustomerSource, Gap, Hole } from './recorded.ts'
import type { ReplayPacks } from './replay-packs.ts'
import { replayPartition } from './replay-partition.ts'
import { Replayer } from './replayer.ts'

/**
 * - `equal`: computed again, the record is the same to the byte
 * - `fallback_equal`: a node made it without its shard, from the pack alone; so computed it is the same to the byte
 * - `different`: it is not; the first difference
 * - `commit_lost`: it left, then the store lost its commit; what it did was adopted, but the states before it are no more
 * - `hole`: what it was made of is not all there
 * - `not_computed`: the record of batches does not lead to it
 */
export type DecisionReplay =
  | { readonly kind: 'equal'; readonly seq: number; readonly bytes: number }
  | { readonly kind: 'fallback_equal' }
  | { readonly kind: 'different'; readonly seq: number | null; readonly difference: Difference | null }
  | { readonly kind: 'commit_lost' }
  | { readonly kind: 'hole'; readonly hole: Hole }
  | { readonly kind: 'not_computed' }

export type DecisionReplayParts = {
  /** Opened for the customer. */
  readonly source: CustomerSource
  readonly packs: ReplayPacks
  readonly codecs: Pick<Codecs, 'events' | 'decisions'>
  readonly salt: string
}

/** @throws ReplayMemoryError, and what the source throws */
export async function replayDecision(
  { source, packs, codecs, salt }: DecisionReplayParts,
  left: Decision,
): Promise<DecisionReplay> {
  const { customerId } = left
  const partition = partitionOf(customerId, source.partitions)
  const missing = await packs.load({ pack: left.packHash, learned: left.modelHash })
  if (missing !== null) return { kind: 'hole', hole: { kind: 'pack_not_kept', partition, hash: missing } }
  const record = codecs.decisions.encode(left)
  const replayer = new Replayer({ partition, partitions: source.partitions, salt, codecs, packs, customerId })
  let hole: Hole | null = null
  let last = Number.MAX_SAFE_INTEGER
  const reading = { source, partition, replayer, packs, reads: 'one_customer' } as const
  for await (const { batch, decisions, holes } of replayPartition(reading)) {
    hole ??= holes[0] ?? null
    const { seq } = batch
    const found = decisions.find(({ id }) => id === left.id)
    if (found !== undefined) {
      hole ??= await gapIn(source, partition, seq)
      if (hole !== null) return { kind: 'hole', hole }
      if (Buffer.compare(found.bytes, record) === 0) return { kind: 'equal', seq, bytes: record.length }
      return { kind: 'different', seq, difference: firstDifference(left, codecs.decisions.decode(found.bytes)) }
    }
    if ((batch.steps[0]?.now ?? batch.now) <= left.now) continue
    last = seq
    break
  }
  const fallback = fallbackOf(packs, left)
  if (fallback !== null && Buffer.compare(codecs.decisions.encode(fallback), record) === 0)
    return { kind: 'fallback_equal' }
  hole ??= await gapIn(source, partition, last)
  if (hole !== null) return { kind: 'hole', hole }
  return (await source.lost(partition)).length > 0 ? { kind: 'commit_lost' } : { kind: 'not_computed' }
}

/** What is missing in the batches up to one, those that do not touch the customer too: nobody knows what it held. */
async function gapIn(source: CustomerSource, partition: number, last: number): Promise<Hole | null> {
  const gap = await source.gap(partition, last)
  return gap === null ? null : holeOf(gap, partition)
}

/** A gap of the record as a hole of a replay. */
export function holeOf(gap: Gap, partition: number): Hole {
  if (gap.kind === 'events') return { ...gap, kind: 'events_missing', partition }
  const { after, before } = gap
  return after === 0
    ? { kind: 'begins_later', partition, seq: before }
    : { kind: 'batches_missing', partition, after, before }
}

/** The decision as a node makes it without its shard, when it looks like one. */
function fallbackOf(packs: ReplayPacks, left: Decision): Decision | null {
  const pack = packs.pack(left.packHash)
  if (pack === undefined || left.cause.kind !== 'request' || left.fates.length > 0) return null
  const { customerId, placement, cause, now, id } = left
  const make = createFallbacks(pack, () => id)
  const request = { customerId, requestId: cause.id, placement, count: 1, deadlineAt: 0, after: null }
  return { ...make(request, 'overloaded', now), reason: left.reason }
}
