/** What is told of scenarios that were played: lines for people, data for machines. */
import type { LoadedPack } from '../../rules/model.ts'
import { type Coverage, type RuleCoverage, uncoveredGuardrails } from './coverage.ts'
import type { Failure } from './judge-step.ts'
import { instantMsWords } from './play-by-play.ts'
import type { Played, PlayedScenario } from './play-scenarios.ts'
import type { ScenarioResult } from './run-scenario.ts'

/** Most names of scenarios that a rule is told with. */
export const namesMax = 20

/**
 * How a scenario went. One line when it passed; for a failure the first difference: where, what was expected, what came, and why,
 * with every candidate of the step. Which other lines differ is told behind it.
 */
export function resultLines(
  { scenario, failures }: Pick<ScenarioResult, 'scenario' | 'failures'>,
  zone: string,
): readonly string[] {
  const { name, file } = scenario
  const [first, ...others] = failures
  if (first === undefined) return [`✓ ${name}`]
  const lines = [...new Set(others.map(({ line }) => line))].join(', ')
  return [
    `✗ ${name} (${file})`,
    ...differenceLines(file, first, zone),
    ...(others.length === 0 ? [] : [`    and ${others.length} more, of what is expected in line ${lines}`]),
  ]
}

function differenceLines(
  file: string,
  { line, step, at, about, expected, came, why, candidates }: Failure,
  zone: string,
): readonly string[] {
  return [
    `    ${file}:${line} ${about}, after step ${step.number} (${step.label}, ${instantMsWords(at, zone)})`,
    `      expected  ${expected}`,
    `      came      ${came}`,
    ...why.map((sentence) => `      ${sentence}`),
    ...candidates.map((sentence) => `      ${sentence}`),
  ]
}

/** A scenario that was played, as data. */
export function resultData({ scenario, failures }: ScenarioResult) {
  const { file, name } = scenario
  return {
    file,
    name,
    passed: failures.length === 0,
    failures: failures.map(({ line, step, at, about, expected, came, why, candidates }) => ({
      line,
      step: step.number,
      input: step.label,
      at: new Date(at).toISOString(),
      about,
      expected,
      came,
      why,
      candidates,
    })),
  }
}

/** What `runData` gives. */
export type RunData = ReturnType<typeof runData>

/** A whole run as data, for machines; its shape is kept. `isJudged`: whether all scenarios were played, so that coverage is judged. */
export function runData({ model, hash }: LoadedPack, played: Played, isJudged: boolean) {
  return {
    pack: model.name,
    hash,
    passed: played.passed,
    failed: played.failed,
    stopped: played.isStopped,
    scenarios: played.results.map((result) => ({ ...resultData(result), ms: roundedMs(result) })),
    coverage: {
      judged: isJudged,
      uncovered: isJudged
        ? uncoveredGuardrails(played.coverage).map(({ id, lacks }) => ({ guardrail: id, lacks }))
        : [],
      rules: played.coverage.map(ruleData),
    },
  }
}

/** Whether a run is as it has to be: no scenario failed and, where coverage is judged, no guardrail lacks one. */
export function isPassed({ failed, coverage }: RunData): boolean {
  return failed === 0 && coverage.uncovered.length === 0
}

/** What is told of a guardrail that not all is known of. */
export function uncoveredLines(coverage: Coverage): readonly string[] {
  return uncoveredGuardrails(coverage).map(({ id, place, lacks }) => {
    const where = place === null ? '' : ` (${place.file}:${place.line})`
    const missing = lacks.map((lack) => missingWords[lack]).join(', and ')
    return `guardrail ${id}${where}: ${missing}`
  })
}

const missingWords = {
  firing: 'no scenario in which it stops a candidate',
  'non-firing': 'no scenario in which it knows all it asks about and lets a candidate pass',
} as const

function ruleData({ kind, id, place, fired, heldBack }: RuleCoverage) {
  return {
    kind,
    id,
    file: place?.file ?? null,
    line: place?.line ?? null,
    fired: fired.length,
    heldBack: heldBack.length,
    firedIn: fired.slice(0, namesMax),
    heldBackIn: heldBack.slice(0, namesMax),
  }
}

function roundedMs({ ms }: PlayedScenario): number {
  return Math.round(ms * 10) / 10
}
