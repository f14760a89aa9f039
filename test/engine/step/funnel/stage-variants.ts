/** The funnel with stages taken away: each of them, each pair, and all. */
import type { Filters } from '../../../../engine/step/funnel/run.ts'
import { productionFilters } from '../../../../engine/step/step-context.ts'

const passAll = () => {}
export const stageNames = ['eligibility', 'suitability', 'guardrail', 'contact', 'arbitration'] as const
export type StageName = (typeof stageNames)[number]

/** The production stages without these; what is taken away lets everything pass. */
export function without(stages: readonly StageName[]): Filters {
  return { ...productionFilters, ...Object.fromEntries(stages.map((stage) => [stage, passAll])) }
}

/** Which stages are taken away: none, each one, each pair, all but the scoring, all. */
export const removals: readonly (readonly StageName[])[] = [
  [],
  ...stageNames.map((stage) => [stage]),
  ...stageNames.flatMap((one, i) => stageNames.slice(i + 1).map((other) => [one, other])),
  stageNames.filter((stage) => stage !== 'arbitration'),
  stageNames,
]
