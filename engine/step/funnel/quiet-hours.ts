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
  const clock = run.tables.contact.clocks.of(run.lo, run.hi)
  for (let i = 0; i < rules.length; i++) {
    const rule = run.tables.contact.quietHours[rules[i] ?? -1]
    if (rule?.stops[code] !== true) continue
    const { id, from, to, instead } = rule.model
    if (!clock.isWithin(run.now, from, to)) continue
    const end = clock.endOf(run.now, from, to)
    const waits =
      instead.kind === 'hold' && candidate.trigger !== null && end < run.now + candidate.offer.model.validForMs
    const goes = instead.kind === 'switch' && candidate.trigger !== null
    drop(candidate, 'contact', waits ? 'held' : goes ? 'switched' : 'quiet_hours', id)
    candidate.possibleAt = end
    candidate.switchTo = goes ? (run.tables.placementById.get(instead.placement)?.index ?? -1) : -1
    return
  }
}
