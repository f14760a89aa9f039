/** What `proffer test` prints of a run: each file and scenario with its time, failures again at the end, coverage, a summary. */
import { styleText } from 'node:util'
import { someLines } from '../../rules/some-lines.ts'
import type { Coverage, RuleCoverage } from '../scenarios/coverage.ts'
import type { Played, PlayedScenario } from '../scenarios/play-scenarios.ts'
import { resultLines, uncoveredLines } from '../scenarios/report.ts'
import { ruleKinds } from '../scenarios/rules-met.ts'
import { table } from './print.ts'

/** Most names of scenarios that `--coverage` tells of a rule. */
const namesMax = 3
/** Most rules of a kind that are named as never met. */
const neverMax = 10

/** Colours a text for stdout: nothing unless that is a terminal, and nothing under NO_COLOR. */
export function paint(style: 'green' | 'red' | 'yellow' | 'dim' | 'bold', text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** The scenarios of one file. `told`: lines to tell behind a scenario, such as its play by play. */
export function fileLines(
  file: string,
  results: readonly PlayedScenario[],
  told: (result: PlayedScenario) => readonly string[],
): readonly string[] {
  const failed = results.filter(({ failures }) => failures.length > 0).length
  const counts = failed === 0 ? `${results.length}` : `${results.length}, ${failed} failed`
  const ms = results.reduce((sum, one) => sum + one.ms, 0)
  return [
    `${mark(failed === 0)} ${paint('bold', file)} (${counts}) ${msWords(ms)}`,
    ...results.flatMap((result) => [
      `  ${mark(result.failures.length === 0)} ${result.scenario.name} ${msWords(result.ms)}`,
      ...result.failures
        .slice(0, 1)
        .map(({ line, expected, came }) => paint('red', `    → line ${line}: expected ${expected}, came ${came}`)),
      ...told(result).map((line) => `    ${line}`),
    ]),
  ]
}

/** The failures once more, each with its first difference. `isAll`: however many there are. */
export function failureLines({ results, failed }: Played, zone: string, isAll: boolean): readonly string[] {
  if (failed === 0) return []
  const blocks = results.flatMap((result) => {
    const [head = '', ...lines] = result.failures.length === 0 ? [] : resultLines(result, zone)
    return head === '' ? [] : [['', paint('red', head), ...lines].join('\n')]
  })
  return ['', paint('bold', `Failures ${failed}`), ...someLines(blocks, isAll ? null : '--all')]
}

/** How many rules of each kind were met, and which never; `isFull`: each rule with the scenarios. */
export function coverageLines(coverage: Coverage, isFull: boolean): readonly string[] {
  const rows = ruleKinds.flatMap((kind) => {
    const rules = coverage.filter((rule) => rule.kind === kind)
    if (rules.length === 0) return []
    const fired = rules.filter((rule) => rule.fired.length > 0).length
    const heldBack = rules.filter((rule) => rule.heldBack.length > 0).length
    return [[kind, rules.length, fired, heldBack, rules.filter(isNever).length] as const]
  })
  const never = ruleKinds.flatMap((kind) => {
    const rules = coverage.filter((rule) => rule.kind === kind && isNever(rule)).map(({ id }) => id)
    const more = rules.length > neverMax ? `, and ${rules.length - neverMax} more` : ''
    return rules.length === 0 ? [] : [`never met: ${kind} ${rules.slice(0, neverMax).join(', ')}${more}`]
  })
  const counts = table(['coverage', 'rules', 'fired', 'held back', 'never'], rows)
  return ['', ...counts.split('\n'), ...never, ...(isFull ? coverage.flatMap(ruleLines) : [])]
}

/** Guardrails that fail the run. `isAll`: however many there are. */
export function uncoveredReport(coverage: Coverage, isAll: boolean): readonly string[] {
  const lines = uncoveredLines(coverage).map((line) => `${mark(false)} ${line}`)
  return lines.length === 0 ? [] : ['', ...someLines(lines, isAll ? null : '--all')]
}

/** The counts at the end. */
export function summaryLines(
  played: Played,
  ms: { readonly all: number; readonly playing: number },
): readonly string[] {
  const files = [...Map.groupBy(played.results, ({ scenario }) => scenario.file).values()]
  const failed = files.filter((results) => results.some(({ failures }) => failures.length > 0)).length
  return [
    '',
    `Files      ${counted(files.length - failed, failed)}`,
    `Scenarios  ${counted(played.passed, played.failed)}`,
    `Duration   ${seconds(ms.all)} (scenarios ${seconds(ms.playing)})`,
    ...(played.isStopped ? [paint('yellow', 'Stopped before the last scenario.')] : []),
  ]
}

function ruleLines({ kind, id, place, fired, heldBack }: RuleCoverage): readonly string[] {
  const where = place === null ? '' : paint('dim', ` (${place.file}:${place.line})`)
  return ['', `${kind} ${id}${where}`, `  fired      ${namesOf(fired)}`, `  held back  ${namesOf(heldBack)}`]
}

function namesOf(names: readonly string[]): string {
  if (names.length === 0) return paint('yellow', 'in no scenario')
  const more = names.length > namesMax ? `; and ${names.length - namesMax} more` : ''
  return `${names.length}: ${names.slice(0, namesMax).join('; ')}${more}`
}

function isNever({ fired, heldBack }: RuleCoverage): boolean {
  return fired.length === 0 && heldBack.length === 0
}

function mark(isPassed: boolean): string {
  return isPassed ? paint('green', '✓') : paint('red', '✗')
}

function counted(passed: number, failed: number): string {
  const words = [paint('green', `${passed} passed`), ...(failed > 0 ? [paint('red', `${failed} failed`)] : [])]
  return `${words.join(', ')} (${passed + failed})`
}

function msWords(ms: number): string {
  return paint('dim', `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`)
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(2)} s`
}
