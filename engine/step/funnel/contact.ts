import type { CapModel } from '../../../rules/model.ts'
import { scratchContact } from '../scratch-contact.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'
import type { CapTable } from './tables.ts'

/**
 * Drops candidates on contact channels that any matching cap has no room for. Caps of all scopes are asked at once;
 * a cap's window is closed at both ends, [now - perMs, now].
 *
 * Which classes caps stop: `marketing` always; `service` only when the cap names it in `classes`; `regulatory` never.
 * Which contacts caps count: all that their scope holds, whatever the class, since the customer's patience is one.
 */
export function filterContacts(run: FunnelRun): void {
  if (run.tables.placements[run.placement.index]?.contact !== true) return
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive) continue
    const cap = fullCap(run, candidate)
    if (cap !== null) drop(candidate, 'contact', 'cap_reached', cap.id)
  }
}

/**
 * Takes a contact from every matching cap, or from none: asked again for each choice, because two choices of one
 * decision must not share the last place.
 *
 * @returns the cap that has no room, or null when the contact was taken
 */
export function takeContact(run: FunnelRun, candidate: Candidate): CapModel | null {
  if (run.tables.placements[run.placement.index]?.contact !== true) return null
  const full = fullCap(run, candidate)
  if (full !== null) return full
  for (const index of run.pack.capsOf(candidate.offer.index, run.placement.channel)) {
    const cap = run.tables.caps[index]
    if (cap?.counts[run.tables.classCodes[candidate.offer.index] ?? 0] === true)
      run.capCounts[index] = countOf(run, index, cap) + 1
  }
  return null
}

function fullCap(run: FunnelRun, candidate: Candidate): CapModel | null {
  const offer = candidate.offer.index
  const code = run.tables.classCodes[offer] ?? 0
  const caps = run.pack.capsOf(offer, run.placement.channel)
  for (let i = 0; i < caps.length; i++) {
    const index = caps[i]
    const cap = index === undefined ? undefined : run.tables.caps[index]
    if (index === undefined || cap?.stops[code] !== true) continue
    if (countOf(run, index, cap) >= cap.model.limit) return cap.model
  }
  return null
}

const contact = scratchContact()

function countOf(run: FunnelRun, index: number, cap: CapTable): number {
  const counted = run.capCounts[index]!
  if (counted >= 0) return counted
  const from = run.now - cap.model.perMs
  let count = 0
  for (let i = run.states.contactCount(run.slot) - 1; i >= 0; i--) {
    run.states.contactAt(run.slot, i, contact)
    if (
      contact.at >= from &&
      cap.counts[contact.class] === true &&
      (cap.categories === null || cap.categories.has(contact.category)) &&
      !cap.exceptCategories.has(contact.category) &&
      (cap.channels === null || cap.channels.has(contact.channel))
    )
      count++
  }
  run.capCounts[index] = count
  return count
}
