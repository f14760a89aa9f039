/** History as slices for the what-if machine: batches of all partitions by their instants, each with its events. */

import type { EventCodec } from '../../ingest/avro-codec.ts'
import type { Batch, BatchForm } from '../../sinks/batch.ts'
import type { EventPage } from '../../sinks/history/record-rows.ts'
import { recordRefusal } from '../shard/record-refusal.ts'
import { MinHeap } from './min-heap.ts'
import { PastChoices } from './past-choices.ts'
import type { Hole } from './report.ts'
import type { PastSlice } from './side.ts'
import type { PastEvent, PastStep } from './simulated-bank.ts'

/** Events of the log that are taken one after the other. */
export type PastEvents = Pick<EventPage, 'count' | 'last' | 'offset' | 'take'>

/** From an instant up to and without another one, Unix milliseconds. */
export type Stretch = { readonly from: number; readonly to: number }

/** A decision that was made, as far as it tells whether another one is the same. */
export type PastChoice = {
  readonly id: string
  readonly decidedAt: number
  readonly packHash: string
  readonly outcome: string
  readonly reason: string
  /** See `fingerprint`. */
  readonly print: string
}

/** Where the past is read from, in the order of the logs. */
export type PastSource = {
  readonly partitions: number
  readonly codec: Pick<EventCodec, 'decode'>
  /** Batches of a partition with a number above `after`, in order, at most `limit`; none: there are no more, now. */
  batches(partition: number, after: number, limit: number): Promise<readonly Batch[]>
  /** Events with `from` <= offset < `to`, in order, each once, at most `limit`; fewer: there are no more. */
  events(partition: number, from: number, to: number, limit: number): Promise<PastEvents>
  /** Decisions that were made in a stretch, each once, by their instants. */
  choices(stretch: Stretch): Promise<readonly PastChoice[]>
  /** Whether events of the partition may be missing because their customers were erased. */
  mayMiss(partition: number): Promise<boolean>
}

export type PastRange = {
  /** For each partition the number of the commit behind which it begins. */
  readonly after: readonly number[]
  readonly from: number
  readonly to: number
  /** A slice ends here at the latest. */
  readonly windowFrom: number
  /** Whether `follow` comes behind it. */
  readonly isFollowed: boolean
}

const pageBatches = 1_000
const pageEvents = 16_384
/** About so many inputs a slice: what is decoded of it is forgotten while it is young. */
const sliceInputs = 4_000
const leastMs = 1_000
const mostMs = 6 * 3_600_000

/** Answers that change nothing leave with a commit that comes so much later at most: the last ones of the range are looked for there. */
const tailMs = 2_000

type Queue = {
  batches: Batch[]
  after: number
  /** No more batches now. */
  isDone: boolean
  /** null: none were read yet. */
  events: PastEvents | null
  /** The page behind `events`, on its way; null: it was not asked for. */
  ahead: Promise<PastEvents> | null
  /** Offset behind the last one taken; -1: nothing was. */
  next: number
  /** Number of the last batch that was taken, and where the partition's clock stood behind it. */
  last: number
  clock: number
  form: BatchForm | null
}

