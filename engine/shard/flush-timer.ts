/** A commit that only stores what was published, or answers that changed nothing, waits so long for company. */
const flushAfterMs = 1_000

/** Says when a commit is due although no input asks for one. */
export class FlushTimer {
  readonly #onDue: () => void
  #due = false
  #timer: NodeJS.Timeout | null = null

  constructor(onDue: () => void) {
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
    this.#timer ??= setTimeout(() => {
      this.#timer = null
      this.#due = true
      this.#onDue()
    }, flushAfterMs).unref()
  }

  /** A commit was applied. */
  done(): void {
    this.#due = false
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
  }
}
