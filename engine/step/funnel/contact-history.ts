/** What the contacts of a customer say about later ones, where more than a count is asked. */
import type { CapModel, PauseModel } from '../../../rules/model.ts'
import type { Contact } from '../../state/states.ts'
import { scratchContact } from '../scratch-contact.ts'
import { holdsContact, type KeyScope } from './key-scope.ts'
import type { FunnelRun } from './run.ts'

const contact = scratchContact()

/** Whether a contact counts at an instant: it was confirmed, or has not lapsed. */
export function counts({ until }: Contact, now: number): boolean {
  return until === 0 || now < until
}

/** When a full cap has room again at the latest, if nothing else is sent; 0: never. */
export function freeAt(run: FunnelRun, scope: KeyScope, { limit, perMs }: CapModel): number {
  if (limit === 0) return 0
  const ends: number[] = []
  for (let i = 0; i < run.states.contactCount(run.slot); i++) {
    run.states.contactAt(run.slot, i, contact)
    if (contact.at < run.now - perMs || !counts(contact, run.now) || !holdsContact(scope, contact)) continue
    const agesOut = contact.at + perMs + 1
    ends.push(contact.until === 0 ? agesOut : Math.min(agesOut, contact.until))
  }
  ends.sort((a, b) => a - b)
  // What this decision itself has taken is not among the contacts yet.
  return ends[Math.max(0, ends.length - limit)] ?? run.now + perMs + 1
}

/** When the rest ends that a customer who does not react is given; 0: there is none. */
export function pauseEnd(run: FunnelRun, scope: KeyScope, pause: PauseModel): number {
  const ignored: number[] = []
  let end = 0
  for (let i = 0; i < run.states.contactCount(run.slot); i++) {
    run.states.contactAt(run.slot, i, contact)
    const overdue = contact.at + pause.answerMs
    if (contact.answered || overdue > run.now || !counts(contact, run.now) || !holdsContact(scope, contact)) continue
    ignored.push(contact.at)
    const first = ignored[ignored.length - pause.times]
    if (first !== undefined && contact.at - first <= pause.withinMs) end = overdue + pause.forMs
  }
  return end
}
