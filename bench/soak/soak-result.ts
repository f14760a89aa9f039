import { type BenchResult, machine } from '../report.ts'

export const rowColumns = [
  'second',
  'p99 ms',
  'rss MB',
  'heap MB',
  'external MB',
  'buffers MB',
  'cache MB',
  'log MB',
  'store MB',
] as const

/** What was seen at the end of ten seconds. `rss` is of the whole process, its threads included; heap and buffers of main. */
export type Row = Readonly<Record<(typeof rowColumns)[number], number>>

/** What has to stay flat. */
const judged = ['rss MB', 'heap MB', 'external MB', 'cache MB', 'log MB', 'store MB'] as const

/** Ratios of the last third's mean to the middle third's, and slopes over both. */
export function soakResult(rows: readonly Row[], more: Readonly<Record<string, number>>): BenchResult {
  const ratios: Record<string, number> = {}
  const figures: Record<string, number> = {}
  const third = Math.floor(rows.length / 3)
  const middle = rows.slice(third, 2 * third)
  const last = rows.slice(2 * third)
  for (const name of judged) {
    ratios[`${name}: last third over middle third`] = mean(last, name) / mean(middle, name)
    figures[`${name}: at the end`] = rows.at(-1)?.[name] ?? Number.NaN
    figures[`${name}: slope a minute over the last two thirds`] = slope(rows.slice(third), name) * 60
  }
  figures['p99 ms: middle third, mean'] = mean(middle, 'p99 ms')
  figures['p99 ms: last third, mean'] = mean(last, 'p99 ms')
  return { name: 'soak', ratios, figures: { ...figures, ...more }, machine: machine() }
}

type Column = (typeof rowColumns)[number]

function mean(rows: readonly Row[], name: Column): number {
  return rows.reduce((sum, row) => sum + row[name], 0) / rows.length
}

/** Least squares, units a second. */
function slope(rows: readonly Row[], name: Column): number {
  const x = mean(rows, 'second')
  const y = mean(rows, name)
  let above = 0
  let below = 0
  for (const row of rows) {
    above += (row.second - x) * (row[name] - y)
    below += (row.second - x) ** 2
  }
  return above / below
}
