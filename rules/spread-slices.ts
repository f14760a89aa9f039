/** Spreads work in slices over time, beside other things of its thread. Of the shell: the step is never spread. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Slices } from './slices.ts'

/** How slices are spread. */
export type Slicing = {
  /** A slice ends with the first pause of the work behind so many milliseconds. */
  readonly sliceMs: number
  /** A clock that never runs back, milliseconds. */
  readonly elapsed: () => number
  /** Lets everything else have its turn. */
  readonly pause: () => Promise<void>
  /** Whether to give up, looked at in each pause. */
  readonly isOver: () => boolean
}

/** Does it a slice at a time; null: it was given up. What the work throws is passed on. */
export async function inSlices<Value>(work: Slices<Value>, slicing: Slicing): Promise<Value | null> {
  const { sliceMs, elapsed, pause, isOver } = slicing
  for (;;) {
    const until = elapsed() + sliceMs
    do {
      const step = work.next()
      if (step.done === true) return step.value
    } while (elapsed() < until)
    await pause()
    if (isOver()) return null
  }
}

/** Long rests while it is short work, so that callers hardly notice; when it is long, shorter ones, so that it comes to an end. */
const rest = { firstMs: 10, forMs: 3_000, thenMs: 2 } as const

/** Rests between slices, for a thread that answers callers meanwhile: it compiles for a small part of the time. To be made for each work. */
export function rests(): () => Promise<void> {
  const startedAt = performance.now()
  return () => sleep(performance.now() - startedAt < rest.forMs ? rest.firstMs : rest.thenMs)
}
