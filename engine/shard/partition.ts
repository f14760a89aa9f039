/**
 * One partition on the main thread, from its assignment on: takes it, runs it, and says for each request where it stands.
 * States: idle (not ours), acquiring, running, doubt (a commit without a definite answer is sent again), closed (for an
 * operator).
 */
import type { AnswerReason } from '../../rules/reasons.ts'
import { AppliedWaiters } from './applied-waiters.ts'
import { BatchLoop } from './batch-loop.ts'
import { placeOf } from './error-place.ts'
import { FallbackAnswers } from './fallback-answers.ts'
import type { FillReply } from './fill-slot.ts'
import { type Asked, LiveQueue } from './live-requests.ts'
import type { LoopEnd } from './loop-parts.ts'
import { Outflow } from './outflow.ts'
import { backOffMs, longerPause, type PartitionOptions } from './partition-options.ts'
import type { FillStep, Progress } from './shard-port.ts'
import { type Applied, type PartitionStatus, ShardError } from './shards.ts'
import { type Taken, takePartition } from './take-partition.ts'
import { ViewQueue } from './view-queue.ts'

/** So many failures of the shard without progress close the partition. */
const failuresMax = 5
const nothing: Progress = {
  seq: 0,
  next: 0,
  published: 0,
  dpos: 0,
  begun: [],
  fill: null,
  accepted: 0,
  duplicates: 0,
  deadLettered: 0,
  decisions: 0,
  nextDue: 0,
}

export class Partition {
  readonly #options: PartitionOptions
  readonly #live: LiveQueue
  readonly #fallbacks: FallbackAnswers
  readonly #views = new ViewQueue()
  readonly #waiters = new AppliedWaiters()
  #state: PartitionStatus['state'] = 'idle'
  #reason: string | null = null
  #outflow: Outflow
  #loop: BatchLoop | null = null
  #progress = nothing
  /** Whether it is to be owned. A new number each time that changes, so that what began before gives up. */
  #wanted = false
  #stopping = false
  #round = 0
  #failures = 0
  /** Pause before it is taken back from another owner. */
  #pauseMs: number = backOffMs.least
  /** Ends when it runs, is closed, or is not wanted any more. One attempt to own it follows the other. */
  #taking: Promise<void> = Promise.resolve()
  /** What was published for earlier ownerships and is still under way. */
  readonly #finishing = new Set<Outflow>()
  /** Decisions adopted since this process started. */
  #adopted = 0

  constructor(options: PartitionOptions) {
    this.#options = options
    this.#live = new LiveQueue(options.limits.liveQueue, options.timing)
    this.#fallbacks = new FallbackAnswers(options.makeFallback, options.codec, () => options.clock.now())
    this.#outflow = new Outflow(options, this.#waiters)
  }

  /** Whether requests for it belong here: it is owned, being taken, or closed here. */
  get isHere(): boolean {
    return this.#wanted && this.#state !== 'idle'
  }

  /** Whether batches of it run here now. */
  get isRunning(): boolean {
    return this.#loop !== null
  }

  get progress(): Progress {
    return this.#loop?.progress ?? this.#progress
  }

  /** It is this process's to own: takes it, unless it does. Resolves when it runs, is closed, or is not wanted any more. */
  assign(): Promise<void> {
    if (!this.#wanted && !this.#stopping) {
      this.#wanted = true
      this.#round++
      this.#set('acquiring', null)
      this.#takeNext()
    }
    return this.#taking
  }

