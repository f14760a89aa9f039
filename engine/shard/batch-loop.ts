/**
 * Runs an owned partition: one batch after the other, and lets out what was committed. It begins behind a take-over and ends
 * for good when the partition is lost, closed or given up; owning it again is another loop.
 */
import { batchCustomersMax, batchRequestsMax } from './batch-customers.ts'
import { DueTimer } from './due-timer.ts'
import type { EventFrame } from './event-frame.ts'
import { EventReader } from './event-reader.ts'
import { type FillReply, FillSlot } from './fill-slot.ts'
import { FlushTimer } from './flush-timer.ts'
import { Lag } from './lag.ts'
import { type Asked, answerLive, liveInputs } from './live-requests.ts'
import type { LoopEnd, LoopParts } from './loop-parts.ts'
import type { PartitionOptions } from './partition-options.ts'
import { readFault } from './read-fault.ts'
import { type DefiniteResult, definiteResult } from './resend-commit.ts'
import { runFill } from './run-fill.ts'
import type { BatchResult, FillStep, Progress } from './shard-port.ts'
import type { Tenure } from './standstill.ts'
import type { Taken } from './take-partition.ts'

type Done = Extract<BatchResult, { kind: 'done' }>
/** What was sent and is not answered. */
type Sent = { readonly asked: readonly Asked[]; readonly records: number; readonly queueMs: number }

/** So many bytes of records without a commit make one due. */
const flushBytes = 512 * 1024
const readAgainMs = 100
const retryMs = 5

export class BatchLoop {
  readonly #options: PartitionOptions
  readonly #parts: LoopParts
  readonly #reader: EventReader
  readonly #flush: FlushTimer
  readonly #fills = new FillSlot()
  readonly #tenure: Tenure
  readonly #lag: Lag
  readonly #due: DueTimer
  #progress: Progress
  /** A task is with the shard, or a read is under way: one at a time. */
  #busy = false
  #scheduled = false
  #stopping = false
  #ended = false
  /** Share of the limits a batch may use; halved while the cache is crowded. */
  #share = 1
  #waitingBytes = 0
  #resting: (() => void)[] = []

