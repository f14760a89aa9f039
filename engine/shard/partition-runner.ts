/**
 * One partition on the main thread: takes it, lets out what was committed and not published, then runs one batch after the
 * other. States: idle, acquiring, running, doubt (a commit without a definite answer is sent again), closed.
 */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AnswerReason } from '../../rules/reasons.ts'
import type { Meta } from '../store/store.ts'
import { batchCustomersMax } from './batch-customers.ts'
import type { EventFrame } from './event-frame.ts'
import { EventReader } from './event-reader.ts'
import { FallbackAnswers } from './fallback-answers.ts'
import { FlushTimer } from './flush-timer.ts'
import { type Asked, answerLive, LiveQueue, liveInputs } from './live-requests.ts'
import { Outflow } from './outflow.ts'
import { resendCommit } from './resend-commit.ts'
import type { RunnerOptions } from './runner-options.ts'
import type { BatchResult, Progress, StoredOutbox } from './shard-port.ts'
import { type Applied, type CustomerView, type PartitionStatus, ShardError } from './shards.ts'
import { logFault, takePartition } from './take-partition.ts'
import { ViewQueue } from './view-queue.ts'

type Done = Extract<BatchResult, { kind: 'done' }>
/** What was sent and is not answered. */
type Sent = { readonly asked: readonly Asked[]; readonly records: number; readonly queueMs: number }

/** So many bytes of records without a commit make one due. */
const flushBytes = 512 * 1024
/** So many failures of the shard without progress close the partition. */
const failuresMax = 5
const nothing: Progress = { seq: 0, next: 0, published: 0, accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 }

export class PartitionRunner {
  readonly #options: RunnerOptions
  readonly #live: LiveQueue
  readonly #outflow: Outflow
  readonly #reader: EventReader
  readonly #fallbacks: FallbackAnswers
  readonly #views = new ViewQueue()
  readonly #flush = new FlushTimer(() => this.#wake())
  #state: PartitionStatus['state'] = 'idle'
  #reason: string | null = null
  #progress = nothing
  /** A task is with the shard, or a read is under way: one at a time. */
  #busy = false
  #scheduled = false
  #stopping = false
  /** Share of the limits a batch may use; halved while the cache is crowded. */
  #share = 1
  #failures = 0
  #waitingBytes = 0
  #resting: (() => void)[] = []

  constructor(options: RunnerOptions) {
    this.#options = options
    this.#live = new LiveQueue(options.limits.liveQueue)
    this.#outflow = new Outflow(options, () => this.#onPublished())
    this.#reader = new EventReader(options.log, options.partition, options.limits)
    this.#fallbacks = new FallbackAnswers(options.makeFallback, () => options.clock.now())
  }

