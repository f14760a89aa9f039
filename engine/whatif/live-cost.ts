/** What a step costs the shards lately, processor time, to hold a simulation against. */
export class LiveCost {
  #ms = 0
  #inputs = 0

  /** A batch was stepped. */
  add({
    stepCpuMs,
    events,
    requests,
  }: {
    readonly stepCpuMs: number
    readonly events: number
    readonly requests: number
  }): void {
    this.#ms += stepCpuMs
    this.#inputs += events + requests
    // What is long ago counts less and less.
    if (this.#inputs < inputsMax) return
    this.#ms /= 2
    this.#inputs /= 2
  }

  /** Microseconds of processor time an event or request; null: there was none yet. */
  get us(): number | null {
    return this.#inputs === 0 ? null : (this.#ms * 1_000) / this.#inputs
  }
}

const inputsMax = 200_000
