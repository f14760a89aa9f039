/** What is told of scenarios that were played: lines for people, data for machines. */
import { instantWords } from '../explain/value-words.ts'
import type { Failure } from './judge-step.ts'
import type { ScenarioResult } from './run-scenario.ts'

/** One line that says how it went; for a failure the lines behind it say what was expected, what came, and why. */
export function resultLines({ scenario, failures }: ScenarioResult, zone: string): readonly string[] {
  const { name, file } = scenario
  if (failures.length === 0) return [`✓ ${name}`]
  return [`✗ ${name} (${file})`, ...failures.flatMap((failure) => failureLines(file, failure, zone))]
}

/** The same as data. */
export function resultData({ scenario, failures }: ScenarioResult): Readonly<Record<string, unknown>> {
  const { file, name } = scenario
  return {
    file,
    name,
    passed: failures.length === 0,
    failures: failures.map(({ line, step, at, about, expected, came, why }) => ({
      line,
      step: step.number,
      input: step.label,
      at: new Date(at).toISOString(),
      about,
      expected,
      came,
      why,
    })),
  }
}

function failureLines(
  file: string,
  { line, step, at, about, expected, came, why }: Failure,
  zone: string,
): readonly string[] {
  const ms = at % 1_000
  const instant = `${instantWords(at, zone)}${ms === 0 ? '' : `.${String(ms).padStart(3, '0')}`}`
  return [
    `    ${file}:${line} ${about}, after step ${step.number} (${step.label}, ${instant})`,
    `      expected  ${expected}`,
    `      came      ${came}`,
    ...why.map((sentence) => `      ${sentence}`),
  ]
}
