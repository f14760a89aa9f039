import type { Clock, Timing } from '../clock.ts'

/** The time for which a partition is owned without a doubt, from one taking of it on. */
export type Tenure = {
  /**
   * False for good once this process stood still for so long that another one may have taken the partition, let decisions out
   * and been forgotten by the store: what is known here of the partition proves nothing then.
   */
  isCertain(): boolean
  /** Until when that is certain should the process stand still from now on, Unix milliseconds; null: for ever. */
  until(): number | null
}

const lookEveryMs = 200

/**
 * Notices that this process stood still: stopped, suspended with its machine, or busy for so long that nobody heard of it. Looks at
 * the monotonic and at the wall clock, as the first one may stand still together with a suspended machine. A clock that is set
 * forward looks the same.
 */
export class Standstill {
  readonly #clock: Clock
  readonly #timing: Timing
  /** What others wait for at the least before they take what this process has; null: nobody ever does. */
  readonly #longestMs: number | null
  #aliveAt: { readonly wall: number; readonly elapsed: number }
  #count = 0
  #callOff: (() => void) | null = null

  constructor({ clock, timing }: { readonly clock: Clock; readonly timing: Timing }, longestMs: number | null) {
    this.#clock = clock
    this.#timing = timing
    this.#longestMs = longestMs
    this.#aliveAt = this.#now()
  }

  start(): void {
    if (this.#longestMs === null) return
    if (this.#isLong()) this.#count++
    this.#aliveAt = this.#now()
    this.#callOff = this.#timing.after(lookEveryMs, () => this.start())
  }

  stop(): void {
    this.#callOff?.()
  }

  /** What is taken behind this call is owned from then on. */
  tenure(): Tenure {
    const count = this.#standstills()
    return { isCertain: () => this.#standstills() === count, until: () => this.#until() }
  }

  #until(): number | null {
    return this.#longestMs === null ? null : this.#aliveAt.wall + this.#longestMs
  }

  /** Counts one that is noticed now, before the timer comes to it. */
  #standstills(): number {
    return this.#isLong() ? this.#count + 1 : this.#count
  }

  #isLong(): boolean {
    if (this.#longestMs === null) return false
    const { wall, elapsed } = this.#now()
    return Math.max(wall - this.#aliveAt.wall, elapsed - this.#aliveAt.elapsed) > this.#longestMs
  }

  #now(): { readonly wall: number; readonly elapsed: number } {
    return { wall: this.#clock.now(), elapsed: this.#timing.elapsed() }
  }
}
