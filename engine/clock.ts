/**
 * Time is an object that is passed in. This file is the only one that reads the machine's clock for decisions.
 */

import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'

/** Tells the instant, Unix milliseconds. */
export type Clock = {
  readonly kind: 'wall' | 'event'
  now(): number
}

/** Waiting, and measuring how long: on the machine's timers, or on those of a simulation. */
export type Timing = {
  /** Milliseconds since some instant, never running backwards. */
  elapsed(): number
  sleep(ms: number): Promise<void>
  /** Runs something later, without keeping the process alive for it. Returns how to call it off. */
  after(ms: number, run: () => void): () => void
  /** Runs something once the inputs of this turn of the event loop have come in. */
  soon(run: () => void): void
}

/** The machine's timers. */
export const machineTiming: Timing = {
  elapsed: () => performance.now(),
  sleep: (ms) => sleep(ms),
  after: (ms, run) => {
    const timer = setTimeout(run, ms).unref()
    return () => clearTimeout(timer)
  },
  soon: (run) => void setImmediate(run),
}

/** The machine's clock. */
export const wallClock: Clock = { kind: 'wall', now: () => Date.now() }

/** A clock that stands where the last event put it: imports of old data, the demo, scenarios. */
export type EventClock = Clock & {
  /** Moves forward to an instant; never back. */
  advance(toMs: number): void
}

export function eventClock(startMs: number): EventClock {
  let atMs = startMs
  return {
    kind: 'event',
    now: () => atMs,
    advance: (toMs) => {
      if (toMs > atMs) atMs = toMs
    },
  }
}
