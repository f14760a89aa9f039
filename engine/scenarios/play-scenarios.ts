/** Plays all scenarios of a pack, one after the other: for the command line, for the workshop, for tests. */
import { setImmediate as breathe } from 'node:timers/promises'
import type { LoadedPack } from '../../rules/model.ts'
import type { Scenario } from '../../rules/scenarios/scenario.ts'
import { type Coverage, coverageOf } from './coverage.ts'
import { createPlayer, type ScenarioResult, type StepOnlooker } from './run-scenario.ts'

/** A scenario that was played, and how long that took. */
export type PlayedScenario = ScenarioResult & {
  /** Milliseconds of the machine's clock. */
  readonly ms: number
}

/** What came of all of them. */
export type Played = {
  /** In the order they were given; fewer than given when it was stopped. */
  readonly results: readonly PlayedScenario[]
  readonly passed: number
  readonly failed: number
  /** Whether the signal stopped it before the last one. */
  readonly isStopped: boolean
  /** Which rules of the pack those that were played have met; `uncoveredGuardrails` judges it, once all scenarios of a pack were played. */
  readonly coverage: Coverage
}

/**
 * Plays scenarios against a pack, compiled once. `onResult` hears of each as soon as it is done; it may abort the signal, such as at the
 * first failure. Others of the same thread get their turn between two scenarios.
 *
 * @param signal stops before the next scenario
 * @param onStep hears of each step, for who tells a story play by play
 */
export async function playScenarios(
  pack: LoadedPack,
  scenarios: readonly Scenario[],
  onResult: (result: PlayedScenario) => void,
  signal: AbortSignal,
  onStep?: StepOnlooker,
): Promise<Played> {
  const play = createPlayer(pack, onStep)
  const results: PlayedScenario[] = []
  for (const scenario of scenarios) {
    if (signal.aborted) break
    const startedAt = performance.now()
    const result = { ...play(scenario), ms: performance.now() - startedAt }
    results.push(result)
    onResult(result)
    await breathe()
  }
  return playedOf(pack, results, scenarios.length)
}

/** What results come to. `wanted`: how many scenarios there are. */
export function playedOf({ model }: LoadedPack, results: readonly PlayedScenario[], wanted: number): Played {
  const failed = results.filter(({ failures }) => failures.length > 0).length
  return {
    results,
    passed: results.length - failed,
    failed,
    isStopped: results.length < wanted,
    coverage: coverageOf(model, results),
  }
}
