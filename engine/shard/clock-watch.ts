import type { Timing } from '../clock.ts'

const everyMs = 10_000

/**
 * Compares the clocks of this machine and of the store again and again: an owner whose clock is ahead would drag the clock of
 * its partitions with it for ever. A look that fails says nothing.
 */
export class ClockWatch {
  readonly #timing: Timing
  readonly #skew: () => Promise<number | null>
  readonly #onChange: (skewMs: number | null) => void
  #last: number | null = null
  #callOff: (() => void) | null = null
  #stopped = false

  /** `skew`: how far the clocks are apart when that is too much, else null. `onChange` hears when that begins and ends. */
  constructor(timing: Timing, skew: () => Promise<number | null>, onChange: (skewMs: number | null) => void) {
    this.#timing = timing
    this.#skew = skew
    this.#onChange = onChange
  }

  start(): void {
    this.#callOff = this.#timing.after(everyMs, () => void this.#look())
  }

  stop(): void {
    this.#stopped = true
    this.#callOff?.()
  }

  async #look(): Promise<void> {
    const skew = await this.#skew().catch(() => this.#last)
    if (this.#stopped) return
    const changed = (skew === null) !== (this.#last === null)
    this.#last = skew
    if (changed) this.#onChange(skew)
    this.start()
  }
}
