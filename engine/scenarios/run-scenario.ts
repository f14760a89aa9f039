/** Plays scenarios against a pack, on a virtual clock. */
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { Scenario, ScenarioStep } from '../../rules/scenarios/scenario.ts'
import { openCodecs } from '../../sinks/codecs.ts'
import { type Failure, judgeStep } from './judge-step.ts'
import { type Came, ScenarioBank } from './scenario-bank.ts'

/** How a scenario came out; without failures it passed. */
export type ScenarioResult = { readonly scenario: Scenario; readonly failures: readonly Failure[] }

/** Most failures that are told of a scenario. */
export const failuresMax = 20

/**
 * Makes the function that plays a scenario: a bank of its own, every step in order of time, each judged by its expectations before
 * the next one. The same scenario and pack give the same result, always.
 */
export function createPlayer(loaded: LoadedPack): (scenario: Scenario) => ScenarioResult {
  const pack = compilePack(loaded)
  const codecs = openCodecs({ kind: 'own' })
  return (scenario) => {
    const bank = new ScenarioBank(pack, codecs, scenario)
    const failures: Failure[] = []
    bank.passTime(scenario.startAt)
    for (const step of scenario.steps) {
      const came = playStep(bank, step)
      failures.push(...judgeStep(bank, step, came))
    }
    return { scenario, failures: failures.slice(0, failuresMax) }
  }
}

/** What falls due on the way, and what comes of the inputs, in order of time. */
function playStep(bank: ScenarioBank, step: ScenarioStep): readonly Came[] {
  const came: Came[] = []
  for (const input of step.inputs) {
    came.push(...bank.passTime(input.at))
    came.push(bank.take(input))
  }
  came.push(...bank.passTime(step.until))
  return came
}
