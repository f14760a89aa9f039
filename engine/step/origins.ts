import type { Event } from '../../ingest/event.ts'
import type { TypePlan } from '../../rules/compiled.ts'
import { isLawful } from '../../rules/lawful.ts'
import { consentKey, sourceKey } from '../../rules/source-table.ts'
import type { Slot } from '../state/states.ts'
import type { StepContext } from './step.ts'

/** Type of the events by which a customer takes data back, or allows it again. */
export const consentType = 'consent.updated'
/** What was counted may have happened so much after it was taken (`clockSkewMs`): a revocation has to reach it. */
const reachMs = 5_000

/**
 * Whether data of an event may be used when it arrives: its source is lawful, and the customer has taken back neither the source nor the
 * consent it was collected under.
 */
export function isUsable({ pack, states }: StepContext, slot: Slot, event: Event, acceptedAt: number): boolean {
  if (!isLawful(pack, event.source, acceptedAt)) return false
  const { key } = pack.sources.get(event.source) ?? { key: sourceKey(event.source) }
  if (states.isRevoked(slot, key)) return false
  const { consentId } = event.provenance
  return consentId === null || !states.isRevoked(slot, consentKey(consentId))
}

/** Notes where data came from that an event brought into the state. */
export function noteOrigin(
  { pack, states }: StepContext,
  slot: Slot,
  event: Event,
  time: number,
  plan: TypePlan,
): void {
  const { key } = pack.sources.get(event.source) ?? { key: sourceKey(event.source) }
  states.feed(slot, key, plan.key, time)
  const { consentId } = event.provenance
  if (consentId !== null) states.feed(slot, consentKey(consentId), plan.key, time)
}

/**
 * A customer takes back the consent that data was collected under, or all data of a source, or allows it again. What was collected before is
 * unknown from now on; allowed again is only what comes later. Taking back always holds, as it only closes.
 * @param at the later of the event's time and its arrival
 * @param allows whether the event may open
 */
export function applyRevocation({ states }: StepContext, slot: Slot, event: Event, at: number, allows: boolean): void {
  if (event.type !== consentType) return
  const { consentId, dataSource, granted } = event.data
  const mark = granted === true ? 'allowed' : 'revoked'
  if (mark === 'allowed' && !allows) return
  if (typeof consentId === 'string') states.markOrigin(slot, consentKey(consentId), mark, at + reachMs)
  if (typeof dataSource === 'string') states.markOrigin(slot, sourceKey(dataSource), mark, at + reachMs)
}
