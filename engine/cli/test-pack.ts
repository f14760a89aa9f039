/** `proffer test PACK`: do the scenarios of this rule pack come out as its authors expect? */
import { loadPack } from '../../rules/load-pack.ts'
import { formatProblems, type PackProblem } from '../../rules/pack-problem.ts'
import { loadScenarios } from '../../rules/scenarios/load-scenarios.ts'
import { resultData, resultLines } from '../scenarios/report.ts'
import { createPlayer, type ScenarioResult } from '../scenarios/run-scenario.ts'

export type TestFlags = {
  /** Only scenarios whose name or file holds this text, in any case; null: all. */
  readonly filter: string | null
  readonly json: boolean
}

/**
 * Plays every scenario of a pack and prints one line each, for a failure what was expected and what came. Touches no
 * installation. Exit code 0: all passed, 1: one failed, 2: the pack or a scenario file is refused, or no scenario is meant.
 */
export async function testPack(folder: string, { filter, json }: TestFlags): Promise<number> {
  const pack = await loadPack(folder)
  if (pack.kind === 'refused') return refused('pack', pack.problems, json)
  const { model, hash } = pack.pack
  const loaded = await loadScenarios(folder, model)
  if (loaded.kind === 'refused') return refused('scenarios', loaded.problems, json)
  const scenarios = loaded.scenarios.filter(({ name, file }) => isMeant(filter, [name, file]))
  if (scenarios.length === 0) {
    process.stderr.write(`None of the ${loaded.scenarios.length} scenarios has "${filter}" in its name or file.\n`)
    return 2
  }
  const play = createPlayer(pack.pack)
  const results: ScenarioResult[] = []
  for (const scenario of scenarios) {
    const result = play(scenario)
    results.push(result)
    if (!json) process.stdout.write(`${resultLines(result, model.zone).join('\n')}\n`)
  }
  const failed = results.filter(({ failures }) => failures.length > 0).length
  const passed = results.length - failed
  if (json) {
    const answer = { pack: model.name, hash, passed, failed, scenarios: results.map(resultData) }
    process.stdout.write(`${JSON.stringify(answer)}\n`)
  } else {
    process.stdout.write(`${passed} passed, ${failed} failed\n`)
  }
  return failed === 0 ? 0 : 1
}

function isMeant(filter: string | null, texts: readonly string[]): boolean {
  return filter === null || texts.some((text) => text.toLowerCase().includes(filter.toLowerCase()))
}

function refused(what: 'pack' | 'scenarios', problems: readonly PackProblem[], json: boolean): number {
  if (json) {
    process.stdout.write(`${JSON.stringify({ refused: what, problems })}\n`)
  } else {
    process.stdout.write(`${formatProblems(problems)}\n`)
    process.stderr.write(
      `\nThe ${what === 'pack' ? 'pack is' : 'scenarios are'} refused: ${problems.length} problem(s).\n`,
    )
  }
  return 2
}
