/** What one pass over the log says of every customer, without batches, commits or faults; and what the store says. */
import { customerView } from '../../engine/explain/customer-view.ts'
import { storedLayout } from '../../engine/shard/series-past.ts'
import { createStates } from '../../engine/state/flat-states.ts'
import type { States } from '../../engine/state/states.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { stepEvent } from '../../engine/step/step-event.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { isPrivileged } from '../../ingest/privileged.ts'
import { type Evidence, loggedEvents, type Seen } from './evidence.ts'

/** Every customer is in the cache at once. No more than they need: each large buffer makes V8 look for garbage everywhere. */
const cacheBytes = (customers: number): number => 4 * 2 ** 20 + customers * 16 * 1_024

/** What one pass over the log says: every customer, and the ids of the decisions that its events lead to. */
export type Pass = { readonly seen: ReadonlyMap<string, Seen>; readonly decisions: ReadonlySet<string> }

/** One pass over the log alone. */
export function passOverLog(evidence: Evidence): Pass {
  const { states, context } = openContext(evidence)
  const decisions = new Set<string>()
  for (const id of evidence.customers) states.load(0, id, null)
  for (const { record, event, partition } of loggedEvents(evidence)) {
    if (partitionOf(event.customerId, evidence.partitions) !== partition) continue
    if (isPrivileged(event) && !evidence.trusts(record)) continue
    const slot = states.find(event.customerId)
    if (slot < 0) continue
    const { appendTime } = record
    const outcome = stepEvent(context, slot, { event, acceptedAt: appendTime, now: appendTime })
    // What there is to take back depends on what had room under the caps when it was decided, which is later than this.
    for (const { id, recalls } of outcome.decisions) if (recalls.length === 0) decisions.add(id)
  }
  return { seen: seenOf(evidence, { states, context }), decisions }
}

/** Features and suppressions of every customer as the store has them. */
export function seenInStore(evidence: Evidence): ReadonlyMap<string, Seen> {
  const opened = openContext(evidence, storedLayout(evidence.pack.layout, evidence.added))
  for (const id of evidence.customers) opened.states.load(0, id, evidence.stored.get(id) ?? null)
  return seenOf(evidence, opened)
}

/** Numbers of the decisions whose contacts the store keeps, by customer (`decisionNumber`). */
export function storedContacts(evidence: Evidence): ReadonlyMap<string, ReadonlySet<number>> {
  const { states } = openContext(evidence, storedLayout(evidence.pack.layout, evidence.added))
  const contacts = new Map<string, Set<number>>()
  const contact = {
    at: 0,
    decision: 0,
    channel: 0,
    category: 0,
    offer: 0,
    class: 0,
    until: 0,
    answered: false,
    recalled: false,
  }
  for (const [id, stored] of evidence.stored) {
    const slot = states.load(0, id, stored)
    const of = new Set<number>()
    for (let i = 0; i < states.contactCount(slot); i++) {
      states.contactAt(slot, i, contact)
      of.add(contact.decision)
    }
    contacts.set(id, of)
  }
  return contacts
}

type Opened = { readonly states: States; readonly context: ReturnType<typeof createStepContext> }

function openContext({ pack, salt, observedSince, customers }: Evidence, layout = pack.layout): Opened {
  const states = createStates(layout, { maxBytes: cacheBytes(customers.length), observedSince })
  states.begin(0)
  return { states, context: createStepContext(pack, states, salt) }
}

function seenOf({ customers, asOf }: Evidence, { states, context }: Opened): ReadonlyMap<string, Seen> {
  const views = new Map<string, Seen>()
  for (const customerId of customers) {
    const slot = states.find(customerId)
    const view = customerView(context, slot, { customerId, partition: 0, known: true, asOf })
    const { variables, suppressions, overrides } = view
    views.set(customerId, { variables, suppressions, overrides })
  }
  return views
}
