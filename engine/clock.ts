/**
 * Time is an object that is passed in. This file is the only one that reads the machine's clock for decisions.
 */

/** Tells the instant, Unix milliseconds. */
export type Clock = {
  readonly kind: 'wall' | 'event'
  now(): number
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
