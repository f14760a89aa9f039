/** A step of a scenario as it was played: what happened, what it led to, and what came out as expected. */
import type { Model } from '../../rules/model.ts'
import type { ScenarioStep } from '../../rules/scenarios/scenario.ts'
import type { Decision } from '../../sinks/decision.ts'
import { instantWords } from '../explain/value-words.ts'
import { candidateWords } from './candidates.ts'
import { answerWords, type Failure } from './judge-step.ts'
import type { Came, ScenarioBank } from './scenario-bank.ts'

/** Most decisions of a step that are told. */
const decisionsMax = 20

/** The lines of a step. To be asked right after it was judged. */
export function stepLines(
  { context, now }: ScenarioBank,
  step: ScenarioStep,
  came: readonly Came[],
  failures: readonly Failure[],
): readonly string[] {
  const { pack } = context
  const { zone } = pack.loaded.model
  const decisions = came.flatMap((one) => one.decisions)
  const refused = came.flatMap((one) => (one.kind === 'event' && one.status !== 'accepted' ? [one.status] : []))
  const told = decisions
    .slice(0, decisionsMax)
    .flatMap((decision) => [
      `  ${decision.placement}: ${answerWords(decision)}${dueWords(decision, zone)}`,
      ...decision.fates.map((fate) => `    ${fate.offer}: ${candidateWords(pack, decision, fate)}`),
    ])
  return [
    `${instantMsWords(now, zone)}  ${stepWords(step)}`,
    ...refused.map((status) => `  not counted: ${status}`),
    ...told,
    ...(decisions.length > decisionsMax ? [`  and ${decisions.length - decisionsMax} more decisions`] : []),
    ...step.expectations.map(({ line, checks }) => {
      const wrong = failures.filter(
        (failure) => failure.line === line || checks.some((one) => one.line === failure.line),
      )
      const about = checks.map(({ kind }) => kind).join(', ')
      return wrong.length === 0
        ? `  ✓ line ${line}: ${about}`
        : `  ✗ line ${line}: ${wrong.map(({ expected, came: got }) => `expected ${expected}, came ${got}`).join('; ')}`
    }),
  ]
}

/** An instant in the bank's zone, with the milliseconds where there are some. */
export function instantMsWords(at: number, zone: Model['zone']): string {
  const ms = at % 1_000
  return `${instantWords(at, zone)}${ms === 0 ? '' : `.${String(ms).padStart(3, '0')}`}`
}

function stepWords({ number, line, label, inputs, customerId }: ScenarioStep): string {
  const times = inputs.length > 1 ? ` (${inputs.length} times)` : ''
  return number === 0
    ? `known at the start: ${label}`
    : `step ${number}, line ${line}: ${label}${times}${inputs.length > 0 ? ` of ${customerId}` : ''}`
}

/** When the message of a decision may leave at the latest, and what it takes back. */
function dueWords({ notAfter, held, recalls, outcome }: Decision, zone: string): string {
  const until = notAfter > 0 && outcome === 'offered' ? [`valid until ${instantMsWords(notAfter, zone)}`] : []
  const waits = held.map(({ trigger, at }) => `${trigger} waits until ${instantMsWords(at, zone)}`)
  const backs = recalls.length > 0 ? ['about an earlier decision'] : []
  const all = [...until, ...waits, ...backs]
  return all.length === 0 ? '' : ` (${all.join('; ')})`
}
