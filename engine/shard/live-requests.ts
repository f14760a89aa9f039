/** Live requests on the main thread: who waits, until when, and in which order they are stepped. */
import type { Timing } from '../clock.ts'
import type { LiveAnswer, LiveInput } from './shard-port.ts'
import type { DecisionAnswer, DecisionRequest } from './shards.ts'

/** A live request until it is answered. */
export type Asked = {
  readonly request: DecisionRequest
  /** On the monotonic clock of this thread, milliseconds. */
  readonly askedAt: number
  readonly expiresAt: number
  /** `node`: another node asked, which is told when the partition is not here. */
  readonly from: 'caller' | 'node'
  readonly resolve: (answer: DecisionAnswer) => void
  /** Tells the other node that the partition is not here; only called when `from` is `node`. */
  readonly notHere: () => void
  /** Answers with the fallback because the time is over. */
  readonly expire: (asked: Asked) => void
  answered: boolean
}

/** How late a fallback may be, milliseconds. */
const sweepMs = 3

/** Sees to it that every request is answered at its deadline. One timer for all of them. */
export class Deadlines {
  readonly #timing: Timing
  #open: Asked[] = []
  #sweeping = false

  constructor(timing: Timing) {
    this.#timing = timing
  }

  watch(asked: Asked): void {
    this.#open.push(asked)
    if (!this.#sweeping) this.#later()
  }

  #later(): void {
    this.#sweeping = true
    this.#timing.after(sweepMs, () => this.#sweep())
  }

  #sweep(): void {
    const now = this.#timing.elapsed()
    const open = this.#open
    let kept = 0
    for (const asked of open) {
      if (!asked.answered && asked.expiresAt <= now) asked.expire(asked)
      if (!asked.answered) open[kept++] = asked
    }
    open.length = kept
    if (kept === 0) this.#sweeping = false
    else this.#later()
  }
}

/** The requests of one partition that wait to be stepped, oldest first. */
export class LiveQueue {
  readonly #sizeMax: number
  readonly #timing: Timing
  #queue: Asked[] = []

  constructor(sizeMax: number, timing: Timing) {
    this.#sizeMax = sizeMax
    this.#timing = timing
  }

  get size(): number {
    return this.#queue.length
  }

  /** False when the queue is full. */
  add(asked: Asked): boolean {
    if (this.#queue.length >= this.#sizeMax) return false
    this.#queue.push(asked)
    return true
  }

  /** The next requests to step. Those whose time is over are left to their deadline, which answers them. */
  take(limits: { readonly requests: number; readonly customers: number }): Asked[] {
    if (this.#queue.length === 0) return []
    const now = this.#timing.elapsed()
    const queue = this.#queue
    const taken: Asked[] = []
    const customers = new Set<string>()
    let at = 0
    for (; at < queue.length && taken.length < limits.requests; at++) {
      const asked = queue[at]
      if (asked === undefined || asked.answered || asked.expiresAt <= now) continue
      const { customerId } = asked.request
      if (!customers.has(customerId) && customers.size >= limits.customers) break
      customers.add(customerId)
      taken.push(asked)
    }
    this.#queue = at >= queue.length ? [] : queue.slice(at)
    return taken
  }

  /** Every request, also late ones. */
  takeAll(): Asked[] {
    const all = this.#queue
    this.#queue = []
    return all
  }

  /** Puts requests that could not be stepped back in front. */
  giveBack(asked: readonly Asked[]): void {
    this.#queue = [...asked.filter((one) => !one.answered), ...this.#queue]
  }
}

/** Requests as the shard steps them, named by their place in the list. */
export function liveInputs(asked: readonly Asked[]): LiveInput[] {
  return asked.map(({ request }, index) => ({
    index,
    customerId: request.customerId,
    requestId: request.requestId,
    placement: request.placement,
    count: request.count,
    personalised: request.personalised !== false,
  }))
}

/** Gives the shard's answers to those who still wait for them. */
export function answerLive(asked: readonly Asked[], answers: readonly LiveAnswer[]): void {
  for (const { index, decision, committed } of answers) {
    const one = asked[index]
    if (one === undefined || one.answered) continue
    one.answered = true
    one.resolve({ decision, committed })
  }
}
