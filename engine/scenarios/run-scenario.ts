/** Plays scenarios against a pack, on a virtual clock. */
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { Scenario, ScenarioStep } from '../../rules/scenarios/scenario.ts'
import { openCodecs } from '../../sinks/codecs.ts'
import { type Failure, judgeStep } from './judge-step.ts'
import { type RuleMet, RulesMet } from './rules-met.ts'
import { type Came, createBankParts, ScenarioBank } from './scenario-bank.ts'

/** How a scenario came out; without failures it passed. */
export type ScenarioResult = {
  readonly scenario: Scenario
  /** In the order of the steps, the first `failuresMax` of them. */
  readonly failures: readonly Failure[]
  /** The rules of the pack that it met. */
  readonly met: readonly RuleMet[]
}

/** Hears of each step right after it was judged; what is looked up of the bank then is what it was. */
export type StepOnlooker = (
  scenario: Scenario,
  step: ScenarioStep,
  seen: { readonly bank: ScenarioBank; readonly came: readonly Came[]; readonly failures: readonly Failure[] },
) => void

/** Most failures that are told of a scenario. */
export const failuresMax = 20

/**
 * Makes the function that plays a scenario: a bank of its own, every step in order of time, each judged by its expectations before
 * the next one. The same scenario and pack give the same result, always. One scenario at a time: they share their memory.
 */
export function createPlayer(
  loaded: LoadedPack,
  onStep: StepOnlooker = () => {},
): (scenario: Scenario) => ScenarioResult {
  const pack = compilePack(loaded)
  const parts = createBankParts(pack, openCodecs({ kind: 'own' }))
  return (scenario) => {
    const rules = new RulesMet(pack)
    const bank = new ScenarioBank(parts, scenario, (customerId, came) => rules.see(bank, customerId, came))
    const failures: Failure[] = []
    bank.passTime(scenario.startAt)
    for (const step of scenario.steps) {
      const came = playStep(bank, step)
      const found = judgeStep(bank, step, came)
      failures.push(...found)
      onStep(scenario, step, { bank, came, failures: found })
    }
    return { scenario, failures: failures.slice(0, failuresMax), met: rules.met }
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
