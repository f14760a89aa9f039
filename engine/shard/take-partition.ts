import type { Log } from '../../ingest/log.ts'
import { decisionIdOf } from '../../sinks/decision-codec.ts'
import type { Clock, Timing } from '../clock.ts'
import type { Meta } from '../store/store.ts'
import { adoptLost } from './adopt-lost.ts'
import { decodeOutbox, encodeOutbox } from './outbox.ts'
import { backOffMs, longerPause, type PartitionOptions } from './partition-options.ts'
import { type Scan, scanBatches, scanDecisions } from './scan-decisions.ts'
import type { Progress, ShardPort } from './shard-port.ts'
import type { Tenure } from './standstill.ts'

/** What is left to publish of a commit; null: nothing, it only waits to be dropped from the store. */
export type Unpublished = { readonly seq: number; readonly value: Uint8Array | null }

/** What came of trying to own a partition. */
export type Taken =
  /**
   * Owned from here on; the previous owner can commit nothing. `meta` is the header as it was taken, `progress` how the
   * partition stands now. The values are committed and perhaps not published. `adopted`: decisions taken in that the store had
   * lost.
   */
  | {
      readonly kind: 'taken'
      readonly meta: Meta
      readonly progress: Progress
      readonly values: readonly Unpublished[]
      /** Where the events log ended then: what was acknowledged before lies below it. */
      readonly logEnd: number
      readonly adopted: number
      readonly tenure: Tenure
    }
  /** `meta`: the header as it was found, if it was. */
  | { readonly kind: 'closed'; readonly meta: Meta | null; readonly reason: string }
  /** It is no longer wanted. */
  | { readonly kind: 'given_up' }

/** How far the clocks of this machine and of the store may provably be apart before nothing is owned, milliseconds. */
export const clockSkewMaxMs = 500

/** How a take-over goes. */
export type Steering = {
  readonly isWanted: () => boolean
  /** What to do about events that the log no longer has although they were never counted. */
  readonly lost: 'skip_lost' | 'keep_closed'
  readonly onFailure: (reason: string) => void
}

type Tenant = PartitionOptions & { readonly tenure: Tenure }

type Attempt = Exclude<Taken, { kind: 'given_up' }> | { readonly kind: 'again'; readonly reason: string }

/**
 * Takes a partition with a new token, compares its position with the log, reads the decisions log back where the store may be
 * behind it, adopts what the store lost, and reads the outbox values above what is published. Tries again with back-off while
 * the shard, the store or the log fails.
 */
export async function takePartition(options: PartitionOptions, steering: Steering): Promise<Taken> {
  for (let pauseMs: number = backOffMs.least; steering.isWanted(); pauseMs = longerPause(pauseMs)) {
    const attempt = await attemptToTake(options, steering.lost)
    if (attempt.kind !== 'again') return attempt
    steering.onFailure(attempt.reason)
    await options.timing.sleep(pauseMs)
  }
  return { kind: 'given_up' }
}

async function attemptToTake(options: PartitionOptions, lost: Steering['lost']): Promise<Attempt> {
  const { partition, port } = options
  try {
    const skew = await clockSkew(options)
    if (skew !== null) return { kind: 'again', reason: skewSentence(skew) }
    const tenure = options.standstill.tenure()
    const result = await port.acquire(partition, options.newToken(), options.addr())
    if (result.kind === 'closed') return { kind: 'closed', meta: null, reason: result.reason }
    if (result.kind === 'failed' || result.kind === 'behind') return { kind: 'again', reason: result.reason }
    const { meta, nextDue } = result
    const logEnd = (await options.log.bounds(partition)).end
    const reason = await logFault(options.log, partition, meta)
    if (reason === null) return await drain({ ...options, tenure }, { ...meta, nextDue }, logEnd)
    return lost === 'skip_lost' ? await skipLost({ ...options, tenure }, meta) : { kind: 'closed', meta, reason }
  } catch {
    return { kind: 'again', reason: 'The shard or the log does not answer; trying again.' }
  }
}

/** An operator gave the lost events up: the partition goes on where the log begins now. */
async function skipLost(options: Tenant, meta: Meta): Promise<Attempt> {
  const { partition, port, log, tenure } = options
  const { start } = await log.bounds(partition)
  const change = { next: start, appendTime: 0 }
  const result = await port.amend({ partition, to: meta.seq + 1, change, notAfter: tenure.until() })
  // Taken anew from the header as it is now, whatever the answer was.
  return { kind: 'again', reason: result.kind === 'done' ? 'Going on where the log begins.' : 'Trying again.' }
}

