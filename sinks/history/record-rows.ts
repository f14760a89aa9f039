/**
 * Rows of history that commits were made from: batches with their inputs, events as they were. RowBinary, read by hand: a page of 16,000 events is
 * one buffer whose records are views into it.
 */
import type { LogRecord } from '../../ingest/log.ts'
import type { Batch, BatchRequest } from '../batch.ts'
import { decodeBatch } from '../batch-codec.ts'
import { RowReader } from './row-reader.ts'

/** An answer as RowBinary, whole in memory of its own, so that it can move to another thread. */
export type RowBytes = Buffer<ArrayBuffer>

/** Asks ClickHouse a query of ours. Throws HistoryError when it does not answer. */
export type AskRows = (query: string, params: Readonly<Record<string, unknown>>) => Promise<RowBytes>

/** A record of the events log, and whether it came through our own door. One that could not be decoded has an empty value. */
export type KeptEvent = LogRecord & { readonly trusted: boolean }

/** Whom to ask, and of whose inputs and events; absent: everybody's. */
export type Ask = {
  readonly rows: AskRows
  /** A condition on rows, and its parameter. */
  readonly own: string
  readonly customer: Readonly<Record<string, string>>
}

/** @param customerId the one customer whose inputs and events are read */
export function askOf(rows: AskRows, customerId?: string): Ask {
  return customerId === undefined
    ? { rows, own: '', customer: {} }
    : { rows, own: 'AND customer_id = {customer:String}', customer: { customer: customerId } }
}

/** A page of batches in the order of their numbers; `numbers`: only those, at most some hundreds, as they go into a URL. */
export async function batchesOf(
  ask: Ask,
  partition: number,
  page: { readonly after: number; readonly limit: number; readonly numbers?: readonly number[] },
): Promise<readonly Batch[]> {
  const { after, limit, numbers } = page
  const among = numbers === undefined ? '' : 'AND seq IN {numbers:Array(UInt64)}'
  const rows = await readerOf(
    ask.rows,
    `SELECT seq, record FROM batches_raw WHERE log_partition = {p:UInt16} AND seq > {after:UInt64} ${among}
     ORDER BY seq LIMIT 1 BY seq LIMIT {limit:UInt32}`,
    { p: partition, after, limit, ...(numbers === undefined ? {} : { numbers }) },
  )
  const batches = new Map<number, Batch>()
  while (!rows.atEnd) batches.set(rows.uint64(), decodeBatch(rows.bytes()))
  const last = [...batches.keys()].at(-1)
  if (last !== undefined) await nameInputs(ask, partition, after, last, batches)
  return [...batches.values()]
}

/** Puts customers and requests back into the batches. */
async function nameInputs(
  { rows: ask, own, customer }: Ask,
  partition: number,
  after: number,
  last: number,
  batches: Map<number, Batch>,
): Promise<void> {
  const rows = await readerOf(
    ask,
    `SELECT seq, kind = 'due' AS is_due, step, place, customer_id, request_id, toString(placement), wanted, personalised
     FROM inputs_raw
     WHERE log_partition = {p:UInt16} AND seq > {after:UInt64} AND seq <= {last:UInt64} ${own}
     ORDER BY seq, kind, step, place`,
    { p: partition, after, last, ...customer },
  )
  const named = new Map<number, Named>()
  while (!rows.atEnd) {
    const seq = rows.uint64()
    const isDue = rows.uint8() === 1
    const [step, place] = [rows.uint64(), rows.uint64()]
    const request: BatchRequest = {
      customerId: rows.text(),
      requestId: rows.text(),
      placement: rows.text(),
      count: rows.uint64(),
      personalised: rows.uint8() === 1,
    }
    const into = named.get(seq) ?? { requests: new Map<string, BatchRequest>(), due: new Map<number, string>() }
    named.set(seq, into)
    if (isDue) into.due.set(place, request.customerId)
    else into.requests.set(`${step} ${place}`, request)
  }
  for (const [seq, { requests, due }] of named) {
    const batch = batches.get(seq)
    if (batch === undefined) continue
    const steps = batch.steps.map((one, step) => ({
      ...one,
      requests: one.requests.map((nobody, place) => requests.get(`${step} ${place}`) ?? nobody),
    }))
    batches.set(seq, { ...batch, steps, due: batch.due.map((nobody, place) => due.get(place) ?? nobody) })
  }
}

type Named = { readonly requests: Map<string, BatchRequest>; readonly due: Map<number, string> }

/** Events with `from` <= offset < `to`, at most `limit`. */
export type PageOfEvents = { readonly from: number; readonly to: number; readonly limit: number }

