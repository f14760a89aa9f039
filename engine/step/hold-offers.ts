import { hash32 } from '../../ingest/hash.ts'
import type { HeldOffers } from '../../sinks/decision.ts'
import type { Held } from '../state/states.ts'
import { drop, type FunnelRun } from './funnel/run.ts'
import type { StepContext } from './step.ts'

const none: readonly HeldOffers[] = Object.freeze([])

/**
 * Lets the offers wait that quiet hours stopped, one entry for each trigger none of whose offers was chosen. Releases are spread by the
 * customer's id, so that not everything leaves at once. What no longer fits is dropped as for quiet hours.
 *
 * @param originOf id of the decision that let them wait first; asked when something waits
 */
export function holdOffers(
  context: StepContext,
  customerId: string,
  originOf: () => Held['origin'],
): readonly HeldOffers[] {
  const { run, states, pack } = context
  if (!anyHeld(run)) return none
  const held: HeldOffers[] = []
  const origin = originOf()
  const spread = pack.loaded.model.releaseSpreadMs
  const placement = hash32(run.placement.id)
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    const { trigger } = candidate ?? {}
    if (candidate?.reason !== 'held' || trigger == null) continue
    if (run.chosen.some((chosen) => chosen.trigger === trigger) || held.some((one) => one.trigger === trigger.id))
      continue
    const expiresAt = run.now + candidate.offer.model.validForMs
    const at = Math.min(candidate.possibleAt + (spread === 0 ? 0 : hash32(customerId) % spread), expiresAt)
    if (states.hold(run.slot, { at, expiresAt, trigger: hash32(trigger.id), placement, origin })) {
      held.push({ trigger: trigger.id, at, expiresAt })
    } else {
      drop(candidate, 'contact', 'quiet_hours', candidate.rule)
    }
  }
  return held
}

function anyHeld(run: FunnelRun): boolean {
  for (let i = 0; i < run.size; i++) if (run.candidates[i]?.reason === 'held') return true
  return false
}
