import { LogError, type LogRecord } from '../../ingest/log.ts'
import type { Timing } from '../clock.ts'
import type { LocalShards } from '../shard/all-partitions.ts'
import { packEvents, type Trusts } from '../shard/event-frame.ts'
import type { FillReply } from '../shard/fill-slot.ts'
import type { FillStep } from '../shard/shard-port.ts'
import { clockSkewMs } from '../step/admit-event.ts'
import type { Fill } from '../store/store.ts'
import { type BeginningOf, type BeginningParts, fillBeginning } from './fill-beginning.ts'
import { appendTimeAt, offsetAt } from './offset-at.ts'

export type FillParts = BeginningParts & {
  readonly shards: Pick<LocalShards, 'fill'>
  readonly trusts: Trusts
  readonly timing: Timing
  /** Records of one step; 256 when absent. */
  readonly pageRecords?: number
  /** Records that were looked at and events that had something to add, for metrics. */
  readonly onStep: (read: number, added: number) => void
  /** Whether to go on; asked before each step. */
  readonly isWanted: () => Promise<boolean>
}

/**
 * How it ended. `away`: the partition is not run here now. `behind`: its events come first. `called_off`: not wanted any more. In all
 * three it goes on another time where it was. `quarantined`, `filter_failed`: a feature cannot be asked, see `FillRefusal`; it is tried
 * again. `full`: the ids of its events need more memory. `unknown`: the shard knows nothing of it.
 */
export type FillEnd =
  | 'finished'
  | 'away'
  | 'behind'
  | 'called_off'
  | 'full'
  | 'unknown'
  | 'quarantined'
  | 'filter_failed'

/** Records of one step: some two milliseconds of the shard. */
const pageMax = { maxRecords: 256, maxBytes: 256 * 1_024 } as const
const everything = {
  events: Number.POSITIVE_INFINITY,
  customers: Number.POSITIVE_INFINITY,
  bytes: Number.POSITIVE_INFINITY,
}
/** Rest for each millisecond of work: a quarter of the time is the most it takes. */
const restPerMs = 3
/** Pause while the partition is behind, and for how long it is waited for before another one has its turn. */
const behindMs = 200
const behindMsMax = 30_000

/**
 * Fills the series of one partition, step by step between its batches, from where its header says that it stands. Events of the log
 * come in order, those of the horizon before it only for their ids.
 * @param found what the partition's header says of its last backfill
 * @throws LogError when the log cannot be read
 */
export function fillPartition(parts: FillParts, of: BeginningOf, found: Fill | null): Promise<FillEnd> {
  return new PartitionFill(parts, of).run(found)
}

class PartitionFill {
  readonly #parts: FillParts
  readonly #of: BeginningOf
  /** Next offset that the partition will apply, as of the last step: the series begin there at the latest. */
  #next: number

  constructor(parts: FillParts, of: BeginningOf) {
    this.#parts = parts
    this.#of = of
    this.#next = of.next
  }

  get #page(): { readonly maxRecords: number; readonly maxBytes: number } {
    return { ...pageMax, maxRecords: this.#parts.pageRecords ?? pageMax.maxRecords }
  }

  async run(found: Fill | null): Promise<FillEnd> {
    const isUnderWay = found !== null && found.number === this.#of.number
    let fill = isUnderWay ? found : await fillBeginning(this.#parts, this.#of)
    if (!isUnderWay) {
      const set = await this.#step({ kind: 'set', fill })
      if (set.kind !== 'filled') return endOf(set)
    }
    let at = fill.at
    while (!fill.isDone) {
      if (!(await this.#parts.isWanted())) return 'called_off'
      const reply = await this.#read(at)
      if (reply === 'gap') {
        const behind = await this.#behindGap(fill)
        const set = await this.#step({ kind: 'set', fill: behind })
        if (set.kind !== 'filled') return endOf(set)
        fill = behind
        at = behind.at
      } else if (reply.kind === 'filled') {
        fill = reply.progress.fill ?? fill
        at = reply.at
      } else if (reply.kind === 'refused' && reply.why === 'cold') {
        const end = await this.#warm(fill)
        if (end !== null) return end
        at = fill.at
      } else {
        return endOf(reply)
      }
    }
    return 'finished'
  }

  /** Takes the ids of the horizon before the place where it goes on; null: done. */
  async #warm(fill: Fill): Promise<FillEnd | null> {
    const { log, layout } = this.#parts
    const { partition } = this.#of
    const reached = await appendTimeAt(log, partition, fill.at)
    let at = reached === null ? fill.at : Math.min(fill.at, await offsetAt(log, partition, reached - layout.dedupeMs))
    for (let isFirst = true; isFirst || at < fill.at; isFirst = false) {
      if (!(await this.#parts.isWanted())) return 'called_off'
      const records = at < fill.at ? await log.read(partition, at, this.#page) : []
      const reply = await this.#step({ kind: 'warm', at, ...framed(this.#parts.trusts, records, fill.at) })
      if (reply.kind !== 'filled') return endOf(reply)
      at = reply.at
    }
    return null
  }

  /** The next records; `gap`: the log has dropped them. */
  async #read(at: number): Promise<FillReply | 'gap'> {
    const { log, trusts } = this.#parts
    const { partition } = this.#of
    let records: readonly LogRecord[] = []
    try {
      // Nothing but holes may lie between the last record and the place where the series begin.
      if (at < this.#next) records = await log.read(partition, at, this.#page)
    } catch (error) {
      if (error instanceof LogError && error.code === 'log_gap') return 'gap'
      throw error
    }
    return this.#step({ kind: 'read', at, ...framed(trusts, records, Math.max(at, this.#next)) })
  }

  /** What the log has dropped is never filled in: the series are known from a later instant on. */
  async #behindGap(fill: Fill): Promise<Fill> {
    const { log } = this.#parts
    const { start } = await log.bounds(this.#of.partition)
    const first = await appendTimeAt(log, this.#of.partition, start)
    const since = first === null ? this.#of.observedSince : first + clockSkewMs + 1
    return { ...fill, at: start, since: Math.max(fill.since, since) }
  }

  async #step(step: FillStep): Promise<FillReply> {
    const { timing, shards, onStep } = this.#parts
    const begun = timing.elapsed()
    for (;;) {
      const started = timing.elapsed()
      const reply = await shards.fill(this.#of.partition, step)
      const tookMs = timing.elapsed() - started
      if (reply.kind === 'filled') {
        this.#next = reply.progress.next
        onStep(reply.read, reply.added)
      }
      await timing.sleep(Math.max(tookMs * restPerMs, reply.kind === 'behind' ? behindMs : 0))
      // Another partition would cost this one the ids it has read.
      if (reply.kind !== 'behind' || started - begun > behindMsMax || !(await this.#parts.isWanted())) return reply
    }
  }
}

/** Records as a frame; without any, everything up to `otherwise` is read. */
function framed(
  trusts: Trusts,
  records: readonly LogRecord[],
  otherwise: number,
): { readonly records: ArrayBuffer; readonly through: number } {
  const last = records.at(-1)
  if (last === undefined) return { records: new ArrayBuffer(0), through: otherwise }
  return { records: packEvents(records, everything, trusts).buffer, through: last.offset + 1 }
}

function endOf(reply: Exclude<FillReply, { kind: 'filled' }>): FillEnd {
  if (reply.kind !== 'refused') return reply.kind
  return reply.why === 'cold' ? 'away' : reply.why
}
