/** Asks the history in SQL what the demo has counted itself. */
import type { History } from '../../sinks/history/history.ts'
import type { Counts } from './tally.ts'

export type HistoryAnswers =
  | { readonly kind: 'absent'; readonly why: string }
  | {
      readonly kind: 'answered'
      readonly decisions: number
      /** The guardrails that stopped most, at most five. */
      readonly stops: Counts
      /** Decisions that left although the rules forbade them: none, by everything that was recorded. */
      readonly forbidden: number
    }

export const decisionsSql = 'SELECT count() AS n FROM decisions'
export const stopsSql =
  'SELECT rule, sum(stops) AS n FROM stops_by_guardrail GROUP BY rule ORDER BY n DESC, rule LIMIT 5'
export const forbiddenSql = 'SELECT count() AS n FROM forbidden_decisions'

/** Waits until everything is copied, at most `withinMs`, then asks these questions. Never throws: history is not the demo. */
export async function askHistory(history: History, withinMs: number): Promise<HistoryAnswers> {
  if (history.status().state === 'off') return absent(history, 'History is off here.')
  if (!(await history.flush(withinMs))) {
    const behind = history.status().lagRecords
    return absent(history, `History was not complete after ${withinMs / 1000} s (${behind} records behind).`)
  }
  const decisions = await rows(history, decisionsSql)
  const stops = await rows(history, stopsSql)
  const forbidden = await rows(history, forbiddenSql)
  if (decisions === null || stops === null || forbidden === null) return absent(history, 'History did not answer.')
  return {
    kind: 'answered',
    decisions: Number(decisions[0]?.['n'] ?? 0),
    forbidden: Number(forbidden[0]?.['n'] ?? -1),
    stops: stops.map((row) => [String(row['rule']), Number(row['n'])] as const),
  }
}

function absent(history: History, otherwise: string): HistoryAnswers {
  return { kind: 'absent', why: history.status().sentence ?? otherwise }
}

async function rows(history: History, sql: string): Promise<readonly Readonly<Record<string, unknown>>[] | null> {
  const answer = await history.query(sql, 'json')
  if (answer.kind !== 'ok') return null
  return answer.text
    .split('\n')
    .filter((line) => line !== '')
    .map((line): Record<string, unknown> => JSON.parse(line))
}
