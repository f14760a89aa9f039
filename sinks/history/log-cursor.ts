/** Where the writer stands in one log, and the next records from there. */
import type { LogRecord } from '../../ingest/log.ts'
import { codeOf } from './client.ts'
import type { LogSource } from './log-source.ts'

/** Records that were read but not yet inserted, and the positions to keep once they are. */
export type Taken = {
  readonly records: readonly { readonly partition: number; readonly record: LogRecord }[]
  readonly next: ReadonlyMap<number, number>
}

export type LogCursor = {
  /**
   * Covers these partitions from now on. Those it covers already go on where they are, others begin at `start`; one that is missing
   * there begins at the first record kept.
   */
  own(partitions: readonly number[], start: ReadonlyMap<number, number>): void
  /** Covers nothing any more. */
  drop(): void
  /** Records, holes included, between the positions and the log's present ends. Moves over gaps. */
  lag(): Promise<number>
  /**
   * Reads on, at most `rowsMax` records and about `bytesMax` bytes, shared fairly among the partitions. Positions may move
   * without records, over holes.
   */
  take(limit: { readonly rowsMax: number; readonly bytesMax: number }): Promise<Taken>
  /** Keeps the positions after the rows are in. */
  advance(taken: Pick<Taken, 'next'>): void
  /** Position by partition, of those it covers. */
  positions(): ReadonlyMap<number, number>
  /** Records that retention removed before they were copied. */
  skipped(): number
}

/** Partitions read at the same time: a broker answers several at the price of one. */
const readsAtOnce = 8

/** A cursor over a log that covers no partition yet. */
export function createLogCursor(source: LogSource): LogCursor {
  return new Cursor(source)
}

type Limit = { readonly maxRecords: number; readonly maxBytes: number }

class Cursor implements LogCursor {
  readonly #source: LogSource
  #next = new Map<number, number>()
  /** Partitions whose position was once copied to: what is missing there was skipped. */
  readonly #known = new Set<number>()
  /** Ends as last seen. */
  readonly #ends = new Map<number, number>()
  #skipped = 0
  /** Who is read first, so that none is always last. */
  #turn = 0

  constructor(source: LogSource) {
    this.#source = source
  }

  own(partitions: readonly number[], start: ReadonlyMap<number, number>): void {
    const before = this.#next
    this.#next = new Map(partitions.map((one) => [one, before.get(one) ?? start.get(one) ?? 0]))
    for (const one of partitions) {
      if (!before.has(one)) this.#known.delete(one)
      if (start.has(one)) this.#known.add(one)
    }
  }

  drop(): void {
    this.#next.clear()
    this.#known.clear()
  }

  async lag(): Promise<number> {
    await this.#settle()
    let records = 0
    for (const [partition, at] of this.#next) records += Math.max(0, (this.#ends.get(partition) ?? at) - at)
    return records
  }

  async take({ rowsMax, bytesMax }: { rowsMax: number; bytesMax: number }): Promise<Taken> {
    const records: Taken['records'][number][] = []
    const reached = new Map<number, number>()
    const left = { rows: rowsMax, bytes: bytesMax }
    const at = (partition: number) => reached.get(partition) ?? this.#next.get(partition) ?? 0
    const isBehind = (partition: number) => at(partition) < (this.#ends.get(partition) ?? Number.POSITIVE_INFINITY)
    let isGap = false

    const readSome = async (some: readonly number[], parts: number): Promise<void> => {
      const shareOf = (whole: number, rest: number) => Math.max(1, Math.min(Math.floor(whole / parts), rest))
      const limit: Limit = {
        maxRecords: shareOf(rowsMax, Math.floor(left.rows / some.length)),
        maxBytes: shareOf(bytesMax, Math.floor(left.bytes / some.length)),
      }
      const found = await Promise.all(some.map((partition) => this.#read(partition, at(partition), limit)))
      for (const [i, partition] of some.entries()) {
        const read = found[i]
        if (read === undefined || read === null) {
          isGap = true
          continue
        }
        for (const record of read.records) {
          records.push({ partition, record })
          left.bytes -= record.value.length
          left.rows--
        }
        if (read.next > at(partition)) reached.set(partition, read.next)
      }
    }

    const all = this.#inTurn()
    // Equal shares first; what quiet partitions leave over goes to the busy ones in the second round.
    for (const [parts, width] of [
      [all.length, readsAtOnce],
      [1, 1],
    ] as const) {
      const behind = all.filter(isBehind)
      for (let i = 0; i < behind.length && left.rows > 0 && left.bytes > 0; i += width) {
        await readSome(behind.slice(i, i + Math.min(width, left.rows)), parts)
      }
    }
    if (isGap) await this.#settle()
    return { records, next: reached }
  }

  advance({ next }: Pick<Taken, 'next'>): void {
    for (const [partition, offset] of next) {
      if (!this.#next.has(partition)) continue
      this.#next.set(partition, offset)
      this.#known.add(partition)
    }
  }

  positions(): ReadonlyMap<number, number> {
    return this.#next
  }

  skipped(): number {
    return this.#skipped
  }

  // A position outside the log: retention overtook us (go on where it starts), or the log was made anew.
  async #settle(): Promise<void> {
    if (this.#next.size === 0) return
    const bounds = await this.#source.bounds()
    for (const [partition, at] of this.#next) {
      const { start, end } = bounds[partition] ?? { start: at, end: at }
      this.#ends.set(partition, end)
      if (at < start && this.#known.has(partition)) this.#skipped += start - at
      if (at < start || at > end) this.#next.set(partition, start)
    }
  }

  /** null: the log does not have the position. */
  async #read(partition: number, from: number, limit: Limit): Promise<Awaited<ReturnType<LogSource['read']>> | null> {
    try {
      return await this.#source.read(partition, from, limit)
    } catch (error) {
      if (codeOf(error) !== 'log_gap') throw error
      return null
    }
  }

  #inTurn(): readonly number[] {
    const all = [...this.#next.keys()]
    const first = all.length === 0 ? 0 : this.#turn++ % all.length
    return [...all.slice(first), ...all.slice(0, first)]
  }
}
