/** Why an offer was made or not, in sentences for whoever reads a scenario that failed. */
import type { CompiledTrigger } from '../../rules/compiled.ts'
import type { ScenarioStep } from '../../rules/scenarios/scenario.ts'
import type { Decision, Fate } from '../../sinks/decision.ts'
import { fateWords } from '../explain/explain-decision.ts'
import { explainTriggers } from '../explain/explain-event.ts'
import type { Came, ScenarioBank } from './scenario-bank.ts'

/** Most repeats of a step whose fates are told. */
const fatesMax = 3
/** Most lines on triggers that were silent. */
const linesMax = 12

/**
 * For each offer how far it came: stage and reason of its fates, or why it was no candidate. For an event these are the triggers
 * that could have proposed it, as of the last event of the step; so ask before anything else happens.
 */
export function whyNot(
  bank: ScenarioBank,
  step: ScenarioStep,
  came: readonly Came[],
  offers: readonly string[],
): readonly string[] {
  return [...new Set(offers)].flatMap((offer) => {
    const fates = fatesOf(
      bank,
      came.flatMap((one) => one.decisions),
      (fate) => fate.offer === offer && fate.stage !== 'offered',
    )
    return fates.length > 0 ? fates : whyNoCandidate(bank, step, came, offer)
  })
}

/** How the offers were chosen; all that were, when none is named. */
export function whyOffered(
  bank: ScenarioBank,
  decisions: readonly Decision[],
  offers: readonly string[] | null = null,
): readonly string[] {
  return fatesOf(
    bank,
    decisions,
    (fate) => fate.stage === 'offered' && (offers === null || offers.includes(fate.offer)),
  )
}

function fatesOf(
  bank: ScenarioBank,
  decisions: readonly Decision[],
  holds: (fate: Fate) => boolean,
): readonly string[] {
  const { model } = bank.context.pack.loaded
  const told = decisions.flatMap((decision) =>
    decision.fates.filter(holds).map((fate) => {
      const words = fateWords(decision, fate, model, 'en')
      if (fate.stage === 'offered') return `${fate.offer} was offered: ${words}`
      const codes = [fate.reason, ...(fate.rule === null ? [] : [fate.rule])].join(', ')
      return `${fate.offer} ended at ${fate.stage} (${codes}): ${words}`
    }),
  )
  const once = [...new Set(told)]
  return once.length > fatesMax ? [...once.slice(0, fatesMax), `and ${once.length - fatesMax} more like it`] : once
}

/** Why an event led to no decision at all: what each trigger of its type lacked. Nothing is said of a step without an event. */
export function whySilent(bank: ScenarioBank, step: ScenarioStep, came: readonly Came[]): readonly string[] {
  const last = lastEvent(came)
  if (last === null) return []
  const triggers = triggersOf(bank, last, () => true)
  const { type } = last.input.event
  if (triggers.length === 0) return [`No trigger waits for ${type}.`]
  const lines = silenceLines(bank, step, last, triggers)
  return lines.length > linesMax ? [...lines.slice(0, linesMax), `and ${lines.length - linesMax} lines more`] : lines
}

function whyNoCandidate(
  bank: ScenarioBank,
  step: ScenarioStep,
  came: readonly Came[],
  offer: string,
): readonly string[] {
  if (!came.some((one) => one.kind === 'event')) {
    const request = came.some((one) => one.kind === 'request')
    return request ? [`${offer} was no candidate: its channels or its content type do not fit the placement.`] : []
  }
  const last = lastEvent(came)
  if (last === null) return []
  const { pack } = bank.context
  const triggers = triggersOf(bank, last, ({ offers }) =>
    offers.some((position) => pack.offers[position]?.id === offer),
  )
  if (triggers.length === 0) return [`${offer} was no candidate: no trigger on ${last.input.event.type} proposes it.`]
  return [`${offer} was no candidate:`, ...silenceLines(bank, step, last, triggers)]
}

type EventCame = Extract<Came, { kind: 'event' }>

/** The last event of a step, if it counted. */
function lastEvent(came: readonly Came[]): EventCame | null {
  const last = came.findLast((one) => one.kind === 'event')
  return last?.status === 'accepted' ? last : null
}

function triggersOf(
  { context: { pack } }: ScenarioBank,
  { input }: EventCame,
  isMeant: (trigger: CompiledTrigger) => boolean,
): readonly CompiledTrigger[] {
  const all = pack.types.get(input.event.type)?.triggerIndex ?? []
  return all.flatMap((index) => pack.triggers[index] ?? []).filter(isMeant)
}

function silenceLines(
  bank: ScenarioBank,
  step: ScenarioStep,
  { input }: EventCame,
  triggers: readonly CompiledTrigger[],
): readonly string[] {
  return bank.look(step.customerId, (slot) => explainTriggers(bank.context, slot, input, triggers, 'en'))
}
