import { eventTypes } from '../../ingest/event-types.ts'
import { type TraceNode, traceCondition } from '../../rules/cel/trace.ts'
import type { CompiledTrigger } from '../../rules/compiled.ts'
import { explainReason, type Language } from '../../rules/explain-texts.ts'
import { isLawful } from '../../rules/lawful.ts'
import { variablesOf, vocabulariesOf } from '../../rules/pack-vocabulary.ts'
import type { Slot } from '../state/states.ts'
import { eventTimeOf } from '../step/admit-event.ts'
import type { EventInput, EventOutcome, StepContext } from '../step/step.ts'
import { fillFrame } from '../step/triggers.ts'
import { explainDecision } from './explain-decision.ts'
import { instantWords, oneLine } from './value-words.ts'

/** Most parts of one condition that are told; the rest is counted. */
export const partsToldMax = 20

/**
 * What an event led to, in words: whether it counted, for each trigger that waits for its type why it fired or which
 * parts of its condition were not surely true and with which values, and every decision it led to.
 *
 * Ask right after the event was stepped (in a replay of the customer's events up to it): the state in `slot` is read
 * as it stands. Overwrites the context's frame, nothing else.
 */
export function explainEvent(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  outcome: EventOutcome,
  language: Language,
): string[] {
  const { pack } = context
  const { event } = input
  const zone = pack.loaded.model.zone
  const say = phrases[language]
  const lines = [say.header(instantWords(event.time, zone), event.type, event.source, event.customerId, event.id)]
  if (outcome.status === 'duplicate') return [...lines, explainReason('event_duplicate', language)]
  if (outcome.status !== 'accepted')
    return [...lines, explainReason('event_dead_lettered', language, { value: outcome.status })]

  if (outcome.clamped) lines.push(say.clamped(instantWords(input.acceptedAt, zone)))
  if (!isLawful(pack, event.source, input.acceptedAt)) lines.push(say.unlawful(event.source))
  const plan = pack.types.get(event.type)
  const triggers = (plan?.triggerIndex ?? []).flatMap((index) => pack.triggers[index] ?? [])
  if (plan === undefined || triggers.length === 0)
    return [...lines, explainReason('no_trigger_for_event', language, { event: event.type })]

  lines.push(...explainTriggers(context, slot, input, triggers, language))
  for (const decision of outcome.decisions) lines.push('', ...explainDecision(decision, pack.loaded, language))
  return lines
}

/**
 * Why each of these triggers of the event's type fired, or which parts of its condition were not surely true. To be asked
 * like `explainEvent`, of an event that was accepted.
 */
export function explainTriggers(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  triggers: readonly CompiledTrigger[],
  language: Language,
): string[] {
  const { event } = input
  const { pack, run } = context
  const plan = pack.types.get(event.type)
  run.slot = slot
  run.now = input.now
  run.asOf = eventTimeOf(event.time, input.acceptedAt)
  run.lawful = isLawful(pack, event.source, input.acceptedAt)
  fillFrame(context, plan?.triggers.reads ?? [])
  return triggers.flatMap((trigger) => triggerLines(context, trigger, input, language))
}

function triggerLines(
  context: StepContext,
  trigger: CompiledTrigger,
  { event }: EventInput,
  language: Language,
): readonly string[] {
  const { pack, lo, hi } = context
  const { condition } = trigger
  const values = {
    trigger: trigger.id,
    event: event.type,
    ...(condition === null ? {} : { condition: oneLine(condition.source) }),
  }
  if (trigger.quarantined) return [explainReason('trigger_quarantined', language, values)]
  const { window } = trigger
  if (window !== null && !window.isOpen(context.run.asOf)) {
    const opens = window.opensAt(context.run.asOf)
    const { zone } = window.model
    const value = Number.isFinite(opens) ? instantWords(opens, zone) : phrases[language].never
    return [explainReason('trigger_not_in_effect', language, { ...values, value })]
  }
  if (condition === null || condition.must(lo, hi, event.data))
    return [explainReason('trigger_fired', language, values)]
  const unknown = condition.may(lo, hi, event.data)
  const lines = [explainReason(unknown ? 'trigger_condition_unknown' : 'trigger_condition_false', language, values)]
  const vocabularies = vocabulariesOf(variablesOf(pack.loaded.model, eventTypes), eventTypes)
  const trace = traceCondition(condition.source, vocabularies.on(event.type), lo, hi, event.data)
  if (trace.kind !== 'ok') return lines
  const parts = unmetParts(trace.value)
  for (const part of parts.slice(0, partsToldMax)) lines.push(`- ${partWords(part, language)}`)
  if (parts.length > partsToldMax) lines.push(`- ${phrases[language].more(parts.length - partsToldMax)}`)
  return lines
}

/** The smallest parts that were not surely true; a negation of something true is its own smallest part. */
function unmetParts(node: TraceNode): readonly TraceNode[] {
  if (node.answer === 'true') return []
  const within = node.children.flatMap(unmetParts)
  return within.length > 0 ? within : [node]
}

function partWords(part: TraceNode, language: Language): string {
  const values = valuesOf(part)
  const answer = part.answer === 'unknown' ? phrases[language].unknown : phrases[language].notTrue
  return `${part.text}: ${answer}${values === '' ? '' : ` (${values})`}`
}

function valuesOf(part: TraceNode): string {
  if (part.children.length === 0) return part.value ?? ''
  return [...new Set(part.children.map(valuesOf))].filter((text) => text !== '').join(', ')
}

const phrases = {
  en: {
    header: (at: string, type: string, source: string, customer: string, id: string) =>
      `${at}: ${type} of customer ${customer} from ${source} (event ${id}).`,
    clamped: (at: string) => `It claimed a time after its arrival, so it counts as of its arrival, ${at}.`,
    unlawful: (source: string) =>
      `The bank may not use data of the source ${source}: the event added to no feature and set nothing.`,
    never: 'never again',
    notTrue: 'not true',
    unknown: 'not known',
    more: (count: number) => `and ${count} more parts`,
  },
  zh: {
    header: (at: string, type: string, source: string, customer: string, id: string) =>
      `${at}：客户${customer}的事件${type}，来源${source}（事件${id}）。`,
    clamped: (at: string) => `事件所称时间晚于到达时间，按到达时间${at}计。`,
    unlawful: (source: string) => `银行不得使用来源${source}的数据：该事件未计入任何特征，也未设置任何属性。`,
    never: '不再生效',
    notTrue: '不成立',
    unknown: '未知',
    more: (count: number) => `另有${count}处`,
  },
} as const
