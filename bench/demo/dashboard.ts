/** The panel below the stories: figures of the day so far. */
import { dayLine } from './day-line.ts'
import type { LatencyMs } from './latency.ts'
import type { Counts, TallyView } from './tally.ts'
import type { Paint } from './terminal.ts'
import { clip, column, milliseconds, whole } from './text-lines.ts'

export type Snapshot = {
  /** Time of the simulated day, `08:12`. */
  readonly clock: string
  /** Minute of the simulated day, 0 to 1440. */
  readonly minute: number
  readonly received: number
  readonly expected: number
  readonly perSecond: number
  readonly perSecondMax: number
  readonly deadLettered: number
  readonly duplicates: number
  readonly tally: TallyView
  readonly latency: LatencyMs
  /** Highest latency of the last moment. */
  readonly recentMaxMs: number
}

/** Lines of the panel without its two tables. */
const fixedLines = 8

/** The panel in lines of at most `width` columns; the tables take what `height` leaves, at most eight lines. */
export function dashboard(
  now: Snapshot,
  size: { readonly width: number; readonly height: number },
  paint: Paint,
): string[] {
  const { width } = size
  const { tally, latency } = now
  const { offered, fallback, none } = tally.byOutcome
  const label = (text: string): string => paint('dim', text.padEnd(11))
  const ms = (value: number): string => `${milliseconds(value)} ms`
  const fact = (name: string, head: string, rest: string): string =>
    `${label(name)}${paint('bold', head.padStart(9))}  ${clip(rest, width - 22)}`
  const title = ` ${now.clock} of a simulated day `
  const rows = Math.max(0, Math.min(8, size.height - fixedLines - 4))
  return [
    `${paint('dim', '──')}${paint('bold', title)}${paint('dim', '─'.repeat(Math.max(0, width - title.length - 2)))}`,
    `${label('busy hours')}${dayLine(now.minute, paint)}`,
    fact(
      'events',
      whole(now.received),
      `of ${whole(now.expected)}; now ${whole(now.perSecond)}/s, at most ${whole(now.perSecondMax)}/s`,
    ),
    fact(
      'decisions',
      whole(tally.decisions),
      `${whole(offered)} offered, ${whole(fallback)} safe default, ${whole(none)} nothing`,
    ),
    fact('latency', ms(latency.p50), `p50; p99 ${ms(latency.p99)}; slowest just now ${ms(now.recentMaxMs)}`),
    fact('set aside', whole(now.deadLettered), `dead letters; ${whole(now.duplicates)} came twice and counted once`),
    ...tables(tally, { width, rows }, paint),
  ]
}

function tables(
  tally: TallyView,
  size: { readonly width: number; readonly rows: number },
  paint: Paint,
): readonly string[] {
  if (size.rows === 0) return []
  const left = Math.floor((size.width - 2) * 0.42)
  const right = size.width - 2 - left
  const caps = tally.byCap.map(([cap, count]) => [`cap ${cap}`, count] as const)
  const stops: Counts = [...tally.byGuardrail, ...caps].sort(([, m], [, n]) => n - m)
  const lines = [`${paint('dim', column('OFFERED', left))}  ${paint('dim', 'STOPPED BY')}`]
  for (let i = 0; i < size.rows; i++) {
    const row = `${cell(tally.byOffer[i], left)}  ${cell(stops[i], right)}`
    if (row.trim() !== '') lines.push(row)
  }
  return lines
}

function cell(entry: Counts[number] | undefined, width: number): string {
  if (entry === undefined) return ' '.repeat(width)
  const [name, count] = entry
  const figure = whole(count)
  return `${column(name, width - figure.length - 1)} ${figure}`
}
