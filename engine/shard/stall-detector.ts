import type { ShardWork } from './rule-board.ts'

/** Between two looks, milliseconds. */
export const lookEveryMs = 200

/** An instant on the monotonic clock, and how long this process has computed by then, all threads together; milliseconds. */
export type Computed = { readonly elapsedMs: number; readonly cpuMs: number }

/**
 * Tells a shard that computes without an end from one that works, waits, or stands still. A shard is stalled when it was at one and the
 * same input while the process computed for the limit. A process or a machine that was suspended, a thread in a debugger and a
 * machine without time for us compute nothing meanwhile, and one look never counts for more than two looks' time.
 */
export class StallDetector {
  readonly #limitMs: number
  #last: Computed | null = null
  /** By shard: what it was at, and for how long. */
  readonly #stuck = new Map<number, { readonly beats: number; readonly forMs: number }>()

  constructor(limitMs: number) {
    this.#limitMs = limitMs
  }

  /** The shards, by their place, that are stalled. Each is told once; then its time begins anew. */
  look(works: readonly Pick<ShardWork, 'isBusy' | 'beats'>[], now: Computed): readonly number[] {
    const last = this.#last ?? now
    this.#last = now
    const passed = Math.min(now.elapsedMs - last.elapsedMs, now.cpuMs - last.cpuMs, 2 * lookEveryMs)
    return works.flatMap(({ isBusy, beats }, shard) => {
      const before = this.#stuck.get(shard)
      const forMs = isBusy && before?.beats === beats ? before.forMs + passed : 0
      const isStalled = forMs >= this.#limitMs
      if (!isBusy || isStalled) this.#stuck.delete(shard)
      else this.#stuck.set(shard, { beats, forMs })
      return isStalled ? [shard] : []
    })
  }
}
