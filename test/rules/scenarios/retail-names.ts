/** What scenarios are read against in tests: the shipped pack. */
import assert from 'node:assert/strict'
import { loadPack } from '../../../rules/load-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { readScenarios } from '../../../rules/scenarios/read-scenarios.ts'
import { namesOf } from '../../../rules/scenarios/reading.ts'
import type { Scenario } from '../../../rules/scenarios/scenario.ts'
import { retailBank } from '../patched-pack.ts'

const loaded = await loadPack(retailBank)
assert(loaded.kind === 'ok')

/** The shipped pack. */
export const retailPack: LoadedPack = loaded.pack

const names = namesOf(retailPack.model)

/** Problems of a scenario's text as `line code`. */
export function problemsOf(text: string): readonly string[] {
  return readScenarios(text, 'story.yaml', names).problems.map(({ line, code }) => `${line} ${code}`)
}

/** Problems of a scenario's text in full. */
export function messagesOf(text: string): readonly string[] {
  return readScenarios(text, 'story.yaml', names).problems.map(({ rule, message }) => `${rule}: ${message}`)
}

/** The scenarios of a sound text. */
export function scenariosOf(text: string): readonly Scenario[] {
  const { scenarios, problems } = readScenarios(text, 'story.yaml', names)
  assert.deepEqual(problems, [])
  return scenarios
}

/** The one scenario of a text that has no table. */
export function scenarioOf(text: string): Scenario {
  const [scenario, ...others] = scenariosOf(text)
  assert(scenario !== undefined && others.length === 0)
  return scenario
}

/** A text of steps with the head that every file has; the first step is in line 4. */
export function story(...steps: readonly string[]): string {
  return ['name: a story', 'start: 2026-03-02T10:00+08:00', 'steps:', ...steps.map((step) => `  - ${step}`), ''].join(
    '\n',
  )
}
