/** A run of scenarios as JUnit XML, the form that CI servers read. */
import type { LoadedPack } from '../../rules/model.ts'
import { uncoveredGuardrails } from './coverage.ts'
import type { Played, PlayedScenario } from './play-scenarios.ts'
import { resultLines, uncoveredLines } from './report.ts'

type Case = {
  readonly name: string
  readonly seconds: number
  readonly message: string | null
  readonly detail: string
}

/**
 * One suite a scenario file, one case a scenario. `isJudged`: all scenarios were played, so that there is also a suite `coverage` with a
 * case for each guardrail.
 */
export function junitXml({ model }: LoadedPack, played: Played, isJudged: boolean): string {
  const files = Map.groupBy(played.results, ({ scenario }) => scenario.file)
  const suites = [...files].map(([file, results]) =>
    suite(
      file,
      results.map((result) => caseOf(result, model.zone)),
    ),
  )
  if (isJudged) suites.push(suite('coverage', coverageCases(played)))
  const body = suites.map(({ xml }) => xml).join('\n')
  const tests = suites.reduce((sum, { size }) => sum + size, 0)
  const failures = suites.reduce((sum, { failures: some }) => sum + some, 0)
  const counts = `tests="${tests}" failures="${failures}" errors="0" time="${secondsOf(played.results)}"`
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="${escaped(model.name)}" ${counts}>\n${body}\n</testsuites>\n`
}

function caseOf(result: PlayedScenario, zone: string): Case {
  const [first] = result.failures
  const message = first === undefined ? null : `line ${first.line}: expected ${first.expected}, came ${first.came}`
  return {
    name: result.scenario.name,
    seconds: result.ms / 1_000,
    message,
    detail: resultLines(result, zone).join('\n'),
  }
}

function coverageCases({ coverage }: Played): readonly Case[] {
  const uncovered = new Map(
    uncoveredGuardrails(coverage).map(({ id }, i) => [id, uncoveredLines(coverage)[i] ?? id] as const),
  )
  return coverage
    .filter(({ kind }) => kind === 'guardrail')
    .map(({ id }) => {
      const message = uncovered.get(id) ?? null
      return { name: id, seconds: 0, message, detail: message ?? '' }
    })
}

function suite(
  name: string,
  cases: readonly Case[],
): { readonly xml: string; readonly size: number; readonly failures: number } {
  const failures = cases.filter(({ message }) => message !== null).length
  const time = cases.reduce((sum, { seconds }) => sum + seconds, 0).toFixed(3)
  const lines = cases.map(({ name: own, seconds, message, detail }) => {
    const head = `    <testcase classname="${escaped(name)}" name="${escaped(own)}" time="${seconds.toFixed(3)}"`
    if (message === null) return `${head}/>`
    return `${head}>\n      <failure message="${escaped(message)}">${escaped(detail)}</failure>\n    </testcase>`
  })
  const counts = `tests="${cases.length}" failures="${failures}" errors="0" time="${time}"`
  return {
    xml: [`  <testsuite name="${escaped(name)}" ${counts}>`, ...lines, '  </testsuite>'].join('\n'),
    size: cases.length,
    failures,
  }
}

function secondsOf(results: readonly PlayedScenario[]): string {
  return (results.reduce((sum, { ms }) => sum + ms, 0) / 1_000).toFixed(3)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
}

/** Text for an attribute or an element. What XML cannot hold becomes a question mark. */
function escaped(text: string): string {
  return text
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replace(/[&<>"\n]/g, (character) => entities[character] ?? character)
}
