/** The contacts of a customer counted once for a run, under all caps and gaps at the same time. */
import type { Contact } from '../../state/states.ts'
import { scratchContact } from '../scratch-contact.ts'
import { counts } from './contact-history.ts'
import { holdsKeys, type KeyScope } from './key-scope.ts'
import type { FunnelRun } from './run.ts'

/** The rules of a kind that hold a contact, by position in their list. */
type Holding = { readonly caps: readonly number[]; readonly gaps: readonly number[] }

/** Finds the caps and gaps that hold contacts with given keys, and remembers them. */
export type HoldingRules = (contact: Contact) => Holding

type Scoped = { readonly looksAt: KeyScope }

/**
 * Most kinds of contacts that are remembered; beyond it all are worked out anew. A pack has as many as channels x categories x classes, and the
 * offers that its rules name.
 */
const kindsMax = 4_096

export function holdingRules(caps: readonly Scoped[], gaps: readonly Scoped[]): HoldingRules {
  const named = new Set([...caps, ...gaps].flatMap(({ looksAt }) => [...(looksAt.offers ?? [])]))
  // By channel, by category and class in one number, by offer where some rule names it.
  const known = new Map<number, Map<number, Map<number, Holding>>>()
  let kinds = 0
  return ({ channel, category, class: messageClass, offer }) => {
    const key = category * 4 + messageClass
    const own = named.has(offer) ? offer : -1
    const found = known.get(channel)?.get(key)?.get(own)
    if (found !== undefined) return found
    if (kinds++ === kindsMax) {
      known.clear()
      kinds = 1
    }
    const positions = (rules: readonly Scoped[]): readonly number[] =>
      rules.flatMap(({ looksAt }, i) => (holdsKeys(looksAt, category, channel, messageClass, offer) ? [i] : []))
    const holding = { caps: positions(caps), gaps: positions(gaps) }
    const ofChannel = known.get(channel) ?? new Map<number, Map<number, Holding>>()
    const ofKind = ofChannel.get(key) ?? new Map<number, Holding>()
    known.set(channel, ofChannel.set(key, ofKind.set(own, holding)))
    return holding
  }
}

const contact = scratchContact()

/**
 * Fills `capCounts` (contacts in each cap's window at `now`) and `gapLasts` (the last contact each gap looks at, -1: none) of the run. One
 * look at each contact, whatever the number of rules.
 */
export function tallyContacts(run: FunnelRun): void {
  const { states, slot, now, capCounts, gapLasts } = run
  const { caps, holdingRules } = run.tables.contact
  capCounts.fill(0)
  gapLasts.fill(-1)
  for (let i = states.contactCount(slot) - 1; i >= 0; i--) {
    states.contactAt(slot, i, contact)
    if (!counts(contact, now)) continue
    const holding = holdingRules(contact)
    for (let c = 0; c < holding.caps.length; c++) {
      const cap = holding.caps[c]!
      if (contact.at >= now - (caps[cap]?.model.perMs ?? 0)) capCounts[cap]!++
    }
    // They are in the order of their instants: the first that is met is the last one.
    for (let g = 0; g < holding.gaps.length; g++) {
      const gap = holding.gaps[g]!
      if (gapLasts[gap] === -1) gapLasts[gap] = contact.at
    }
  }
}
