import { ByteWriter } from './bytes.ts'

/** Runs of one batch at first; grows by doubling, and a batch is bounded. */
const START_RUNS = 1024

/**
 * What was changed in one open batch of a partition: operations in one buffer, each slot's as a chain of runs in typed arrays.
 * Nothing is made for a customer, and all of it is used again for the next batch.
 */
export class PatchLog {
  readonly writer = new ByteWriter()
  /** Instants are written as differences to this one: the first instant of the batch. */
  reference = -1
  #starts = new Uint32Array(START_RUNS)
  #ends = new Uint32Array(START_RUNS)
  #next = new Int32Array(START_RUNS)
  #runs = 0
  #mark = 0

  /** Starts over. */
  reset(): void {
    this.writer.at = 0
    this.reference = -1
    this.#runs = 0
  }

  /** Remembers where the next operation starts. */
  mark(): void {
    this.#mark = this.writer.at
  }

  /**
   * What was written since `mark` goes to the chain whose last run is `last` (-1: a new chain); into the same run when nothing
   * came between. Returns the run.
   */
  extend(last: number): number {
    const end = this.writer.at
    if (last !== -1 && this.#ends[last] === this.#mark) {
      this.#ends[last] = end
      return last
    }
    if (this.#runs === this.#starts.length) this.#grow()
    const run = this.#runs++
    this.#starts[run] = this.#mark
    this.#ends[run] = end
    this.#next[run] = -1
    if (last !== -1) this.#next[last] = run
    return run
  }

  /** Bytes of the chain that starts with run `first`. */
  lengthOf(first: number): number {
    let length = 0
    for (let run = first; run !== -1; run = this.#next[run]!) length += this.#ends[run]! - this.#starts[run]!
    return length
  }

  /** Copies the chain to `into` from `offset`; returns where it ended. */
  copy(first: number, into: Uint8Array, offset: number): number {
    const bytes = this.writer.bytes
    let at = offset
    for (let run = first; run !== -1; run = this.#next[run]!) {
      const end = this.#ends[run]!
      for (let i = this.#starts[run]!; i < end; i++) into[at++] = bytes[i]!
    }
    return at
  }

  #grow(): void {
    const size = this.#starts.length * 2
    const starts = new Uint32Array(size)
    const ends = new Uint32Array(size)
    const next = new Int32Array(size)
    starts.set(this.#starts)
    ends.set(this.#ends)
    next.set(this.#next)
    this.#starts = starts
    this.#ends = ends
    this.#next = next
  }
}
