import type { Clock, Timing } from '../clock.ts'

/** A timer is set anew after this long at the latest: clocks are set, and long timers drift. */
const longestMs = 3_600_000

/** Says when something of a partition is due. On an event clock it never does: there, things are due with the events. */
export class DueTimer {
  readonly #clock: Clock
  readonly #timing: Timing
  readonly #onDue: () => void
  #at = 0
  #callOff: (() => void) | null = null

  constructor({ clock, timing }: { readonly clock: Clock; readonly timing: Timing }, onDue: () => void) {
    this.#clock = clock
    this.#timing = timing
    this.#onDue = onDue
  }

  /** Whether something is due now. */
  get isDue(): boolean {
    return this.#at > 0 && this.#clock.kind === 'wall' && this.#clock.now() >= this.#at
  }

  /** When something is due next, Unix milliseconds; 0: nothing is. */
  set(at: number): void {
    if (at === this.#at) return
    this.#at = at
    this.#wait()
  }

  stop(): void {
    this.#callOff?.()
    this.#callOff = null
  }

  #wait(): void {
    this.stop()
    if (this.#at === 0 || this.#clock.kind === 'event') return
    const ms = Math.min(longestMs, Math.max(0, this.#at - this.#clock.now()))
    this.#callOff = this.#timing.after(ms, () => {
      this.#callOff = null
      if (this.isDue) this.#onDue()
      else this.#wait()
    })
  }
}
