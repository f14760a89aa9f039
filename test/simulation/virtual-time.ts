/** Time of a simulation: it stands still until everything that can happen at an instant has happened. */
import type { Timing } from '../../engine/clock.ts'

type Due = { readonly at: number; readonly order: number; readonly run: () => void; off: boolean }

export class VirtualTime {
  #now = 0
  #order = 0
  readonly #heap: Due[] = []

  /** Milliseconds since the simulation began. */
  get now(): number {
    return this.#now
  }

  /** Runs something later; of two at one instant the one asked for first. Returns how to call it off. */
  after(ms: number, run: () => void): () => void {
    const due: Due = { at: this.#now + Math.max(0, ms), order: this.#order++, run, off: false }
    this.#push(due)
    return () => {
      due.off = true
    }
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => void this.after(ms, resolve))
  }

  /** Moves on event by event until the condition holds or the time is over; false: it was over first. */
  async run(until: number, isDone: () => boolean = () => false): Promise<boolean> {
    await settled()
    while (!isDone()) {
      const next = this.#heap[0]
      if (next === undefined || next.at > until) {
        this.#now = until
        return isDone()
      }
      this.#pop()
      if (next.off) continue
      this.#now = next.at
      next.run()
      await settled()
    }
    return true
  }

  #push(due: Due): void {
    const heap = this.#heap
    heap.push(due)
    for (let i = heap.length - 1; i > 0; ) {
      const parent = (i - 1) >> 1
      if (!before(heap[i], heap[parent])) break
      swap(heap, i, parent)
      i = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    heap[0] = last
    for (let i = 0; ; ) {
      const left = 2 * i + 1
      const right = left + 1
      let least = i
      if (left < heap.length && before(heap[left], heap[least])) least = left
      if (right < heap.length && before(heap[right], heap[least])) least = right
      if (least === i) return
      swap(heap, i, least)
      i = least
    }
  }
}

/** The timers of one node: they stand still while it is paused and never fire once it is dead. */
export function nodeTiming(time: VirtualTime, deliver: (run: () => void) => void): Timing {
  const after = (ms: number, run: () => void) => time.after(ms, () => deliver(run))
  return {
    elapsed: () => time.now,
    sleep: (ms) => new Promise((resolve) => void after(ms, resolve)),
    after,
    soon: (run) => void after(0, run),
  }
}

/** Everything that needs no more time has happened: a macrotask begins only when no microtask is left. */
function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve))
}

function before(a: Due | undefined, b: Due | undefined): boolean {
  if (a === undefined || b === undefined) return false
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}

function swap(heap: Due[], i: number, k: number): void {
  const one = heap[i]
  const other = heap[k]
  if (one === undefined || other === undefined) return
  heap[i] = other
  heap[k] = one
}