  /**
   * It is not this process's any more: finishes the open batch, publishes, lets go.
   *
   * @param why a sentence for its status, where it would be this process's but for something that is wrong here
   */
  async unassign(why: string | null = null): Promise<void> {
    if (!this.#wanted) {
      if (this.#state === 'idle') this.#set('idle', why)
      return
    }
    this.#wanted = false
    this.#round++
    this.#turnAllAway()
    this.#next(async () => {
      await this.#endLoop()
      this.#set('idle', why)
      const { port, partition } = this.#options
      // Late or lost, the worst is that somebody is sent here in vain.
      await port.release(partition).catch(() => undefined)
    })
    await this.#taking
  }

  /** Tries a closed partition again. `skip_lost`: goes on behind events that are no longer in the log and never counted. */
  async reopen(lost: 'skip_lost' | 'keep_closed'): Promise<void> {
    if (this.#state !== 'closed') return
    this.#failures = 0
    this.#round++
    this.#takeNext(lost)
    await this.#taking
  }

  /** The log has, or may have, new records. */
  appended(): void {
    this.#loop?.appended()
  }

  /** Takes a live request in; it is answered once, also when that is the fallback. */
  ask(asked: Asked): void {
    if (this.#stopping) this.answerFallback(asked, 'shutting_down')
    else if (!this.isHere && this.#options.passOn !== null) this.#turnAway(asked)
    else if (this.#state === 'closed') this.answerFallback(asked, 'partition_closed')
    else if (this.#state === 'doubt') this.answerFallback(asked, 'store_unavailable')
    else if (this.#live.add(asked)) this.#loop?.wake()
    else this.answerFallback(asked, 'overloaded')
  }

  /** Answers a request whose time is over. */
  answerLate(asked: Asked): void {
    if (this.#state === 'doubt') this.answerFallback(asked, 'store_unavailable')
    else this.answerFallback(asked, this.#loop?.isBehind === true ? 'stale_state' : 'deadline_exceeded')
  }

  /** Answers with the placement's fallback. Its record leaves with the partition's next commit. */
  answerFallback(asked: Asked, reason: AnswerReason): void {
    this.#fallbacks.answer(asked, reason)
    if (this.#state === 'running') this.#loop?.recorded()
  }

  /** Runs a step of a backfill, see `BatchLoop.fill`. */
  fill(step: FillStep): Promise<FillReply> {
    return this.#loop?.fill(step) ?? Promise.resolve({ kind: 'away' })
  }

  /** Calls back once the event at an offset is committed. Returns how to stop waiting. */
  wait(offset: number, callback: (status: Applied) => void): () => void {
    return this.#waiters.wait(offset, callback)
  }

  /** Asks between two batches. @throws ShardError `partition_closed`, `not_owner`, `partition_busy` when too many ask */
  look<Value>(ask: (views: ViewQueue) => Promise<Value>): Promise<Value> {
    if (this.#state === 'closed') return Promise.reject(closedError(this.#reason))
    if (!this.isHere) return Promise.reject(notOwner())
    const answer = ask(this.#views)
    this.#loop?.wake()
    return answer
  }

  async status(): Promise<PartitionStatus> {
    const { partition, log } = this.#options
    const { end } = await log.bounds(partition)
    const { seq, next, accepted, duplicates, deadLettered, decisions } = this.progress
    const published = this.#loop === null ? this.#progress.published : this.#outflow.published
    return {
      partition,
      state: this.#state,
      reason: this.#reason ?? this.#loop?.held ?? null,
      addr: this.#state === 'idle' ? '' : this.#options.addr(),
      seq,
      next,
      end,
      published,
      adopted: this.#adopted,
      totals: { accepted, duplicates, deadLettered, decisions },
    }
  }

  /**
   * Resolves when everything appended before the call is committed and published.
   * @throws ShardError `partition_closed`, `not_owner`
   */
  async drained(): Promise<void> {
    for (;;) {
      await this.#taking
      const loop = this.#loop
      if (loop !== null) await loop.drained()
      if (this.#state === 'closed') throw closedError(this.#reason)
      if (!this.#wanted) throw notOwner()
      if (loop !== null && loop === this.#loop && this.#state === 'running') return
      await this.#options.timing.sleep(backOffMs.least)
    }
  }

  /** Finishes the open batch, publishes, stores what was published, lets go. New requests get the fallback. */
  async stop(): Promise<void> {
    this.#stopping = true
    for (const asked of this.#live.takeAll()) this.answerFallback(asked, 'shutting_down')
    await this.unassign()
    await Promise.all([this.#outflow, ...this.#finishing].map((outflow) => outflow.stop()))
  }

  #next(work: () => Promise<void>): void {
    this.#taking = this.#taking.then(work)
  }

  /**
   * Takes it once everything that is under way is over and `before` is done, unless somebody has decided otherwise by then. What was
   * told to take it before that decision never does: two loops of one partition would commit the same records.
   */
  #takeNext(lost: 'skip_lost' | 'keep_closed' = 'keep_closed', before: () => Promise<void> = async () => {}): void {
    const round = this.#round
    const isWanted = (): boolean => this.#wanted && this.#round === round && this.#loop === null
    this.#next(async () => {
      if (isWanted()) await before()
      if (isWanted()) await this.#take(lost, isWanted)
    })
  }

  async #take(lost: 'skip_lost' | 'keep_closed', isWanted: () => boolean): Promise<void> {
    this.#set('acquiring', null)
    const taken = await takePartition(this.#options, {
      isWanted,
      lost,
      onFailure: (reason) => {
        if (isWanted()) this.#set('acquiring', reason)
      },
    })
    if (!isWanted()) return
    if (taken.kind === 'closed') {
      if (taken.meta !== null) this.#progress = { ...taken.meta, nextDue: 0 }
      this.#close(taken.reason)
    } else if (taken.kind === 'taken') {
      this.#begin(taken)
    }
  }

  #begin(taken: Extract<Taken, { kind: 'taken' }>): void {
    this.#replaceOutflow()
    this.#adopted += taken.adopted
    this.#set('running', null)
    const loop: BatchLoop = new BatchLoop(
      this.#options,
      {
        live: this.#live,
        fallbacks: this.#fallbacks,
        views: this.#views,
        outflow: this.#outflow,
        onDoubt: (reason) => this.#doubt(reason),
        onEnd: (end) => {
          if (loop === this.#loop) this.#ended(end)
        },
        onProgress: () => {
          this.#failures = 0
          this.#pauseMs = backOffMs.least
        },
      },
      taken,
    )
    this.#loop = loop
  }

  /** What this process published before says nothing of what another owner did since. */
  #replaceOutflow(): void {
    const before = this.#outflow
    this.#finishing.add(before)
    void before.idle().then(() => this.#finishing.delete(before))
    this.#outflow = new Outflow(this.#options, this.#waiters)
  }

  #doubt(reason: string | null): void {
    this.#set(reason === null ? 'running' : 'doubt', reason)
    if (reason === null) return
    for (const asked of this.#live.takeAll()) this.answerFallback(asked, 'store_unavailable')
  }

  #ended(end: LoopEnd): void {
    this.#progress = this.progress
    this.#loop = null
    switch (end.kind) {
      case 'closed':
        this.#close(end.reason)
        return
      case 'fenced':
        this.#set('idle', 'Another node has taken the partition.')
        this.#turnAllAway()
        this.#takeNext('keep_closed', () => this.#mayTakeBack())
        return
      case 'rewound':
        this.#set('acquiring', 'The store went back behind what it had acknowledged; taking the partition again.')
        // Everything that was applied is published first: only then does the decisions log say all that has to be adopted.
        this.#takeNext('keep_closed', () => this.#outflow.idle())
        return
      case 'expired':
        this.#set('acquiring', 'This node or the store stood still for too long; taking the partition again.')
        this.#takeNext('keep_closed', () => this.#mayTakeAnew())
        return
      case 'lost':
        this.#takeNext()
        return
      case 'failed':
        this.#failed(end.error)
        return
      default:
        end satisfies never
    }
  }

  /** Somebody else took it although it is still assigned here: only a member that is one takes it back, and not at once. */
  async #mayTakeBack(): Promise<void> {
    const pauseMs = this.#pauseMs
    this.#pauseMs = longerPause(pauseMs)
    await this.#options.timing.sleep(pauseMs)
    await this.#confirmed()
  }

  /**
   * Whether it is still assigned here shows first. What waits to be published is left to the outbox of the store: others may have
   * gone on from a state without it.
   */
  async #mayTakeAnew(): Promise<void> {
    for (const outflow of [this.#outflow, ...this.#finishing]) await outflow.stop()
    await this.#confirmed()
  }

  /** Membership that ended instead takes the partition away, too. */
  async #confirmed(): Promise<void> {
    await this.#options.confirmed().catch(() => undefined)
  }

  #failed(error: unknown): void {
    this.#failures++
    if (this.#failures < failuresMax) {
      this.#takeNext()
      return
    }
    this.#close(
      `The shard failed ${this.#failures} times in a row (${placeOf(error)}) at offset ${this.#progress.next} of the log.`,
    )
  }

  async #endLoop(): Promise<void> {
    const loop = this.#loop
    if (loop === null) return
    await loop.stop()
    if (this.#loop !== loop) return
    this.#progress = loop.progress
    this.#loop = null
  }

  /** Whoever waits is sent to where it is. */
  #turnAllAway(): void {
    for (const asked of this.#live.takeAll()) this.#turnAway(asked)
    this.#views.rejectAll(notOwner())
  }

  #turnAway(asked: Asked): void {
    if (asked.answered) return
    const { passOn } = this.#options
    if (asked.from === 'node') {
      asked.answered = true
      asked.notHere()
    } else if (passOn !== null) passOn(asked)
    else if (!this.#live.add(asked)) this.answerFallback(asked, 'overloaded')
  }

  #close(reason: string): void {
    this.#set('closed', reason)
    for (const asked of this.#live.takeAll()) this.answerFallback(asked, 'partition_closed')
    this.#views.rejectAll(closedError(reason))
  }

  #set(state: PartitionStatus['state'], reason: string | null): void {
    this.#state = state
    this.#reason = reason
  }
}

function closedError(reason: string | null): ShardError {
  return new ShardError('partition_closed', reason ?? 'The partition is closed.')
}

function notOwner(): ShardError {
  return new ShardError('not_owner', 'The partition belongs to another node.')
}
