/** How busy the simulated day is, as a line of blocks, one for each half hour. */
import { perMinute } from '../workload/day-curve.ts'
import type { Paint } from './terminal.ts'

const blocks = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█']
const minutesEach = 30

/** Draws the day up to a minute (0 to 1440) bright and the rest dim; 48 columns wide. */
export function dayLine(minute: number, paint: Paint): string {
  const counts = perMinute(100_000)
  const heights: number[] = []
  for (let from = 0; from < counts.length; from += minutesEach)
    heights.push(Math.max(...counts.subarray(from, from + minutesEach)))
  // Bursts are many times as high as the busiest hour: the root keeps both in sight.
  const highest = Math.sqrt(Math.max(...heights))
  const line = heights.map((height) => blocks[Math.ceil((Math.sqrt(height) / highest) * (blocks.length - 1))] ?? ' ')
  const here = Math.min(Math.floor(minute / minutesEach), line.length - 1)
  const past = line.slice(0, here).join('')
  const now = minute >= 1440 ? paint('cyan', line[here] ?? '') : paint('inverse', line[here] ?? '')
  return `${paint('cyan', past)}${now}${paint('dim', line.slice(here + 1).join(''))}`
}
