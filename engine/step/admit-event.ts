import { erasureType } from '../../ingest/erasure.ts'
import type { Event } from '../../ingest/event.ts'
import { hash64 } from '../../ingest/hash.ts'
import { overrideType } from '../../ingest/override.ts'
import { type CompiledPack, clockAheadMaxMs, type TypePlan } from '../../rules/compiled.ts'
import type { Slot } from '../state/states.ts'
import { isOverrideRefused } from './apply-override.ts'
import type { EventInput, EventOutcome, StepContext } from './step.ts'

/** How far an event's time may be after its arrival before it counts as a wrong clock. */
export const clockSkewMs = 5_000

const idHash = new Uint32Array(2)

/**
 * Decides whether an event counts. In this order, so that a refused event leaves no trace and can be sent again:
 * `too_late` (older at arrival than the pack's lateness, within which duplicates are recognised), `time_invalid` (further
 * ahead than any clock may be: it could be sent again after its id is forgotten), `wrong_currency`, `override_refused`,
 * `state_too_large`, and last `duplicate`, which remembers the id. Before all of it `erased`: nothing of an erased customer is
 * taken, whenever it was sent; and `poison`: it stopped the shard, or a filter that it has to be asked about is quarantined.
 */
export function admitEvent(
  context: StepContext,
  slot: Slot,
  input: EventInput,
  time: number,
  plan: TypePlan | undefined,
): EventOutcome['status'] {
  const { pack, states } = context
  const { event, acceptedAt } = input
  if (states.erasedAt(slot) > 0) return event.type === erasureType ? 'duplicate' : 'erased'
  if (input.isPoison === true || plan?.refused === true) return 'poison'
  const refusal = refusalOf(pack, event, acceptedAt, time, plan)
  if (refusal !== null) return refusal
  if (event.type === overrideType && isOverrideRefused(pack, event, Math.min(time, acceptedAt), acceptedAt))
    return 'override_refused'
  if (states.isTooLarge(slot)) return 'state_too_large'
  hash64(`${event.source}\0${event.id}`, idHash)
  return states.remember(slot, idHash[0]!, idHash[1]!, acceptedAt) ? 'accepted' : 'duplicate'
}

/** Why an event is refused whoever its customer is; null: it is not. */
export function refusalOf(
  pack: CompiledPack,
  event: Event,
  acceptedAt: number,
  time: number,
  plan: TypePlan | undefined,
): 'too_late' | 'time_invalid' | 'wrong_currency' | null {
  const { model } = pack.loaded
  if (time < acceptedAt - model.latenessMs) return 'too_late'
  if (event.time > acceptedAt + clockAheadMaxMs) return 'time_invalid'
  if (plan?.hasMoney !== true) return null
  const currency = event.data['currency']
  return typeof currency === 'string' && currency !== model.currency ? 'wrong_currency' : null
}

/** When the event counts as having happened: its own time, or its arrival when it claims to be from after that. */
export function eventTimeOf(time: number, acceptedAt: number): number {
  return time > acceptedAt + clockSkewMs ? acceptedAt : time
}
