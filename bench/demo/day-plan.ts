/** The plan of the simulated day: its slices, and when each is lived. */
import { perMinute } from '../workload/day-curve.ts'
import type { EventMoment, Moment, RawMoment, RequestMoment } from '../workload/moment.ts'

/** A stretch of the simulated day and the wall time it is given. */
export type Stretch = {
  readonly startMs: number
  /** Exclusive. */
  readonly endMs: number
  /** From the beginning of the day, wall milliseconds. */
  readonly wallAtMs: number
  readonly wallMs: number
}

/** What happens in a stretch. */
export type Slice = Stretch & {
  /** Events and broken bytes, in order of arrival. */
  readonly arriving: readonly (EventMoment | RawMoment)[]
  /** Live requests, in order; they are asked when everything that arrives is committed. */
  readonly requests: readonly RequestMoment[]
}

const minutesOfDay = 1_440
const minuteMs = 60_000
/** A slice takes about this share of the day's wall time. */
const sliceShare = 1 / 1_000

/**
 * Plans the day. Time passes quicker when little happens: a minute is given wall time by the square root of how busy it is,
 * so that the night is short and a burst can be watched, and is still a burst. Quiet minutes are lived together in a slice,
 * busy ones are cut into several. The slices do not depend on the wall time, so neither do the decisions.
 */
export function planDay(startMs: number, wallMs: number): readonly Stretch[] {
  const weights = Array.from(perMinute(1_000_000), Math.sqrt)
  const sum = weights.reduce((a, b) => a + b, 0)
  const plan: Stretch[] = []
  let from = 0
  let given = 0
  let share = 0
  weights.forEach((weight, minute) => {
    share += weight / sum
    // Up to a quarter short counts as a slice, so that a usual minute is one.
    if (share < sliceShare * 0.75 && minute < minutesOfDay - 1) return
    const parts = Math.max(1, Math.floor(share / sliceShare))
    const at = (part: number): number => startMs + Math.round((from + ((minute + 1 - from) * part) / parts) * minuteMs)
    for (let part = 0; part < parts; part++) {
      const wallAtMs = (given + (share * part) / parts) * wallMs
      plan.push({ startMs: at(part), endMs: at(part + 1), wallAtMs, wallMs: (share / parts) * wallMs })
    }
    from = minute + 1
    given += share
    share = 0
  })
  return plan
}

/** Shares moments, in order of arrival, out to the stretches of a plan. What is later than the last one belongs to it. */
export function* slicesOf(moments: Iterable<Moment>, plan: readonly Stretch[]): Generator<Slice> {
  const source = moments[Symbol.iterator]()
  let next = source.next()
  for (const [index, stretch] of plan.entries()) {
    const arriving: (EventMoment | RawMoment)[] = []
    const requests: RequestMoment[] = []
    while (next.done !== true && (next.value.at < stretch.endMs || index === plan.length - 1)) {
      if (next.value.kind === 'request') requests.push(next.value)
      else arriving.push(next.value)
      next = source.next()
    }
    yield { ...stretch, arriving, requests }
  }
}
