/** Why an offer was made or not, in sentences for whoever reads a scenario that failed. */
import type { ScenarioStep } from '../../rules/scenarios/scenario.ts'
import type { Decision, Fate } from '../../sinks/decision.ts'
import { fateWords } from '../explain/explain-decision.ts'
import { explainTriggers } from '../explain/explain-event.ts'
import type { Came, ScenarioBank } from './scenario-bank.ts'

/** Most repeats of a step whose fates are told. */
const fatesMax = 3

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

function whyNoCandidate(
  bank: ScenarioBank,
  step: ScenarioStep,
  came: readonly Came[],
  offer: string,
): readonly string[] {
  const last = came.findLast((one) => one.kind === 'event')
  if (last === undefined) {
    const request = came.some((one) => one.kind === 'request')
    return request ? [`${offer} was no candidate: its channels or its content type do not fit the placement.`] : []
  }
  if (last.status !== 'accepted') return []
  const { context } = bank
  const { pack } = context
  const { type } = last.input.event
  const triggers = (pack.types.get(type)?.triggerIndex ?? []).flatMap((index) => {
    const trigger = pack.triggers[index]
    const proposes = trigger?.offers.some((position) => pack.offers[position]?.id === offer)
    return trigger === undefined || proposes !== true ? [] : [trigger]
  })
  if (triggers.length === 0) return [`${offer} was no candidate: no trigger on ${type} proposes it.`]
  const lines = bank.look(step.customerId, (slot) => explainTriggers(context, slot, last.input, triggers, 'en'))
  return [`${offer} was no candidate:`, ...lines]
}
