import type { Event } from '../../ingest/event.ts'
import { overrideType } from '../../ingest/override.ts'
import type { CompiledOverride, CompiledPack } from '../../rules/compiled.ts'
import { isLawful } from '../../rules/lawful.ts'
import type { Slot, States } from '../state/states.ts'
import type { StepContext } from './step.ts'

/**
 * Whether an override may not be: the pack does not have the guardrail or lets nobody open it, the role is another one,
 * it ends before it begins or lasts longer than the pack allows, or its source may not be used. Taking one back only needs
 * a guardrail that can be open.
 *
 * @param heard when it is to begin, Unix milliseconds
 * @param acceptedAt when the event arrived
 */
export function isOverrideRefused(pack: CompiledPack, event: Event, heard: number, acceptedAt: number): boolean {
  if (!isLawful(pack, event.source, acceptedAt)) return true
  const override = overrideOf(pack, event)
  if (override === null) return true
  const { revoked, role, until } = event.data
  if (revoked === true) return false
  if (role !== override.role || typeof until !== 'number') return true
  return until <= heard || until - heard > override.atMostMs
}

/**
 * Opens a guardrail for the customer from `heard` until the event says, or closes it again. It is kept like a suppression:
 * one that ends later wins, and to shorten one it is taken back and given anew. One that is taken back in its own millisecond
 * ends with it.
 */
export function applyOverride(pack: CompiledPack, states: States, slot: Slot, event: Event, heard: number): void {
  const override = overrideOf(pack, event)
  const { revoked, until } = event.data
  if (override === null) return
  if (revoked === true) endOverride(states, slot, override, heard)
  else if (typeof until === 'number') states.suppress(slot, override.key, heard, until)
}

/** The part of an override event that closes: what it takes back ends, also of an event that does not count. Nothing for other events. */
export function takeBackOverride(
  context: Pick<StepContext, 'pack' | 'states'>,
  slot: Slot,
  event: Event,
  heard: number,
): void {
  if (event.type !== overrideType || event.data['revoked'] !== true) return
  const override = overrideOf(context.pack, event)
  if (override !== null) endOverride(context.states, slot, override, heard)
}

/**
 * Ends what was opened at or before an instant. An event that closes a guardrail anew does so too: the override was given
 * for what was known then.
 */
export function endOverride(states: States, slot: Slot, override: CompiledOverride, at: number): void {
  states.lift(slot, override.key, at)
  // A lift leaves what began at its own instant, as a suppression has to; an override must not outlast what ends it.
  states.lift(slot, override.key, at + 1)
}

function overrideOf(pack: CompiledPack, event: Event): CompiledOverride | null {
  const { guardrail } = event.data
  return typeof guardrail === 'string' ? (pack.overridable.get(guardrail)?.override ?? null) : null
}
