import type { Timing } from '../clock.ts'

/** A commit that only stores what was published, or answers that changed nothing, waits so long for company. */
const flushAfterMs = 1_000

/** Says when a commit is due although no input asks for one. */
export class FlushTimer {
  readonly #timing: Timing
  readonly #onDue: () => void
  #due = false
  #callOff: (() => void) | null = null

  constructor(timing: Timing, onDue: () => void) {
    this.#timing = timing
    this.#onDue = onDue
  }

  get due(): boolean {
    return this.#due
  }

  /** Due from now on. */
  now(): void {
    this.#due = true
  }

  /** Due in a second, unless a commit comes before. */
  later(): void {
    this.#callOff ??= this.#timing.after(flushAfterMs, () => {
      this.#callOff = null
      this.#due = true
      this.#onDue()
    })
  }

  /** A commit was applied. */
  done(): void {
    this.#due = false
  }

  stop(): void {
    this.#callOff?.()
    this.#callOff = null
  }
}
