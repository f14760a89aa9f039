/** Everything of a run on one clock: batches, collections, the store's transactions. */
import { writeFile } from 'node:fs/promises'
import type { BatchReport } from '../../engine/shard/partition-options.ts'
import type { ThreadCollection } from './gc-probe.ts'
import type { StoreSample } from './store-side.ts'

/** A committed batch as the main thread saw it released. */
export type BatchRow = {
  readonly at: number
  readonly partition: number
  readonly events: number
  readonly stepMs: number
  /** Round trip of the commit as the worker saw it: it holds the worker's own pauses and queueing. */
  readonly commitMs: number
  readonly loadMs: number
}

const columns = 6

/** Batches lie in flat memory, so that keeping them does not make the collections they are compared with. */
export class TimeLine {
  readonly #batches: Float64Array
  #count = 0
  readonly collections: ThreadCollection[] = []
  readonly store: StoreSample[] = []

  /** @param batches most that are kept; what comes then is not */
  constructor(batches: number) {
    this.#batches = new Float64Array(batches * columns)
  }

  batch(at: number, { partition, events, stepMs, commitMs, loadMs }: BatchReport): void {
    if ((this.#count + 1) * columns > this.#batches.length) return
    this.#batches.set([at, partition, events, stepMs, commitMs, loadMs], this.#count++ * columns)
  }

  get batchCount(): number {
    return this.#count
  }

  batchAt(i: number): BatchRow {
    const [at = 0, partition = 0, events = 0, stepMs = 0, commitMs = 0, loadMs = 0] = this.#batches.subarray(
      i * columns,
      (i + 1) * columns,
    )
    return { at, partition, events, stepMs, commitMs, loadMs }
  }

  /** Writes one CSV of all rows by time; `name` tells runs apart, instants count from `from`. */
  async write(file: string, name: string, from: number): Promise<void> {
    const rows: { readonly at: number; readonly text: string }[] = []
    const ms = (value: number): string => value.toFixed(3)
    for (let i = 0; i < this.#count; i++) {
      const { at, partition, events, stepMs, commitMs, loadMs } = this.batchAt(i)
      rows.push({ at, text: `batch,p${partition},${events},${ms(stepMs)},${ms(commitMs)},${ms(loadMs)}` })
    }
    for (const { at, thread, kind, ms: length } of this.collections) {
      rows.push({ at, text: `gc ${kind},${thread === 0 ? 'main' : 'worker'},,${ms(length)},,` })
    }
    for (const { at, transactions, transactionMs, flushMs } of this.store) {
      rows.push({ at, text: `store,,${transactions},${ms(flushMs)},${ms(transactionMs)},` })
    }
    rows.sort((a, b) => a.at - b.at)
    const lines = rows.map(({ at, text }) => `${name},${ms(at - from)},${text}\n`)
    await writeFile(file, lines.join(''), { flag: 'a' })
  }
}

/** First line of the file. */
export const csvHead = 'run,at_ms,what,where,count,step_or_pause_or_flush_ms,commit_or_transaction_ms,load_ms\n'
