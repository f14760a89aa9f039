import { Temporal } from 'temporal-polyfill'

const dayMs = 86_400_000
const minuteMs = 60_000
/** Offsets change a few times a year; a search never meets more of them than this. */
const stepsMax = 8

/**
 * The clock on the wall of one time zone. A function of instant and zone alone: offsets come from the time zone database, in which a
 * zone has one from each change of its clocks to the next.
 */
export class LocalClock {
  readonly zone: string
  /** The stretch that was looked at last, and its offset. */
  #from = 1
  #to = 0
  #offset = 0

  /** @param zone IANA name */
  constructor(zone: string) {
    this.zone = zone
  }

  /** Whether `at` lies in the hours from `from` until before `to`, minutes of the local day; over midnight when `to` is not later. */
  isWithin(at: number, from: number, to: number): boolean {
    const local = this.#local(at)
    const time = local - Math.floor(local / dayMs) * dayMs
    const begun = time >= from * minuteMs
    const over = time >= to * minuteMs
    return from < to ? begun && !over : begun || !over
  }

  /**
   * The first instant behind `at`, which lies within the hours, that does not. Where clocks are set forward over the end of the hours
   * that is the moment they are; where they are set back into the hours again, it is the end of those.
   */
  endOf(at: number, from: number, to: number): number {
    let t = at
    for (let step = 0; step < stepsMax; step++) {
      this.#look(t)
      const local = t + this.#offset
      const today = Math.floor(local / dayMs) * dayMs + to * minuteMs
      const end = (today > local ? today : today + dayMs) - this.#offset
      // Within one offset local time runs evenly; behind the next change of the clocks everything is looked at anew.
      t = Math.min(end, this.#to)
      if (!this.isWithin(t, from, to)) return t
    }
    return t
  }

  #local(at: number): number {
    this.#look(at)
    return at + this.#offset
  }

  #look(at: number): void {
    if (this.#from <= at && at < this.#to) return
    const there = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(this.zone)
    this.#offset = there.offsetNanoseconds / 1e6
    // The one before `at + 1 ms`, so that a change at `at` itself counts as begun.
    const before = there.add({ milliseconds: 1 }).getTimeZoneTransition('previous')
    this.#from = before?.epochMilliseconds ?? Number.NEGATIVE_INFINITY
    this.#to = there.getTimeZoneTransition('next')?.epochMilliseconds ?? Number.POSITIVE_INFINITY
  }
}
