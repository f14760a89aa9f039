/** How busy the bank is over a day: quiet nights, busy hours, and three bursts. */
import type { Random } from './random.ts'

/** What most happens in a minute. */
export type Mood = 'night' | 'day' | 'salary' | 'flash' | 'evening'

const minutes = 1440
/** Relative rate of each hour. */
const hours = [4, 2, 1, 1, 2, 5, 14, 30, 42, 50, 52, 55, 66, 54, 48, 48, 52, 60, 66, 78, 96, 90, 52, 18]
/** Bursts: from (inclusive) to (exclusive) in minutes of the day, and how much busier they are. */
const bursts: readonly { readonly mood: Mood; readonly from: number; readonly to: number; readonly factor: number }[] =
  [
    { mood: 'salary', from: 600, to: 615, factor: 7 },
    { mood: 'flash', from: 720, to: 728, factor: 9 },
    { mood: 'evening', from: 1210, to: 1240, factor: 2.5 },
  ]

/** What most happens at a minute of the day (0 to 1439). */
export function moodAt(minute: number): Mood {
  const burst = bursts.find((one) => minute >= one.from && minute < one.to)
  if (burst !== undefined) return burst.mood
  return minute < 360 || minute >= 1380 ? 'night' : 'day'
}

/** Shares `total` out over the minutes of a day, exactly: running sums, rounded. */
export function perMinute(total: number): Int32Array {
  const weights = Float64Array.from({ length: minutes }, (_, minute) => {
    const factor = bursts.find((one) => minute >= one.from && minute < one.to)?.factor ?? 1
    return (hours[Math.floor(minute / 60)] ?? 1) * factor
  })
  const sum = weights.reduce((a, b) => a + b, 0)
  const counts = new Int32Array(minutes)
  let reached = 0
  let given = 0
  for (let minute = 0; minute < minutes; minute++) {
    reached += weights[minute]!
    const upTo = Math.round((reached / sum) * total)
    counts[minute] = upTo - given
    given = upTo
  }
  return counts
}

/** Instant of the i-th of `count` things in a minute, milliseconds from its start: in order, and not in step. */
export function withinMinute(i: number, count: number, random: Random): number {
  return Math.floor(((i + random.next()) / count) * 60_000)
}
