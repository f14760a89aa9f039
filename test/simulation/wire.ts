/** What lies between a node and everything else: it can be slow, cut, lose calls and replies; a node can stand still or be gone. */
import type { Random } from '../../bench/workload/random.ts'
import type { VirtualTime } from './virtual-time.ts'

/** A process: while it stands still nothing reaches it, and nothing ever does once it is killed. */
export class Process {
  #state: 'runs' | 'paused' | 'dead' = 'runs'
  #held: (() => void)[] = []

  get isAlive(): boolean {
    return this.#state !== 'dead'
  }

  deliver(run: () => void): void {
    if (this.#state === 'runs') run()
    else if (this.#state === 'paused') this.#held.push(run)
  }

  /** As SIGSTOP. */
  pause(): void {
    if (this.#state === 'runs') this.#state = 'paused'
  }

  /** As SIGCONT: everything that came meanwhile is there at once. */
  resume(): void {
    if (this.#state !== 'paused') return
    this.#state = 'runs'
    for (const run of this.#held.splice(0)) this.deliver(run)
  }

  /** As SIGKILL. */
  kill(): void {
    this.#state = 'dead'
    this.#held = []
  }
}

export type Faults = {
  /** Chance of a call that never arrives, and of a reply that never comes back. */
  callLost: number
  replyLost: number
  /** Nothing arrives at all. */
  cut: boolean
}

/** The line of one node to one server. */
export class Wire {
  readonly faults: Faults = { callLost: 0, replyLost: 0, cut: false }
  readonly #time: VirtualTime
  readonly #random: Random
  readonly #process: Process
  readonly #error: () => Error
  readonly #timeoutMs: number

  /** `error`: what the caller gets who has no answer in time. */
  constructor(parts: {
    readonly time: VirtualTime
    readonly random: Random
    readonly process: Process
    readonly error: () => Error
    readonly timeoutMs: number
  }) {
    this.#time = parts.time
    this.#random = parts.random
    this.#process = parts.process
    this.#error = parts.error
    this.#timeoutMs = parts.timeoutMs
  }

  /** Calls a server. What was sent is done there also when the caller is gone by then. */
  call<T>(work: () => T | Promise<T>): Promise<T> {
    const { callLost, replyLost, cut } = this.faults
    const lostThere = cut || this.#random.chance(callLost)
    const lostBack = this.#random.chance(replyLost)
    const there = 0.1 + this.#random.next() * 0.9
    const back = 0.1 + this.#random.next() * 0.9
    return new Promise((resolve, reject) => {
      const callOff = this.#time.after(this.#timeoutMs, () => this.#process.deliver(() => reject(this.#error())))
      if (lostThere) return
      const answer = (settle: () => void): void => {
        if (lostBack) return
        this.#time.after(back, () => {
          callOff()
          this.#process.deliver(settle)
        })
      }
      this.#time.after(there, () => {
        Promise.resolve()
          .then(work)
          .then(
            (value) => answer(() => resolve(value)),
            (error: unknown) => answer(() => reject(error)),
          )
      })
    })
  }
}
