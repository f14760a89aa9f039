import { decodeOutbox } from './outbox.ts'
import type { Applied } from './shards.ts'

/** Statuses other than `accepted` are remembered for so many events, the oldest forgotten first. */
const exceptionsMax = 8_192

/** Who waits for an event of one partition to be committed, and what became of the events of late. */
export class AppliedWaiters {
  readonly #waiting = new Map<number, Set<(status: Applied) => void>>()
  readonly #exceptions = new Map<number, Applied>()
  #next = 0

  /** Calls back once the offset is committed, at once when it is already. Returns how to stop waiting. */
  wait(offset: number, callback: (status: Applied) => void): () => void {
    if (offset < this.#next) {
      callback(this.#statusOf(offset))
      return () => {}
    }
    const callbacks = this.#waiting.get(offset) ?? new Set()
    callbacks.add(callback)
    this.#waiting.set(offset, callbacks)
    return () => {
      callbacks.delete(callback)
      if (callbacks.size === 0 && this.#waiting.get(offset) === callbacks) this.#waiting.delete(offset)
    }
  }

  /** Remembers which events of a committed outbox value were not accepted. */
  note(value: Uint8Array): void {
    const { duplicates, deadLetters } = decodeOutbox(value)
    for (const offset of duplicates) this.#exceptions.set(offset, 'duplicate')
    for (const { offset, reason } of deadLetters) this.#exceptions.set(offset, reason)
    while (this.#exceptions.size > exceptionsMax) {
      const oldest = this.#exceptions.keys().next()
      if (oldest.done === true) break
      this.#exceptions.delete(oldest.value)
    }
  }

  /** Everything below `next` is committed, and noted. */
  moved(next: number): void {
    const from = this.#next
    this.#next = Math.max(from, next)
    if (this.#waiting.size === 0) return
    if (next - from <= this.#waiting.size) for (let offset = from; offset < next; offset++) this.#tell(offset)
    else for (const offset of [...this.#waiting.keys()].filter((one) => one < next)) this.#tell(offset)
  }

  #statusOf(offset: number): Applied {
    return this.#exceptions.get(offset) ?? 'accepted'
  }

  #tell(offset: number): void {
    const callbacks = this.#waiting.get(offset)
    if (callbacks === undefined) return
    this.#waiting.delete(offset)
    for (const callback of callbacks) callback(this.#statusOf(offset))
  }
}