/** A page of events in the order of their offsets, each once; fewer than the limit: there are no more. */
export async function eventPageOf(
  { rows, own, customer }: Ask,
  partition: number,
  { from, to, limit }: PageOfEvents,
): Promise<EventPage> {
  const range = 'log_partition = {p:UInt16} AND log_offset >= {from:UInt64} AND log_offset < {to:UInt64}'
  const params = { p: partition, from, to, limit, ...customer }
  const bytes = await rows(
    `SELECT log_offset, toUnixTimestamp64Milli(accepted_at), own_door, customer_id, record FROM event_records_raw
     WHERE ${range} ${own} ORDER BY log_offset LIMIT 1 BY log_offset LIMIT {limit:UInt32}`,
    params,
  )
  if (own !== '') return new EventPage(bytes, [], limit)
  // What could not be decoded changed nothing but was there.
  const broken = await readerOf(
    rows,
    `SELECT DISTINCT log_offset AS offset, toUnixTimestamp64Milli(accepted_at) FROM undecodable_raw
     WHERE endsWith(log, 'events') AND ${range} ORDER BY offset LIMIT {limit:UInt32}`,
    params,
  )
  const empty: KeptEvent[] = []
  while (!broken.atEnd)
    empty.push({ offset: broken.uint64(), appendTime: broken.uint64(), trusted: false, key: '', value: nothing })
  return new EventPage(bytes, empty, limit)
}

const nothing = new Uint8Array(0)

/**
 * Records of the events log, taken one after the other: only the one at hand is made an object of, since a page lives so long that all of them
 * would be copied by the collector.
 */
export class EventPage {
  readonly #rows: RowReader
  readonly #broken: readonly KeptEvent[]
  readonly #bytes: Buffer
  #nextBroken = 0
  /** Of the next row; Infinity: there is none. */
  #rowOffset: number
  #left: number
  readonly count: number
  /** Offset of the last one; -1: the page is empty. */
  readonly last: number

  /**
   * @param bytes offset, instant, door, customer and record of each row, as `eventPageOf` asks for them
   * @param broken those that could not be decoded, by offset
   */
  constructor(bytes: Buffer, broken: readonly KeptEvent[], limit: number) {
    this.#bytes = bytes
    this.#broken = broken
    const offsets = offsetsOf(bytes)
    if (broken.length > 0) offsets.push(...broken.map(({ offset }) => offset))
    if (broken.length > 0) offsets.sort((a, b) => a - b)
    this.count = Math.min(limit, offsets.length)
    this.last = offsets[this.count - 1] ?? -1
    this.#left = this.count
    this.#rows = new RowReader(bytes)
    this.#rowOffset = this.#rows.atEnd ? Number.POSITIVE_INFINITY : this.#rows.uint64()
  }

  /** Offset of the one that is taken next; Infinity: all were. */
  get offset(): number {
    if (this.#left === 0) return Number.POSITIVE_INFINITY
    return Math.min(this.#rowOffset, this.#broken[this.#nextBroken]?.offset ?? Number.POSITIVE_INFINITY)
  }

  /** The next one; its value is a view of the page. @throws RangeError when all were taken */
  take(): KeptEvent {
    if (this.#left === 0) throw new RangeError('the page is at its end')
    this.#left--
    const broken = this.#broken[this.#nextBroken]
    if (broken !== undefined && broken.offset < this.#rowOffset) {
      this.#nextBroken++
      return broken
    }
    const rows = this.#rows
    const offset = this.#rowOffset
    const [appendTime, isOwn] = [rows.uint64(), rows.uint8()]
    const event = { offset, appendTime, trusted: isOwn === 1, key: rows.text(), value: rows.bytes() }
    this.#rowOffset = rows.atEnd ? Number.POSITIVE_INFINITY : rows.uint64()
    return event
  }

  /** The bytes of all records, for who has to look at them before they are taken. */
  *values(): Generator<Uint8Array> {
    const rows = new RowReader(this.#bytes)
    while (!rows.atEnd) {
      skipHead(rows)
      yield rows.bytes()
    }
  }
}

function offsetsOf(bytes: Buffer): number[] {
  const rows = new RowReader(bytes)
  const offsets: number[] = []
  while (!rows.atEnd) {
    offsets.push(skipHead(rows))
    rows.skipText()
  }
  return offsets
}

/** The offset of a row; behind it stands the record. */
function skipHead(rows: RowReader): number {
  const offset = rows.uint64()
  rows.uint64()
  rows.uint8()
  rows.skipText()
  return offset
}

/** Whether events of the partition may be missing because their customers were erased. */
export async function mayMissOf(rows: AskRows, partition: number): Promise<boolean> {
  const answer = await readerOf(rows, 'SELECT count() FROM erased_raw WHERE log_partition = {p:UInt16}', {
    p: partition,
  })
  return answer.uint64() > 0
}

/** The answer to a query of ours, ready to be read. */
export async function readerOf(
  rows: AskRows,
  query: string,
  params: Readonly<Record<string, unknown>>,
): Promise<RowReader> {
  return new RowReader(await rows(query, params))
}
