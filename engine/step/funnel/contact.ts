import { scratchContact } from '../scratch-contact.ts'
import { counts, freeAt, pauseEnd } from './contact-history.ts'
import type { ContactRule } from './contact-rules.ts'
import { holdsContact, holdsKeys } from './key-scope.ts'
import { filterQuiet } from './quiet-hours.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'

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
    const stopped = stoppedBy(run, candidate)
    if (stopped !== null) stopContact(candidate, stopped)
    else filterQuiet(run, candidate)
  }
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
    run.capCounts[i] = countOf(run, i, cap) + 1
  }
  return null
}

/** A rule of the contact policy that stops a candidate, and when it does not any more; 0: nothing says so. */
export type ContactStop = {
  readonly reason: 'cap_reached' | 'gap_not_over' | 'paused'
  readonly rule: string
  readonly at: number
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
    if (index === undefined || cap?.stops[code] !== true) continue
    const count = countOf(run, index, cap)
    if (count < cap.model.limit) continue
    return { reason: 'cap_reached', rule: cap.model.id, at: roomAt(run, index, cap) }
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
    const last = lastOf(run, index, gap.looksAt)
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
  return holdsKeys(rule.looksAt, categoryKeys[offer] ?? 0, channel, classCodes[offer] ?? 0)
}

const contact = scratchContact()

function countOf(run: FunnelRun, index: number, cap: FunnelRun['tables']['contact']['caps'][number]): number {
  const counted = run.capCounts[index]!
  if (counted >= 0) return counted
  const from = run.now - cap.model.perMs
  let count = 0
  for (let i = run.states.contactCount(run.slot) - 1; i >= 0; i--) {
    run.states.contactAt(run.slot, i, contact)
    // They are in the order of their instants: all others are older still.
    if (contact.at < from) break
    if (counts(contact, run.now) && holdsContact(cap.looksAt, contact)) count++
  }
  run.capCounts[index] = count
  return count
}

/** When a full cap has room again. What the run itself takes changes nothing of it: it looks at the contacts before. */
function roomAt(run: FunnelRun, index: number, cap: FunnelRun['tables']['contact']['caps'][number]): number {
  const known = run.capFrees[index]!
  if (!Number.isNaN(known)) return known
  const at = freeAt(run, cap.looksAt, cap.model)
  run.capFrees[index] = at
  return at
}

/** When the last contact that a scope holds was; -1: there was none. */
function lastOf(run: FunnelRun, index: number, scope: ContactRule<unknown>['looksAt']): number {
  const known = run.gapLasts[index]!
  if (!Number.isNaN(known)) return known
  let last = -1
  for (let i = run.states.contactCount(run.slot) - 1; i >= 0 && last < 0; i--) {
    run.states.contactAt(run.slot, i, contact)
    if (counts(contact, run.now) && holdsContact(scope, contact)) last = contact.at
  }
  run.gapLasts[index] = last
  return last
}
