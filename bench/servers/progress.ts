/** How far a contender is. Its process tells; the parent looks at clocks and CPU when it hears. */
import { sharedNow } from '../latency/gc-watch.ts'

/** What a contender tells of itself. */
export type Progress = {
  /** `drained`: everything it had counted has left, the answer to `drain`. `ended`: the last one. */
  readonly kind: 'progress' | 'drained' | 'ended'
  /** When it was so, ms of the clock all processes share. */
  readonly at: number
  /** Events that are done with. */
  readonly events: number
  /** Running sums of its own, such as batches and milliseconds. */
  readonly sums: Readonly<Record<string, number>>
  /** Next offset by partition, as far as it knows. */
  readonly next: Readonly<Record<number, number>>
}

const tellEveryMs = 20

/** Counts in a contender's process, and tells its parent. */
export class ProgressTeller {
  #events = 0
  readonly #sums: Record<string, number> = {}
  readonly #next: Record<number, number> = {}
  readonly #timer: NodeJS.Timeout

  /** @param drain resolves when everything counted has left */
  constructor(drain: () => Promise<void>) {
    this.#timer = setInterval(() => this.#tell('progress'), tellEveryMs)
    process.on('message', (message) => {
      if (message === 'drain') void drain().then(() => this.#tell('drained'))
    })
  }

  /** Events of a partition are done with, up to and without the offset `next`. */
  done(events: number, partition: number, next: number): void {
    this.#events += events
    this.#next[partition] = Math.max(next, this.#next[partition] ?? 0)
  }

  add(name: string, value: number): void {
    this.#sums[name] = (this.#sums[name] ?? 0) + value
  }

  /** Tells where it stopped for good, and nothing more. */
  end(): Promise<void> {
    clearInterval(this.#timer)
    return new Promise((resolve) => this.#tell('ended', resolve))
  }

  #tell(kind: Progress['kind'], sent: () => void = () => {}): void {
    const message: Progress = { kind, at: sharedNow(), events: this.#events, sums: this.#sums, next: this.#next }
    // The callback comes when it is out: a process that ends before takes it along.
    process.send?.(message, undefined, undefined, sent)
  }
}

/** Lines about what goes on, on standard error: the result stands alone on standard output. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}