  /** Takes the partition and runs it; resolves when it runs or is closed. */
  async start(): Promise<void> {
    this.#set('acquiring', null)
    const taken = await takePartition(this.#options, {
      published: (meta) => this.#outflow.known(meta),
      isStopping: () => this.#stopping,
      onFailure: (reason) => this.#set('acquiring', reason),
    })
    if (taken.kind === 'given_up') return
    if (taken.meta !== null) this.#progress = taken.meta
    if (taken.kind === 'closed') this.#close(taken.reason)
    else this.#begin(taken.meta, taken.values)
  }

  /** Tries a closed partition again. */
  async reopen(): Promise<void> {
    if (this.#state !== 'closed') return
    this.#failures = 0
    await this.start()
  }

  /** The log has new records. */
  appended(): void {
    this.#reader.appended()
    this.#wake()
  }

  /** Takes a live request in; it is answered once, also when that is the fallback. */
  ask(asked: Asked): void {
    if (this.#stopping) this.answerFallback(asked, 'shutting_down')
    else if (this.#state === 'closed') this.answerFallback(asked, 'partition_closed')
    else if (this.#state === 'doubt') this.answerFallback(asked, 'store_unavailable')
    else if (this.#live.add(asked)) this.#wake()
    else this.answerFallback(asked, 'overloaded')
  }

  /** Answers a request whose time is over. */
  answerLate(asked: Asked): void {
    this.answerFallback(asked, this.#state === 'doubt' ? 'store_unavailable' : 'deadline_exceeded')
  }

  /** Answers with the placement's fallback. Its record leaves with the partition's next commit. */
  answerFallback(asked: Asked, reason: AnswerReason): void {
    this.#fallbacks.answer(asked, reason)
    if (this.#state === 'running' && !this.#busy) this.#flush.later()
  }

  /** Calls back once the event at an offset is committed. Returns how to stop waiting. */
  wait(offset: number, callback: (status: Applied) => void): () => void {
    return this.#outflow.wait(offset, callback)
  }

  /** @throws ShardError `partition_closed`, `partition_busy` when too many ask */
  view(customerId: string): Promise<CustomerView> {
    if (this.#state === 'closed') return Promise.reject(closedError(this.#reason))
    const view = this.#views.add(customerId)
    this.#wake()
    return view
  }

  async status(): Promise<PartitionStatus> {
    const { partition, log } = this.#options
    const { end } = await log.bounds(partition)
    const { seq, next } = this.#progress
    return { partition, state: this.#state, reason: this.#reason, seq, next, end, published: this.#outflow.published }
  }

  get progress(): Progress {
    return this.#progress
  }

  /**
   * Resolves when everything appended before the call is committed and published.
   * @throws ShardError `partition_closed`
   */
  async drained(): Promise<void> {
    this.#reader.appended()
    await this.#rest()
    if (this.#state === 'closed') throw closedError(this.#reason)
  }

  /** Finishes the open batch, publishes, stores what was published. New requests get the fallback. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#answerAll('shutting_down')
    if (this.#state === 'running' || this.#state === 'doubt') await this.#rest()
    this.#flush.stop()
    await this.#outflow.stop()
    this.#set('idle', null)
  }

  #begin(meta: Meta, values: readonly StoredOutbox[]): void {
    this.#outflow.begin(meta, values)
    this.#options.failpoint('drained')
    this.#waitingBytes = 0
    this.#busy = false
    this.#reader.appended()
    this.#set('running', null)
    this.#wake()
  }

  #set(state: PartitionStatus['state'], reason: string | null): void {
    this.#state = state
    this.#reason = reason
  }

  #close(reason: string): void {
    this.#busy = false
    this.#set('closed', reason)
    this.#answerAll('partition_closed')
    this.#views.rejectAll(closedError(this.#reason))
    this.#settle()
  }

  #answerAll(reason: AnswerReason): void {
    for (const asked of this.#live.takeAll()) this.answerFallback(asked, reason)
  }

  #wake(): void {
    if (this.#scheduled || this.#busy || this.#state !== 'running') return
    this.#scheduled = true
    this.#options.schedule(() => this.#run())
  }

  #run(): void {
    this.#scheduled = false
    if (this.#busy || this.#state !== 'running') return
    const { port, partition, clock, limits } = this.#options
    if (this.#views.size > 0) {
      this.#busy = true
      void this.#views.run(port, partition, clock.now()).then((end) => (end === 'lost' ? this.start() : this.#goOn()))
      return
    }
    const isFull = this.#outflow.isFull
    if (isFull) this.#answerAll('outbox_full')
    if (this.#reader.pending && !isFull && !this.#stopping) {
      this.#busy = true
      void this.#runEvents()
      return
    }
    const customers = Math.ceil(batchCustomersMax * this.#share)
    const asked = this.#live.take({ requests: limits.batchEvents, customers })
    if (asked.length > 0 || this.#mustFlush()) this.#send(null, asked)
    else this.#settle()
  }

  async #runEvents(): Promise<void> {
    try {
      const found = await this.#reader.read(this.#progress.next)
      const customers = Math.max(2, Math.floor(batchCustomersMax * this.#share))
      // Live requests get at most half of a batch, so that neither starves the other.
      const part = found.length > 0 ? 2 : 1
      const requests = Math.ceil(this.#options.limits.batchEvents / part)
      const asked = this.#live.take({ requests, customers: Math.floor(customers / part) })
      const frame = this.#reader.pack(found, asked.length === 0 ? customers : Math.ceil(customers / 2), this.#share)
      if (frame !== null || asked.length > 0 || this.#mustFlush()) this.#send(frame, asked)
      else this.#goOn()
    } catch (error) {
      await this.#readFailed(error)
    }
  }

  async #readFailed(error: unknown): Promise<void> {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    const { log, partition } = this.#options
    if (code === 'log_closed') {
      this.#close('The log is closed.')
    } else if (code === 'log_gap') {
      const reason = await logFault(log, partition, this.#progress.next)
      this.#close(reason ?? 'log_gap: the log skipped records.')
    } else {
      this.#reason = 'The log cannot be read; trying again.'
      await sleep(100)
      this.#goOn()
    }
  }

  #send(frame: EventFrame | null, asked: readonly Asked[]): void {
    this.#busy = true
    const queueMs = asked[0] === undefined ? 0 : performance.now() - asked[0].askedAt
    const sent: Sent = { asked, records: this.#fallbacks.records.length, queueMs }
    const { port, partition, clock } = this.#options
    let result: BatchResult | Promise<BatchResult>
    try {
      result = port.batch({
        partition,
        events: frame?.buffer ?? null,
        requests: liveInputs(asked),
        records: this.#fallbacks.records,
        now: clock.now(),
        published: this.#outflow.published,
        dpos: 0,
        flush: this.#mustFlush(),
      })
    } catch (error) {
      this.#failed(error, asked)
      return
    }
    if (result instanceof Promise) {
      result.then(
        (late) => this.#finished(late, sent),
        (error: unknown) => this.#failed(error, asked),
      )
    } else {
      this.#finished(result, sent)
    }
  }

  #finished(result: BatchResult, sent: Sent): void {
    switch (result.kind) {
      case 'done':
        this.#release(result, sent)
        return
      case 'doubt':
        this.#set('doubt', result.reason)
        this.#answerAll('store_unavailable')
        void this.#resend(sent)
        return
      case 'retry':
        this.#share = Math.max(this.#share / 2, 1 / 64)
        this.#live.giveBack(sent.asked)
        setTimeout(() => this.#goOn(), 5)
        return
      case 'lost':
        this.#live.giveBack(sent.asked)
        void this.start()
        return
      case 'closed':
        for (const asked of sent.asked) this.answerFallback(asked, 'partition_closed')
        this.#close(result.reason)
        return
    }
  }

  /** The commit was applied, or none was needed: everything of the batch may leave. */
  #release(result: Done, { asked, records, queueMs }: Sent): void {
    this.#progress = result.progress
    this.#waitingBytes = result.waitingBytes
    this.#fallbacks.taken(records)
    this.#failures = 0
    this.#share = Math.min(1, this.#share * 1.5)
    answerLive(asked, result.answers)
    if (result.committed) {
      this.#flush.done()
      this.#options.failpoint('released')
      this.#outflow.committed(this.#progress, result.outbox, result.exceptions)
    }
    const { partition } = this.#options
    this.#options.onBatch({ ...result.stats, partition, committed: result.committed, queueMs })
    if (this.#needsFlush()) {
      if (this.#waitingBytes >= flushBytes || this.#stopping || this.#resting.length > 0) this.#flush.now()
      else this.#flush.later()
    }
    this.#goOn()
  }

  /** Nothing is under way any more: the next thing to do, if there is one. */
  #goOn(): void {
    this.#busy = false
    if (this.#hasWork()) this.#wake()
    else this.#settle()
  }

  async #resend(sent: Sent): Promise<void> {
    const { port, partition } = this.#options
    try {
      const result = await resendCommit(port, partition, (reason) => this.#set('doubt', reason))
      this.#set('running', null)
      this.#finished(result, sent)
    } catch (error) {
      this.#failed(error, sent.asked)
    }
  }

  /** The thread died, or a bug stopped it: whether the batch was committed shows when the partition is taken again. */
  #failed(error: unknown, asked: readonly Asked[]): void {
    this.#failures++
    for (const one of asked) this.answerFallback(one, 'worker_failed')
    if (this.#failures < failuresMax) {
      void this.start()
      return
    }
    const kind = error instanceof Error ? error.name : 'failure'
    this.#close(
      `The shard failed ${this.#failures} times in a row (${kind}) at offset ${this.#progress.next} of the log.`,
    )
  }

  #onPublished(): void {
    if (this.#state !== 'running' || this.#busy) return
    if (this.#reader.pending || this.#resting.length > 0) this.#wake()
    else if (this.#needsFlush()) this.#flush.later()
  }

  #hasWork(): boolean {
    const reads = this.#reader.pending && !this.#stopping && !this.#outflow.isFull
    return reads || this.#live.size > 0 || this.#views.size > 0 || this.#mustFlush()
  }

  /** Whether a commit would store something that is not stored yet: waiting records, or how far everything is out. */
  #needsFlush(): boolean {
    if (this.#waitingBytes > 0 || this.#fallbacks.records.length > 0) return true
    return this.#outflow.isUnstored(this.#progress)
  }

  #mustFlush(): boolean {
    return this.#flush.due && this.#needsFlush()
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      this.#resting.push(resolve)
      this.#wake()
      this.#settle()
    })
  }

  /** Tells those who wait for rest, or does what is left to do. */
  #settle(): void {
    if (this.#resting.length === 0) return
    if (this.#state !== 'closed') {
      if (this.#state !== 'running' || this.#busy || this.#live.size > 0) return
      if (this.#reader.pending && !this.#stopping) return
      if (this.#outflow.published < this.#progress.seq) return
      if (this.#needsFlush()) {
        this.#flush.now()
        this.#wake()
        return
      }
    }
    for (const resolve of this.#resting.splice(0)) resolve()
  }
}

function closedError(reason: string | null): ShardError {
  return new ShardError('partition_closed', reason ?? 'The partition is closed.')
}