const nothingRead: Scan = { out: new Set(), lostTo: null, end: 0 }

/** What is left to publish, and the adoption of what the store lost. */
async function drain(options: Tenant, meta: Meta & Progress, logEnd: number): Promise<Attempt> {
  const { partition, port, readsBack, tenure } = options
  const scan = readsBack ? await readBack(options, meta) : nothingRead
  const values = await port.outbox(partition, meta.published, meta.seq)
  const left = values.map(({ seq, value }) => ({ seq, value: withoutDecisions(value, scan.out) }))
  if (scan.lostTo === null && meta.adopting === null) {
    return { kind: 'taken', meta, progress: meta, values: left, logEnd, adopted: 0, tenure }
  }
  const end = await adoptLost(options, meta, scan)
  switch (end.kind) {
    case 'adopted': {
      const told = await port.outbox(partition, meta.seq, end.progress.seq)
      const all = [...left, ...told]
      return { kind: 'taken', meta, progress: end.progress, values: all, logEnd, adopted: end.decisions, tenure }
    }
    case 'closed':
      return { kind: 'closed', meta, reason: end.reason }
    default:
      return { kind: 'again', reason: 'The adoption of decisions was cut short; beginning anew.' }
  }
}

/** What left although the store may not know it: decisions, and what commits were made from. */
async function readBack({ partition, decisions, batches }: Tenant, meta: Meta): Promise<Scan> {
  const scan = await scanDecisions(decisions, partition, meta)
  const told = await scanBatches(batches, partition, meta)
  return told === null ? scan : { ...scan, lostTo: Math.max(told, scan.lostTo ?? 0) }
}

/** An outbox value without the decisions that are out already; null when nothing is left of it. */
function withoutDecisions(value: Uint8Array, out: ReadonlySet<string>): Uint8Array | null {
  if (out.size === 0) return value
  const outbox = decodeOutbox(value)
  const decisions = outbox.decisions.filter(({ bytes }) => !out.has(decisionIdOf(bytes)))
  if (decisions.length === outbox.decisions.length) return value
  return encodeOutbox({ ...outbox, decisions })
}

/**
 * Milliseconds this machine is at least ahead of the store, negative: behind it, when that is too much; null when it is not, or they
 * share a clock. The store read its clock at some instant between the question and its answer: an answer that was long on its way proves no
 * more than that, or else a busy node would let go of all it has.
 */
export async function clockSkew({
  port,
  clock,
  timing,
}: {
  readonly port: Pick<ShardPort, 'storeNow'>
  readonly clock: Clock
  readonly timing: Pick<Timing, 'elapsed'>
}): Promise<number | null> {
  const started = timing.elapsed()
  const there = await port.storeNow()
  if (there === null) return null
  const latest = clock.now() - there
  const earliest = latest - (timing.elapsed() - started)
  const skew = earliest > 0 ? earliest : Math.min(0, latest)
  return Math.abs(skew) > clockSkewMaxMs ? Math.round(skew) : null
}

/** The alarm about clocks that are apart. */
export function skewSentence(skewMs: number): string {
  const way = skewMs > 0 ? 'ahead of' : 'behind'
  return `clock_skew: this machine's clock is ${Math.abs(skewMs)} ms ${way} the store's; nothing is owned until it is set right.`
}

/**
 * Why a position is not one of the log, in a sentence; null when it is. Never jumped over: records would go uncounted. The
 * record before the position has to be the one that was applied, else the log was made anew.
 */
export async function logFault(
  log: Pick<Log, 'read' | 'bounds'>,
  partition: number,
  { next, appendTime }: Pick<Meta, 'next' | 'appendTime'>,
): Promise<string | null> {
  const { start, end } = await log.bounds(partition)
  if (next < start) return `log_gap: the log begins at ${start}, the events from ${next} on were dropped unread.`
  if (next > end) return `log_reset: the log ends at ${end}, the state was made from events up to ${next}.`
  if (next === 0 || next - 1 < start) return null
  const [before] = await log.read(partition, next - 1, { maxRecords: 1, maxBytes: 1 })
  if (before === undefined || before.offset !== next - 1 || before.appendTime === appendTime) return null
  return `log_reset: the event before ${next} is not the one that was applied; the log was made anew.`
}
