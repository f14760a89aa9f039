/** What the instants of a take-over say. */
import { partitionOf } from '../../ingest/partition.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import type { BatchMark, Marks } from '../server-latency/marks.ts'
import type { RunOffsets } from '../servers/run-offsets.ts'
import { partitions } from '../servers/servers.ts'
import type { Heard } from '../servers/topic-ear.ts'
import { placeOf } from '../workload/stream.ts'

export type TakeOver = {
  readonly partitions: number
  /** From the kill to the first decision of the new owner consumed, milliseconds; of the first and of the last partition. */
  readonly firstMs: number
  readonly lastMs: number
  /** From the kill to the first batch that the new owner committed. */
  readonly batchMs: number
  /** Events a second of the partitions that were taken over: as they come, and as the new owner works the backlog off. */
  readonly liveRate: number
  readonly replayRate: number
  /** Events that had waited when it began, and how long it took. */
  readonly backlog: number
  readonly replayMs: number
}

/** What was seen of a kill in the middle of a load. Instants are those of the shared clock. */
export type Seen = {
  readonly killedAt: number
  readonly taken: ReadonlySet<number>
  /** Of the new owner, from the kill on. */
  readonly marks: Marks
  readonly heard: readonly Heard[]
  /** The load: seed of its stream, and when its event `i` was due. */
  readonly seed: number
  readonly startAt: number
  readonly rate: number
  readonly offsets: RunOffsets
}

/** Somebody who is behind by less than this is up to date. */
const upToDateMs = 250

/** @throws Error when a partition was not taken over, or the new owner never caught up */
export function takeOverTimes(seen: Seen): TakeOver {
  const { killedAt, taken, marks, startAt, rate, offsets } = seen
  const batches = marks.batches.filter(({ partition }) => taken.has(partition))
  const first = new Map<number, BatchMark>()
  for (const batch of batches) if (!first.has(batch.partition)) first.set(batch.partition, batch)
  if (first.size < taken.size) throw new Error(`${first.size} of ${taken.size} partitions were taken over`)
  const waits = firstDecisions(seen, first).map((at) => at - killedAt)
  if (waits.length < taken.size) throw new Error('a partition that was taken over decided nothing')
  const begin = batches[0]?.at ?? Number.NaN
  const due = dueOffsets(offsets, taken, startAt, rate)
  const next = new Map([...first].map(([partition, batch]) => [partition, batch.next - batch.events]))
  const from = sum(next.values())
  // The first batch of all was worked off before the clock starts.
  const counted = from + (batches[0]?.events ?? 0)
  for (const { partition, next: reached, at } of batches) {
    next.set(partition, reached)
    const isBehind = [...taken].some((one) => (next.get(one) ?? 0) < due(one, at - upToDateMs))
    if (isBehind || at === begin) continue
    const live = offsets.partition.reduce((events, one) => events + (taken.has(one) ? 1 : 0), 0)
    return {
      partitions: taken.size,
      firstMs: Math.min(...waits),
      lastMs: Math.max(...waits),
      batchMs: begin - killedAt,
      liveRate: (live * rate) / offsets.partition.length,
      replayRate: ((sum(next.values()) - counted) * 1_000) / (at - begin),
      backlog: sum([...taken].map((one) => due(one, begin))) - from,
      replayMs: at - begin,
    }
  }
  throw new Error('the new owner did not catch up')
}

/**
 * When the first decision of each taken partition was consumed that the new owner made itself: what the old one had committed
 * and the new one only published does not count.
 */
function firstDecisions(
  { killedAt, taken, heard, seed, offsets }: Seen,
  first: ReadonlyMap<number, BatchMark>,
): readonly number[] {
  const found = new Map<number, number>()
  for (const { partition, at, value } of heard) {
    const batch = first.get(partition)
    if (batch === undefined || !taken.has(partition) || at < killedAt || found.has(partition)) continue
    const { cause, customerId } = decodeDecision(value)
    if (partitionOf(customerId, partitions) !== partition) throw new Error('a decision stands in a wrong partition')
    const place = placeOf(cause.id)
    const isItsOwn = place.seed === seed && (offsets.offset[place.index] ?? -1) >= batch.next - batch.events
    if (isItsOwn) found.set(partition, at)
  }
  return [...found.values()]
}

/** How far the load had come in a partition at an instant: the offset behind the last event that was due. */
function dueOffsets(
  { partition, offset }: RunOffsets,
  taken: ReadonlySet<number>,
  startAt: number,
  rate: number,
): (partition: number, at: number) => number {
  const places = new Map([...taken].map((one): [number, number[]] => [one, []]))
  partition.forEach((one, index) => void places.get(one)?.push(index))
  return (one, at) => {
    const own = places.get(one) ?? []
    const dueEvents = Math.floor(((at - startAt) * rate) / 1_000)
    let low = 0
    let high = own.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((own[middle] ?? 0) > dueEvents) high = middle
      else low = middle + 1
    }
    const last = own[low - 1]
    return last === undefined ? 0 : (offset[last] ?? 0) + 1
  }
}

function sum(values: Iterable<number>): number {
  let all = 0
  for (const value of values) all += value
  return all
}
