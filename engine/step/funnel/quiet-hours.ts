import type { QuietHoursModel } from '../../../rules/model.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'

/**
 * Quiet hours by the customer's clock: the candidate waits for their end, goes another way, or is dropped, as the rule says. Of a live
 * request nothing waits. What waits reserves nothing and is looked at again in full.
 */
export function filterQuiet(run: FunnelRun, candidate: Candidate): void {
  const offer = candidate.offer.index
  const rules = run.pack.quietHoursOf(offer, run.placement.channel)
  if (rules.length === 0) return
  const code = run.tables.classCodes[offer] ?? 0
  for (let i = 0; i < rules.length; i++) {
    const index = rules[i] ?? -1
    const rule = run.tables.contact.quietHours[index]
    if (rule?.stops[code] !== true) continue
    const end = quietUntil(run, index, rule.model)
    if (end === 0) continue
    const { id, instead } = rule.model
    const waits =
      instead.kind === 'hold' && candidate.trigger !== null && end < run.now + candidate.offer.model.validForMs
    const goes = instead.kind === 'switch' && candidate.trigger !== null
    drop(candidate, 'contact', waits ? 'held' : goes ? 'switched' : 'quiet_hours', id)
    candidate.possibleAt = end
    candidate.switchTo = goes ? (run.tables.placementById.get(instead.placement)?.index ?? -1) : -1
    return
  }
}

/** When quiet hours end that the customer is in at `now`; 0: they are not. Worked out once for a run. */
function quietUntil(run: FunnelRun, index: number, { from, to }: QuietHoursModel): number {
  if (!Number.isNaN(run.quietEnds[index]!)) return run.quietEnds[index]!
  const clock = run.tables.contact.clocks.of(run.lo, run.hi)
  const end = clock.isWithin(run.now, from, to) ? clock.endOf(run.now, from, to) : 0
  run.quietEnds[index] = end
  return end
}