/** Reads slices in order. One is read ahead while another is stepped. */
export class PastReader {
  readonly #source: PastSource
  readonly #range: PastRange
  readonly #queues: Queue[]
  readonly #heads = new MinHeap<{ readonly partition: number; readonly at: number }>(
    (one, other) => one.at < other.at || (one.at === other.at && one.partition < other.partition),
  )
  readonly #erased = new Set<number>()
  readonly #choices: PastChoices
  #sliceMs = 60_000

  constructor(source: PastSource, range: PastRange) {
    this.#source = source
    this.#range = range
    this.#choices = new PastChoices(source, range.from)
    this.#queues = range.after.map((after) => ({
      ...{
        batches: [],
        after,
        isDone: false,
        events: null,
        ahead: null,
        next: -1,
        last: after,
        clock: 0,
        form: null,
      },
    }))
  }

  async *slices(): AsyncGenerator<PastSlice> {
    for (const partition of this.#queues.keys()) await this.#advance(partition)
    let from = this.#range.from
    let ahead = this.#slice(from)
    for (;;) {
      const slice = await ahead
      from = slice.until
      const isLast = from >= this.#range.to
      if (!isLast) {
        ahead = this.#slice(from)
        // Whoever stops reading does not wait for it.
        ahead.catch(() => undefined)
      }
      yield slice
      if (isLast) return
    }
  }

  /**
   * Goes on behind the range as history grows. Each slice ends where `until` says that history is complete, null: nobody wants more. The
   * range is to be read to its end before, by `slices`.
   */
  async *follow(until: () => Promise<number | null>): AsyncGenerator<PastSlice> {
    for (let from = this.#range.to; ; ) {
      const to = await until()
      if (to === null) return
      if (to <= from) continue
      for (const [partition, queue] of this.#queues.entries()) {
        if (queue.batches.length > 0) continue
        queue.isDone = false
        await this.#advance(partition)
      }
      while (from < to) {
        const slice = await this.#slice(from, to)
        from = slice.until
        yield slice
      }
    }
  }

  async #slice(from: number, followedTo: number | null = null): Promise<PastSlice> {
    const { windowFrom, to } = this.#range
    const ends = followedTo ?? (from < windowFrom ? windowFrom : to)
    const until = Math.min(ends, from + this.#sliceMs)
    const steps: PastStep[] = []
    const holes: Hole[] = []
    let inputs = 0
    const choices = this.#choices.take(until, followedTo ?? to)
    choices.catch(() => undefined)
    // Behind the range nothing is read: what comes a little later belongs to it. Who goes on reads it then.
    const isTail = followedTo === null && !this.#range.isFollowed && until === to
    const reach = isTail ? until + tailMs : until
    for (let head = this.#heads.first; head !== undefined && head.at < reach; head = this.#heads.first) {
      this.#heads.pop()
      const queue = this.#queue(head.partition)
      const batch = queue.batches.shift()
      if (batch !== undefined) inputs += await this.#takeBatch(queue, batch, steps, holes)
      await this.#advance(head.partition)
    }
    this.#sliceMs = paced(this.#sliceMs, inputs)
    const decisions = await choices
    const settled = this.#settled(until)
    return { until, settled, steps: isTail ? steps.filter(({ now }) => now < to) : steps, decisions, holes }
  }

  /** Before this instant nothing is decided by batches that were not taken: a partition's clock never runs backwards. */
  #settled(until: number): number {
    let settled = until
    for (const { batches, clock } of this.#queues) {
      const [head] = batches
      if (head !== undefined) settled = Math.min(settled, Math.max(clock, head.steps[0]?.now ?? 0))
    }
    return settled
  }

  /** Makes the next batch of a partition the head of it. */
  async #advance(partition: number): Promise<void> {
    const queue = this.#queue(partition)
    if (queue.batches.length === 0 && !queue.isDone) {
      queue.batches = [...(await this.#source.batches(partition, queue.after, pageBatches))]
      queue.after = queue.batches.at(-1)?.seq ?? queue.after
      queue.isDone = queue.batches.length === 0
    }
    const head = queue.batches[0]
    if (head !== undefined) this.#heads.push({ partition, at: head.now })
  }

  async #takeBatch(queue: Queue, batch: Batch, steps: PastStep[], holes: Hole[]): Promise<number> {
    const { partition, kind, from, next, prev, clock, now } = batch
    if (queue.next >= 0 && (from > queue.next || prev > queue.last))
      holes.push({ kind: 'batches_missing', partition, from: queue.next, to: Math.max(from, queue.next), at: now })
    const events = kind === 'step' && next > from ? await this.#eventsOf(queue, batch, holes) : []
    queue.next = Math.max(queue.next, next)
    queue.last = batch.seq
    queue.clock = Math.max(queue.clock, now)
    let inputs = events.length
    for (const [i, step] of batch.steps.entries()) {
      queue.form = step.form ?? queue.form
      const isLast = i === batch.steps.length - 1
      // Of who was erased only that there was a request is left.
      const requests = step.requests.filter(({ customerId }) => customerId !== '')
      inputs += requests.length
      steps.push({
        ...{ partition, clock, now: step.now, base: prev, turn: step.turn, requests },
        packHash: queue.form?.pack ?? '',
        form: queue.form,
        events: isLast ? events : [],
        due: isLast ? batch.due : [],
      })
    }
    return inputs
  }

  /** The events of a batch that count for its partition. */
  async #eventsOf(queue: Queue, batch: Batch, holes: Hole[]): Promise<readonly PastEvent[]> {
    const { partition, from, next, poisoned, now } = batch
    const { codec, partitions } = this.#source
    const poison = new Set(poisoned)
    const events: PastEvent[] = []
    // What was taken up to here is stepped a second time where the store had lost a commit: its events are behind the reader. How many
    // offsets of it were records is not known: as if all had been.
    let missing = batch.events - Math.max(0, queue.next - from)
    for (;;) {
      const page = queue.events
      const offset = page?.offset ?? Number.POSITIVE_INFINITY
      if (offset === Number.POSITIVE_INFINITY && (await this.#readEvents(queue, partition, from))) continue
      if (page === null || offset >= next) {
        if (missing > 0 && !(await this.#mayMiss(partition)))
          holes.push({ kind: 'events_missing', partition, from, to: next, at: now })
        return events
      }
      const one = page.take()
      if (offset >= from) missing--
      const decoded = offset < from || one.value.length === 0 ? null : codec.decode(one.value)
      if (decoded === null || decoded.kind !== 'ok') continue
      const { event } = decoded
      if (recordRefusal(event, one.trusted, partition, partitions) !== null) continue
      events.push({ event, acceptedAt: one.appendTime, isPoison: poison.has(offset) })
    }
  }

  /** The next page of events; the one behind it is asked for at once. False: there is none now. */
  async #readEvents(queue: Queue, partition: number, first: number): Promise<boolean> {
    const next = queue.events === null ? first : queue.events.last + 1
    let page = await (queue.ahead ?? this.#page(partition, next))
    // What was read ahead was perhaps not there yet.
    if (queue.ahead !== null && page.count === 0) page = await this.#page(partition, next)
    queue.ahead = null
    if (page.count === 0) return false
    queue.events = page
    if (page.count === pageEvents) {
      queue.ahead = this.#page(partition, page.last + 1)
      queue.ahead.catch(() => undefined)
    }
    return true
  }

  /** Whether erasures explain that events are missing; once they may, they always may. */
  async #mayMiss(partition: number): Promise<boolean> {
    if (!this.#erased.has(partition) && (await this.#source.mayMiss(partition))) this.#erased.add(partition)
    return this.#erased.has(partition)
  }

  #page(partition: number, from: number): Promise<PastEvents> {
    return this.#source.events(partition, from, Number.MAX_SAFE_INTEGER, pageEvents)
  }

  #queue(partition: number): Queue {
    const queue = this.#queues[partition]
    if (queue === undefined) throw new RangeError('there is no such partition')
    return queue
  }
}

/** How long the next stretch is, so that it has about as many inputs as are wanted. */
function paced(ms: number, inputs: number): number {
  const wanted = ms * Math.min(8, Math.max(0.1, sliceInputs / Math.max(1, inputs)))
  return Math.min(mostMs, Math.max(leastMs, Math.round(wanted)))
}
