import { Temporal } from 'temporal-polyfill'

/** A calendar period in the bank's zone; weeks start on Monday (ISO 8601). */
export type Period = 'day' | 'week' | 'month'

/** Periods remembered for each kind: evaluations alternate between few (the newest, and those of late events). */
const REMEMBERED = 16

/** Starts of calendar periods of one zone. */
export class Calendar {
  readonly #zone: string
  readonly #known: Record<Period, { starts: Float64Array; ends: Float64Array; next: number; last: number }>

  /** @param zone IANA name */
  constructor(zone: string) {
    this.#zone = zone
    const known = () => ({
      starts: new Float64Array(REMEMBERED).fill(1),
      ends: new Float64Array(REMEMBERED),
      next: 0,
      last: 0,
    })
    this.#known = { day: known(), week: known(), month: known() }
  }

  /** Start of the period that `at` lies in, Unix milliseconds: the first instant of its first local day. */
  startOf(period: Period, at: number): number {
    const known = this.#known[period]
    const { starts, ends, last } = known
    if (starts[last]! <= at && at < ends[last]!) return starts[last]!
    for (let i = 0; i < REMEMBERED; i++) {
      if (starts[i]! <= at && at < ends[i]!) {
        known.last = i
        return starts[i]!
      }
    }
    const i = known.next
    known.next = (i + 1) % REMEMBERED
    known.last = i
    const first = firstDay(this.#zone, period, at)
    starts[i] = startOfDay(this.#zone, first)
    ends[i] = startOfDay(this.#zone, first.add(LENGTHS[period]))
    return starts[i]!
  }
}

const LENGTHS = { day: { days: 1 }, week: { days: 7 }, month: { months: 1 } } as const

function firstDay(zone: string, period: Period, at: number): Temporal.PlainDate {
  const date = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone).toPlainDate()
  if (period === 'week') return date.subtract({ days: date.dayOfWeek - 1 })
  return period === 'month' ? date.with({ day: 1 }) : date
}

/** First instant of a local day: not always midnight, where the clocks change then. */
function startOfDay(zone: string, date: Temporal.PlainDate): number {
  return date.toZonedDateTime(zone).epochMilliseconds
}
