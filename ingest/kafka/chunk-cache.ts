import { performance } from 'node:perf_hooks'
import type { MessageChunk } from './message-chunk.ts'

/** A fetched chunk and what it covers: every record from `from` up to `next`. */
export type KeptChunk = { readonly chunk: MessageChunk; readonly from: number; readonly next: number }

/**
 * Last chunks fetched, one a partition: a read that stops at its limit is mostly followed by one that goes on there. Old
 * ones are not served, as a topic may be made anew; when full the oldest go.
 */
export class ChunkCache {
  readonly #keepMs: number
  readonly #bytesMax: number
  readonly #kept = new Map<string, KeptChunk & { readonly until: number }>()
  #bytes = 0

  constructor(options: { readonly keepMs: number; readonly bytesMax: number }) {
    this.#keepMs = options.keepMs
    this.#bytesMax = options.bytesMax
  }

  /** The chunk of a partition when it covers the offset. */
  get(key: string, offset: number): KeptChunk | null {
    const kept = this.#kept.get(key)
    if (kept === undefined || offset < kept.from || offset >= kept.next) return null
    if (performance.now() <= kept.until) return kept
    this.#drop(key)
    return null
  }

  set(key: string, kept: KeptChunk): void {
    this.#drop(key)
    this.#kept.set(key, { ...kept, until: performance.now() + this.#keepMs })
    this.#bytes += kept.chunk.bytes
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= this.#bytesMax) return
      this.#drop(oldest)
    }
  }

  #drop(key: string): void {
    this.#bytes -= this.#kept.get(key)?.chunk.bytes ?? 0
    this.#kept.delete(key)
  }
}