  constructor(options: PartitionOptions, parts: LoopParts, taken: Extract<Taken, { kind: 'taken' }>) {
    this.#options = options
    this.#parts = parts
    this.#reader = new EventReader(options, () => this.wake())
    this.#flush = new FlushTimer(options.timing, () => this.wake())
    this.#due = new DueTimer(options, () => this.wake())
    this.#due.set(taken.progress.nextDue)
    this.#progress = taken.progress
    this.#tenure = taken.tenure
    this.#lag = new Lag(options.clock, options.limits.staleMs, { next: taken.progress.next, logEnd: taken.logEnd })
    parts.outflow.onPublished(() => this.#onPublished())
    parts.outflow.begin(taken)
    options.failpoint('drained')
    this.wake()
  }

  /** Whether requests cannot be stepped because events wait. */
  get isBehind(): boolean {
    return this.#lag.isBehind
  }

  /** Why the events that come next are not taken, in a sentence; null: they are. */
  get held(): string | null {
    return this.#reader.held
  }

  get progress(): Progress {
    return this.#progress
  }

  /** The log has, or may have, new records. */
  appended(): void {
    this.#reader.appended()
    this.wake()
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#scheduled || this.#busy || this.#ended) return
    this.#scheduled = true
    this.#options.schedule(() => this.#run())
  }

  /** Runs a step of a backfill at the next moment between two batches, unless the partition is behind. */
  fill(step: FillStep): Promise<FillReply> {
    if (this.#ended || this.#stopping) return Promise.resolve({ kind: 'away' })
    if (this.#lag.delaysFill) return Promise.resolve({ kind: 'behind' })
    const reply = this.#fills.offer(step)
    this.wake()
    return reply
  }

  /** A fallback was answered: its record is to leave within a while. */
  recorded(): void {
    if (!this.#busy) this.#flush.later()
  }

  /** Resolves when everything appended before the call is committed and published, or the loop has ended. */
  drained(): Promise<void> {
    this.#reader.appended()
    return this.#rest()
  }

  /** Finishes the open batch, publishes, stores what was published; takes nothing new. Resolves also when the loop ends. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#fills.turnAway()
    if (!this.#ended) await this.#rest()
    this.#flush.stop()
    this.#due.stop()
    await this.#parts.outflow.stop()
    this.#ended = true
  }

  #run(): void {
    this.#scheduled = false
    if (this.#busy || this.#ended || !this.#isStillOwner()) return
    const { port, partition, clock, limits } = this.#options
    const { live, views, outflow } = this.#parts
    if (views.takesTurn()) {
      this.#busy = true
      const { isBehind } = this.#lag
      void views
        .run(port, partition, { now: clock.now(), isBehind, isStillOwner: () => this.#isStillOwner() })
        .then((end) => (end === 'lost' ? this.#end({ kind: 'lost' }) : this.#goOn()))
      return
    }
    const isFull = outflow.isFull
    const reason = isFull ? 'outbox_full' : this.#lag.isStale ? 'stale_state' : null
    if (reason !== null) for (const asked of live.takeAll()) this.#parts.fallbacks.answer(asked, reason)
    if (this.#mayFill && !isFull && !this.#mustFlush()) {
      this.#busy = true
      void this.#runFill()
      return
    }
    if (this.#mayRead && !isFull) {
      this.#busy = true
      void this.#runEvents()
      return
    }
    const customers = Math.ceil(batchCustomersMax * this.#share)
    const asked = this.#lag.caughtUp
      ? live.take({ requests: Math.min(limits.batchEvents, batchRequestsMax), customers })
      : []
    if (asked.length > 0 || this.#mustFlush() || this.#mayTakeDue) this.#send(null, asked)
    else if (views.size > 0) this.wake()
    else this.#settle()
  }

  async #runEvents(): Promise<void> {
    try {
      const found = await this.#reader.read(this.#progress.next)
      this.#lag.look(found[0], this.#reader.hasReached(this.#lag.logEnd))
      const customers = Math.max(2, Math.floor(batchCustomersMax * this.#share))
      // Live requests get at most half of a batch, so that neither starves the other.
      const part = found.length > 0 ? 2 : 1
      const requests = Math.ceil(Math.min(this.#options.limits.batchEvents, batchRequestsMax) / part)
      const asked = this.isBehind ? [] : this.#parts.live.take({ requests, customers: Math.floor(customers / part) })
      const frame = this.#reader.pack(found, asked.length === 0 ? customers : Math.ceil(customers / 2), this.#share)
      if (frame !== null || asked.length > 0 || this.#mustFlush()) this.#send(frame, asked)
      else this.#goOn()
    } catch (error) {
      const { log, partition } = this.#options
      const reason = await readFault(error, log, partition, this.#progress.next)
      if (reason !== null) return this.#end({ kind: 'closed', reason })
      // The log cannot be read now: requests go on meanwhile.
      this.#reader.pause(readAgainMs)
      this.#goOn()
    }
  }

  async #runFill(): Promise<void> {
    const { published, dpos } = this.#parts.outflow
    try {
      const waiting = this.#fills.take()
      const task = { published, dpos, notAfter: this.#tenure.until() }
      const result = waiting === null ? null : await runFill(this.#options, waiting, task, this.#parts.onDoubt)
      if (result !== null && result.kind !== 'done') return this.#settled(result, { asked: [], records: 0, queueMs: 0 })
      if (result !== null) ({ progress: this.#progress, waitingBytes: this.#waitingBytes } = result)
      if (result?.committed === true) this.#parts.outflow.committed(this.#progress, result.outbox, 0)
      if (result !== null && this.#needsFlush()) this.#flush.later()
      this.#goOn()
    } catch (error) {
      this.#failed(error, { asked: [], records: 0 })
    }
  }

  #send(frame: EventFrame | null, asked: readonly Asked[]): void {
    this.#busy = true
    const { port, partition, clock, timing } = this.#options
    const { fallbacks, outflow } = this.#parts
    const notAfter = this.#tenure.until()
    // Looked at behind the instant that is sent: it must not be one from after a standstill.
    if (!this.#isStillOwner(asked)) return
    const queueMs = asked[0] === undefined ? 0 : timing.elapsed() - asked[0].askedAt
    const sent: Sent = { asked, records: fallbacks.records.length, queueMs }
    let result: BatchResult | Promise<BatchResult>
    try {
      const flush = this.#mustFlush()
      const takesDue = clock.kind === 'event' || this.#mayTakeDue
      const given = {
        partition,
        events: frame?.buffer ?? null,
        requests: liveInputs(asked),
        // A copy: what is answered before a thread has taken the task over goes with the next one, as `records` counts.
        records: [...fallbacks.records],
      }
      const { published, dpos } = outflow
      result = port.batch({ ...given, now: clock.now(), published, dpos, flush, notAfter, takesDue })
    } catch (error) {
      this.#failed(error, sent)
      return
    }
    const failed = (error: unknown): void => this.#failed(error, sent)
    if (result instanceof Promise) result.then((late) => this.#finished(late, sent), failed)
    else this.#finished(result, sent)
  }

  #finished(result: BatchResult, sent: Sent): void {
    if (result.kind !== 'doubt') {
      this.#settled(result, sent)
      return
    }
    definiteResult(this.#options, result, this.#parts.onDoubt).then(
      (known) => {
        // It may have been applied all the same: the records it carried are not to be committed twice.
        if (known.kind !== 'done' && known.kind !== 'rewound') this.#parts.fallbacks.taken(sent.records)
        this.#settled(known, sent)
      },
      (error: unknown) => this.#failed(error, sent),
    )
  }

  /** What became of a batch is known. */
  #settled(result: DefiniteResult, sent: Sent): void {
    if (result.kind === 'done' && !this.#isStillOwner(sent.asked)) {
      // What was committed leaves when the partition is taken again, as far as the store still has it.
      if (result.committed) this.#parts.fallbacks.taken(sent.records)
      return
    }
    switch (result.kind) {
      case 'done':
        this.#release(result, sent)
        return
      case 'retry':
        this.#share = Math.max(this.#share / 2, 1 / 64)
        this.#parts.live.giveBack(sent.asked)
        this.#options.timing.after(retryMs, () => this.#goOn())
        return
      case 'lost':
      case 'fenced':
      case 'rewound':
      case 'expired':
        this.#parts.live.giveBack(sent.asked)
        this.#end(result)
        return
      case 'closed':
        for (const asked of sent.asked) this.#parts.fallbacks.answer(asked, 'partition_closed')
        this.#end(result)
        return
      default:
        result satisfies never
    }
  }

  /** The commit was applied, or none was needed: everything of the batch may leave. */
  #release(result: Done, { asked, records, queueMs }: Sent): void {
    const { fallbacks, outflow } = this.#parts
    this.#progress = result.progress
    this.#lag.counted(this.#progress.next)
    this.#due.set(this.#progress.nextDue)
    this.#waitingBytes = result.waitingBytes
    this.#reader.hold(result.held)
    fallbacks.taken(records)
    this.#share = Math.min(1, this.#share * 1.5)
    this.#parts.onProgress()
    answerLive(asked, result.answers)
    if (result.committed) {
      this.#flush.done()
      this.#options.failpoint('released')
      outflow.committed(this.#progress, result.outbox, result.exceptions)
      if (result.erased.length > 0) this.#options.onErased(result.erased)
    }
    const { partition, onBatch } = this.#options
    onBatch({ ...result.stats, partition, committed: result.committed, next: this.#progress.next, queueMs })
    if (this.#needsFlush()) {
      if (this.#waitingBytes >= flushBytes || this.#stopping || this.#resting.length > 0) this.#flush.now()
      else this.#flush.later()
    }
    this.#goOn()
  }

  /** Nothing is under way any more: the next thing to do, if there is one. */
  #goOn(): void {
    this.#busy = false
    if (this.#hasWork()) this.wake()
    else this.#settle()
  }

  #failed(error: unknown, { asked, records }: Pick<Sent, 'asked' | 'records'>): void {
    this.#parts.fallbacks.taken(records)
    for (const one of asked) this.#parts.fallbacks.answer(one, 'worker_failed')
    this.#end({ kind: 'failed', error })
  }

  #end(end: LoopEnd): void {
    if (this.#ended) return
    this.#ended = true
    this.#busy = false
    this.#flush.stop()
    this.#due.stop()
    this.#fills.turnAway()
    for (const resolve of this.#resting.splice(0)) resolve()
    this.#parts.onEnd(end)
  }

  /** Ends the loop, and gives requests back, when the process stood still so long that somebody else may have the partition. */
  #isStillOwner(asked: readonly Asked[] = []): boolean {
    if (this.#tenure.isCertain()) return true
    this.#parts.live.giveBack(asked)
    this.#end({ kind: 'expired' })
    return false
  }

  #onPublished(): void {
    if (this.#busy || this.#ended) return
    if (this.#reader.pending || this.#resting.length > 0) this.wake()
    else if (this.#needsFlush()) this.#flush.later()
  }

  get #mayRead(): boolean {
    return this.#reader.mayRead && !this.#stopping
  }

  get #mayFill(): boolean {
    return this.#fills.isWaiting && !this.#lag.delaysFill && !this.#stopping
  }

  /** What is due is looked at with everything known that was said before, and only while decisions can leave. */
  get #mayTakeDue(): boolean {
    return this.#due.isDue && !this.isBehind && !this.#stopping && !this.#parts.outflow.isFull
  }

  #hasWork(): boolean {
    const { live, views, outflow } = this.#parts
    const reads = this.#mayRead && !outflow.isFull
    return (
      reads ||
      this.#mayFill ||
      this.#mayTakeDue ||
      (live.size > 0 && this.#lag.caughtUp) ||
      views.size > 0 ||
      this.#mustFlush()
    )
  }

  /** Whether a commit would store something that is not stored yet: waiting records, or how far everything is out. */
  #needsFlush(): boolean {
    if (this.#waitingBytes > 0 || this.#parts.fallbacks.records.length > 0) return true
    return this.#parts.outflow.isUnstored(this.#progress)
  }

  #mustFlush(): boolean {
    return this.#flush.due && this.#needsFlush()
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#resting.push(resolve)
      this.wake()
      this.#settle()
    })
  }

  /** Tells those who wait for rest, or does what is left to do. */
  #settle(): void {
    if (this.#resting.length === 0) return
    if (!this.#ended) {
      if (this.#busy || this.#parts.live.size > 0) return
      if (this.#reader.pending && !this.#stopping) return
      if (this.#parts.outflow.published < this.#progress.seq) return
      if (this.#needsFlush()) {
        this.#flush.now()
        this.wake()
        return
      }
    }
    for (const resolve of this.#resting.splice(0)) resolve()
  }
}
