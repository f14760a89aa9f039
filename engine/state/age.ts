import { Temporal } from 'temporal-polyfill'
import type { Calendar } from './calendar.ts'

const DAY = 86_400_000
const HALF_A_DAY = DAY / 2

/** Ages in whole years, by the calendar of one zone. */
export class Ages {
  readonly #zone: string
  readonly #calendar: Calendar
  /** The local day asked about last: its first instant, its date, the offset of the zone then. */
  #start = Number.NaN
  #year = 0
  #monthDay = 0
  #offset = 0

  constructor(zone: string, calendar: Calendar) {
    this.#zone = zone
    this.#calendar = calendar
  }

  /**
   * Whole years from the day of birth to the local day of `now`; negative for a birth to come. Who was born on 29 February grows
   * older on 1 March of common years.
   *
   * @param birth the start of the day of birth in the zone, Unix milliseconds. The offset of the zone may have been another one then
   *   (daylight saving, laws), so half a day is given: up to 12 hours beside the start it is still that day. Beyond, the next day is
   *   taken, which makes nobody older than they are. A zone that crossed the date line since the birth is a day off.
   */
  years(birth: number, now: number): number {
    const start = this.#calendar.startOf('day', now)
    if (start !== this.#start) this.#today(start)
    const days = Math.floor((birth + this.#offset + HALF_A_DAY) / DAY)
    // From days to a date: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
    const z = days + 719_468
    const era = Math.floor(z / 146_097)
    const dayOfEra = z - era * 146_097
    const yearOfEra = Math.floor(
      (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
    )
    const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
    const shifted = Math.floor((5 * dayOfYear + 2) / 153)
    const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1
    const month = shifted < 10 ? shifted + 3 : shifted - 9
    const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    return this.#year - year - (this.#monthDay < month * 100 + day ? 1 : 0)
  }

  #today(start: number): void {
    const local = Temporal.Instant.fromEpochMilliseconds(start).toZonedDateTimeISO(this.#zone)
    this.#start = start
    this.#year = local.year
    this.#monthDay = local.month * 100 + local.day
    this.#offset = local.offsetNanoseconds / 1_000_000
  }
}
