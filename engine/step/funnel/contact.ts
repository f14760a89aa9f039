import { freeAt, pauseEnd } from './contact-history.ts'
import type { ContactRule } from './contact-rules.ts'
import { tallyContacts } from './contact-tally.ts'
import { holdsKeys } from './key-scope.ts'
import { filterQuiet } from './quiet-hours.ts'
import { type Candidate, type ContactStop, drop, type FunnelRun } from './run.ts'

/**
 * Drops candidates on contact channels that any rule of the contact policy stops: caps, gaps, pauses, then quiet hours. All of a kind
 * are asked at once.
 *
 * Which classes a rule stops: `marketing` always; `service` only when the rule names it in `classes`; `regulatory` never.
 * Which contacts it looks at: all that its scope holds, whatever the class, since the customer's patience is one.
 */
export function filterContacts(run: FunnelRun): void {
  if (run.tables.placements[run.placement.index]?.contact !== true) return
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const stopped = stoppedAtFirst(run, candidate)
    if (stopped !== null) stopContact(candidate, stopped)
    else filterQuiet(run, candidate)
  }
}

/** `stoppedBy` while nothing is chosen yet: asked once for all offers of a kind. */
function stoppedAtFirst(run: FunnelRun, candidate: Candidate): ContactStop | null {
  const kind = run.tables.kinds[candidate.offer.index] ?? 0
  const known = run.kindStops[kind]
  if (known !== undefined) return known
  const stopped = stoppedBy(run, candidate)
  run.kindStops[kind] = stopped
  return stopped
}

/**
 * Takes a contact under every matching rule, or none: asked again for each choice, because two choices of one decision must not share
 * the last place.
 *
 * @param chosen what the decision has chosen before
 * @returns the rule that has no room left; null: the contact was taken
 */
export function takeContact(run: FunnelRun, candidate: Candidate, chosen: readonly Candidate[]): ContactStop | null {
  const placement = run.tables.placements[run.placement.index]
  if (placement?.contact !== true) return null
  const stopped = stoppedBy(run, candidate) ?? afterChoice(run, candidate, chosen)
  if (stopped !== null) return stopped
  const offer = candidate.offer.index
  const { caps } = run.tables.contact
  for (let i = 0; i < caps.length; i++) {
    const cap = caps[i]
    if (cap === undefined || !holdsOffer(run, cap, offer)) continue
    run.capCounts[i] = countOf(run, i) + 1
  }
  return null
}

/** Drops a candidate for a rule of the contact policy. */
export function stopContact(candidate: Candidate, { reason, rule, at }: ContactStop): void {
  drop(candidate, 'contact', reason, rule)
  candidate.possibleAt = at
}

/** The rule that stops a candidate, the one that stops it longest; null: none does. */
function stoppedBy(run: FunnelRun, candidate: Candidate): ContactStop | null {
  return fullCap(run, candidate) ?? openGap(run, candidate) ?? runningPause(run, candidate)
}

function fullCap(run: FunnelRun, candidate: Candidate): ContactStop | null {
  const offer = candidate.offer.index
  const code = run.tables.classCodes[offer] ?? 0
  const caps = run.pack.capsOf(offer, run.placement.channel)
  for (let i = 0; i < caps.length; i++) {
    const index = caps[i]
    const cap = index === undefined ? undefined : run.tables.contact.caps[index]
    if (index === undefined || cap?.stops[code] !== true || !run.isInEffect(cap.window)) continue
    const count = countOf(run, index)
    if (count < cap.model.limit) continue
    const at = Math.min(roomAt(run, index, cap), cap.window?.closesAt(run.now) ?? Number.POSITIVE_INFINITY)
    return { reason: 'cap_reached', rule: cap.model.id, at }
  }
  return null
}

function openGap(run: FunnelRun, candidate: Candidate): ContactStop | null {
  const offer = candidate.offer.index
  const code = run.tables.classCodes[offer] ?? 0
  const gaps = run.pack.gapsOf(offer, run.placement.channel)
  for (let i = 0; i < gaps.length; i++) {
    const index = gaps[i]
    const gap = index === undefined ? undefined : run.tables.contact.gaps[index]
    if (index === undefined || gap?.stops[code] !== true) continue
    const last = lastOf(run, index)
    const over = last + gap.model.leastMs
    if (last >= 0 && run.now < over) return { reason: 'gap_not_over', rule: gap.model.id, at: over }
  }
  return null
}

function runningPause(run: FunnelRun, candidate: Candidate): ContactStop | null {
  const offer = candidate.offer.index
  const code = run.tables.classCodes[offer] ?? 0
  const pauses = run.pack.pausesOf(offer, run.placement.channel)
  for (let i = 0; i < pauses.length; i++) {
    const index = pauses[i]
    const pause = index === undefined ? undefined : run.tables.contact.pauses[index]
    if (index === undefined || pause?.stops[code] !== true) continue
    const known = run.pauseEnds[index]!
    const end = known >= 0 ? known : pauseEnd(run, pause.looksAt, pause.model)
    run.pauseEnds[index] = end
    if (run.now < end) return { reason: 'paused', rule: pause.model.id, at: end }
  }
  return null
}

/** A gap between what was chosen in this decision and one more. */
function afterChoice(run: FunnelRun, candidate: Candidate, before: readonly Candidate[]): ContactStop | null {
  if (before.length === 0) return null
  const offer = candidate.offer.index
  const code = run.tables.classCodes[offer] ?? 0
  for (const index of run.pack.gapsOf(offer, run.placement.channel)) {
    const gap = run.tables.contact.gaps[index]
    if (gap?.stops[code] !== true || !before.some((chosen) => holdsOffer(run, gap, chosen.offer.index))) continue
    return { reason: 'gap_not_over', rule: gap.model.id, at: run.now + gap.model.leastMs }
  }
  return null
}

function holdsOffer(run: FunnelRun, rule: ContactRule<unknown>, offer: number): boolean {
  const { placements, categoryKeys, classCodes } = run.tables
  const channel = placements[run.placement.index]?.channelKey ?? 0
  const key = run.pack.offers[offer]?.key ?? 0
  return holdsKeys(rule.looksAt, categoryKeys[offer] ?? 0, channel, classCodes[offer] ?? 0, key)
}

/** Contacts in a cap's window, those that this run has taken included. */
function countOf(run: FunnelRun, index: number): number {
  if (run.capCounts[index]! < 0) tallyContacts(run)
  return run.capCounts[index]!
}

/** When a full cap has room again. What the run itself takes changes nothing of it: it looks at the contacts before. */
function roomAt(run: FunnelRun, index: number, cap: FunnelRun['tables']['contact']['caps'][number]): number {
  const known = run.capFrees[index]!
  if (!Number.isNaN(known)) return known
  const at = freeAt(run, cap.looksAt, cap.model)
  run.capFrees[index] = at
  return at
}

/** When the last contact that a gap looks at was; -1: there was none. */
function lastOf(run: FunnelRun, index: number): number {
  if (Number.isNaN(run.gapLasts[index]!)) tallyContacts(run)
  return run.gapLasts[index]!
}
