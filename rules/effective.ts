/** When a rule is in effect: from and until an instant, or in hours of some days of the week. Outside of it the rule is as one that is not there. */
import { Temporal } from 'temporal-polyfill'

/** A window as data. Half-open throughout: the first instant is in it, the last is not. At least one part is there in a checked pack. */
export type EffectiveModel = {
  /** First instant, Unix milliseconds; null: from ever. */
  readonly fromMs: number | null
  /** First instant behind it; null: for ever. */
  readonly untilMs: number | null
  /**
   * Days (1 Monday to 7 Sunday) on which it begins, from minute `from` of the local day until before minute `to` (1440: the end of the day); over
   * midnight when `to` is not later. Null: at any hour.
   */
  readonly weekly: { readonly days: readonly number[]; readonly from: number; readonly to: number } | null
  /** IANA zone in which days and hours are meant. */
  readonly zone: string
}

/** So many days ahead a weekly window begins again, also when the clocks leave one of its days out. */
const lookAheadDays = 15

/**
 * A window as rules ask it. A function of instant and model alone; it remembers the stretch that was looked at last, so that an instant
 * beside the last one costs two comparisons.
 *
 * Where clocks change, the hours of a day begin and end at the instants at which the wall shows them: an hour that is left out is
 * left out, an hour that comes twice is in it twice, and a beginning or end that the wall never shows moves behind the gap.
 */
export class EffectiveWindow {
  readonly model: EffectiveModel
  #from = 1
  #to = 0
  #isOpen = false

  constructor(model: EffectiveModel) {
    this.model = model
  }

  /** Whether the rule is in effect at an instant. */
  isOpen(at: number): boolean {
    this.#look(at)
    return this.#isOpen
  }

  /** The first instant from `at` on at which it is in effect, `at` itself if it is; Infinity: never again. */
  opensAt(at: number): number {
    this.#look(at)
    return this.#isOpen ? at : this.#to
  }

  /** The first instant from `at` on at which it is not, `at` itself if it is not; Infinity: it always will be. */
  closesAt(at: number): number {
    this.#look(at)
    return this.#isOpen ? this.#to : at
  }

  #look(at: number): void {
    if (this.#from <= at && at < this.#to) return
    const { fromMs, untilMs } = this.model
    const first = fromMs ?? Number.NEGATIVE_INFINITY
    const last = untilMs ?? Number.POSITIVE_INFINITY
    if (at >= last) {
      this.#isOpen = false
      this.#from = at
      this.#to = Number.POSITIVE_INFINITY
      return
    }
    const hours = this.#hoursFrom(Math.max(at, first))
    const start = Math.max(hours.start, first)
    const end = Math.min(hours.end, last)
    this.#isOpen = start <= at && at < end
    this.#from = at
    if (this.#isOpen) this.#to = end
    else this.#to = start < last ? start : Number.POSITIVE_INFINITY
  }

  /** The stretch of weekly hours that `at` is in, else the next one. */
  #hoursFrom(at: number): { readonly start: number; readonly end: number } {
    const { weekly, zone } = this.model
    if (weekly === null) return { start: Number.NEGATIVE_INFINITY, end: Number.POSITIVE_INFINITY }
    const today = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate()
    let found: { start: number; end: number } | null = null
    for (let ahead = -1; ahead <= lookAheadDays; ahead++) {
      const day = today.add({ days: ahead })
      if (!weekly.days.includes(day.dayOfWeek)) continue
      const start = instantOf(day, weekly.from, zone)
      const end = instantOf(weekly.to > weekly.from ? day : day.add({ days: 1 }), weekly.to, zone)
      if (end <= at || end <= start) continue
      // Hours of two days that meet are one stretch.
      if (found === null) found = { start, end }
      else if (start <= found.end) found.end = Math.max(found.end, end)
      else break
    }
    return found ?? { start: Number.POSITIVE_INFINITY, end: Number.POSITIVE_INFINITY }
  }
}

/** The window of a rule; null: it is always in effect. */
export function windowOfRule(model: EffectiveModel | undefined): EffectiveWindow | null {
  return model === undefined ? null : new EffectiveWindow(model)
}

/** Whether two windows are the same, or both none: then neither rule is in effect without the other. */
export function sameWindow(a: EffectiveModel | undefined, b: EffectiveModel | undefined): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function instantOf(day: Temporal.PlainDate, minute: number, zone: string): number {
  const whole = minute === 1_440
  const date = whole ? day.add({ days: 1 }) : day
  const plainTime = { hour: whole ? 0 : Math.floor(minute / 60), minute: whole ? 0 : minute % 60 }
  return date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(plainTime) }).epochMilliseconds
}
