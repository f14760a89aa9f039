/** From the answers of the history to a table of learned propensities, and to the rows that people read. */
import { z } from 'zod'
import { countMax, type LearnedFatigue, type LoadedLearned, learnedOf } from '../../rules/learned-table.ts'
import type { LoadedPack, OutcomeModel } from '../../rules/model.ts'
import { isLearned } from '../../rules/terms.ts'
import { fatigueOf, fatigueQuery, openedRow } from './fatigue.ts'
import { learnQuery } from './learn-query.ts'

const answerRow = z.object({
  offer: z.string(),
  segment: z.string(),
  successes: z.number(),
  failures: z.number(),
  pending: z.number(),
  asOf: z.number(),
})

/** What is known of an offer in a segment. */
export type LearnedRow = {
  readonly model: string
  readonly offer: string
  readonly segment: string
  readonly successes: number
  readonly failures: number
  /** Offers whose window is not over: they count for nothing yet. */
  readonly pending: number
  /** Mean and standard deviation of the success rate with the prior of the pack; null when the pack has no such offer any more. */
  readonly rate: { readonly mean: number; readonly deviation: number } | null
  /** Whether the mean is below the offer's floor, which is then what it is mostly offered by. */
  readonly belowFloor: boolean
}

/**
 * Asks the history about every model of a pack, and about every channel that may tire.
 *
 * @param ask runs a read-only statement and gives its rows as JSON, one a line
 * @param days how far back decisions are looked at
 */
export async function learnFromHistory(
  pack: LoadedPack,
  days: number,
  ask: (sql: string) => Promise<string>,
): Promise<{ readonly learned: LoadedLearned; readonly rows: readonly LearnedRow[] }> {
  const rows: LearnedRow[] = []
  let asOf = 0
  for (const model of pack.model.models) {
    const lines = (await ask(learnQuery(model, days))).split('\n').filter((line) => line !== '')
    for (const line of lines) {
      const answer = answerRow.parse(JSON.parse(line))
      asOf = Math.max(asOf, answer.asOf)
      rows.push(rowOf(pack, model, answer))
    }
  }
  const fatigue: LearnedFatigue[] = []
  for (const rule of pack.model.fatigue) {
    const [line = ''] = (await ask(fatigueQuery(rule))).split('\n')
    const tired = line === '' ? null : fatigueOf(rule, openedRow.parse(JSON.parse(line)))
    if (tired !== null) fatigue.push(tired)
  }
  const cells = rows
    .filter(({ successes, failures }) => successes + failures > 0)
    .map(({ model, offer, segment, successes, failures }) => ({
      model,
      offer,
      segment,
      successes: Math.min(successes, countMax),
      failures: Math.min(failures, countMax),
    }))
  return { learned: learnedOf({ format: 'proffer-learned-1', asOf, packHash: pack.hash, cells, fatigue }), rows }
}

function rowOf(
  { model: { offers } }: LoadedPack,
  { id: model }: OutcomeModel,
  { offer, segment, successes, failures, pending }: z.infer<typeof answerRow>,
): LearnedRow {
  const counts = { model, offer, segment, successes, failures, pending }
  const propensity = offers.find((candidate) => candidate.id === offer)?.propensity
  if (propensity === undefined || !isLearned(propensity) || propensity.learned.model !== model)
    return { ...counts, rate: null, belowFloor: false }
  const { prior, floor } = propensity.learned
  const a = prior[0] + successes
  const b = prior[1] + failures
  const mean = a / (a + b)
  const deviation = Math.sqrt((mean * (1 - mean)) / (a + b + 1))
  return { ...counts, rate: { mean, deviation }, belowFloor: mean < floor }
}
