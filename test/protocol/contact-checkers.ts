/** What a customer may notice of a run: caps, withdrawn consents, closed categories. Each checker returns what it found wrong. */
import { decisionNumber } from '../../engine/step/decision-id.ts'
import type { Event } from '../../ingest/event.ts'
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import { type Answer, type Evidence, loggedEvents, publishedDecisions } from './evidence.ts'
import { storedContacts } from './plain-pass.ts'

type Contacted = Pick<Decision, 'id' | 'customerId' | 'channel' | 'now'> & Pick<Answer, 'contacts'>

/**
 * No marketing message goes to a customer beyond the caps, over all contacts that were published or answered and not taken back.
 * @param forgets whether answers that are on no topic do not count: engine and store were lost together
 */
export function capsHold(evidence: Evidence, { forgets }: { readonly forgets: boolean }): string[] {
  const published = publishedDecisions(evidence)
  const out = new Set(published.map(({ id }) => id))
  const failed = failedDecisions(evidence)
  const recalled = recalledDecisions(evidence)
  const contacts = new Map<string, Map<string, Contacted>>()
  const add = (decision: Contacted): void => {
    if (decision.contacts.length === 0 || failed.has(decision.id)) return
    if (recalled.has(`${decision.customerId} ${decision.id.slice(0, recallDigits)}`)) return
    const key = `${decision.customerId} ${decision.channel}`
    const of = contacts.get(key) ?? new Map<string, Contacted>()
    contacts.set(key, of)
    if (!of.has(decision.id)) of.set(decision.id, decision)
  }
  for (const decision of published) add(decision)
  for (const answer of evidence.answers) if (answer.committed && !forgets) add(answer)
  const found: string[] = []
  const { limit, perMs } = evidence.cap
  for (const [key, of] of contacts) {
    const all = [...of.values()]
    for (const last of all.filter(isMarketing)) {
      // Of one instant only other marketing counts: a service message may have come behind it.
      const within = all.filter(
        ({ now, ...decision }) =>
          now >= last.now - perMs && (now < last.now || (now === last.now && isMarketing(decision))),
      )
      if (within.length > limit) {
        const times = within.map((one) => `${one.now - last.now}${out.has(one.id) ? '' : ' (only answered)'}`)
        found.push(`${key} was contacted ${within.length} times up to ${last.now}, ms before: ${times.join(', ')}`)
      }
    }
  }
  return found
}

function isMarketing({ contacts }: Pick<Contacted, 'contacts'>): boolean {
  return contacts.some((contact) => contact.class === 'marketing')
}

/** Every contact that left within the stretch of the cap is in its customer's state, where the caps look. */
export function contactsAreKnown(evidence: Evidence): string[] {
  const failed = failedDecisions(evidence)
  const stored = storedContacts(evidence)
  const published = publishedDecisions(evidence)
  const newest = new Map<string, number>()
  for (const { customerId, now, contacts } of published) {
    if (contacts.length > 0) newest.set(customerId, Math.max(newest.get(customerId) ?? 0, now))
  }
  const found: string[] = []
  for (const { id, customerId, contacts, now } of published) {
    const isOld = now < (newest.get(customerId) ?? 0) - evidence.cap.perMs
    if (contacts.length === 0 || failed.has(id) || isOld) continue
    if (stored.get(customerId)?.has(decisionNumber(id)) !== true) found.push(`the contact ${id} is not known any more`)
  }
  return found
}

/** After a customer has withdrawn the consent nothing is offered by SMS until it is given again. */
export function optOutsHold(evidence: Evidence): string[] {
  const decisions = new Map(publishedDecisions(evidence).map((decision) => [decision.cause.id, decision]))
  const consent = new Map<string, { readonly granted: boolean; readonly at: number }>()
  const found: string[] = []
  for (const { record, event } of loggedEvents(evidence)) {
    if (event.type === 'consent.updated' && evidence.trusts(record)) {
      const at = Math.min(event.time, record.appendTime)
      const before = consent.get(event.customerId)
      if (before === undefined || at >= before.at)
        consent.set(event.customerId, { granted: event.data['granted'] === true, at })
    }
    const offered = decisions.get(event.id)?.contacts.some((contact) => contact.class === 'marketing')
    if (offered === true && consent.get(event.customerId)?.granted !== true)
      found.push(`${event.id} led to an offer although the consent was withdrawn`)
  }
  return found
}

/** Once the loss of a job is acknowledged no request that begins later is answered with a loan, until it is resolved. */
export function closedStaysClosed(evidence: Evidence): string[] {
  const lost = evidence.acknowledged.filter(({ event }) => isLifeEvent(event) && event.data['resolved'] === false)
  const resolved = [...loggedEvents(evidence)]
    .filter(({ event, record }) => isLifeEvent(event) && event.data['resolved'] === true && evidence.trusts(record))
    .map(({ event, record }) => ({ event, heard: Math.min(event.time, record.appendTime) }))
  const found: string[] = []
  for (const { askedAt, customerId, offers, reason, now, id } of evidence.answers) {
    if (!offers.includes('inbox-loan')) continue
    const closing = lost.find(
      ({ event, at }) =>
        event.customerId === customerId &&
        at < askedAt &&
        !resolved.some((lift) => lift.event.customerId === customerId && lift.heard >= event.time),
    )
    if (closing !== undefined)
      found.push(
        `a loan for ${customerId} behind ${closing.event.id} (${reason}, ${id}, ${askedAt - closing.at} ms, decided ${now - closing.at} ms behind it)`,
      )
  }
  return found
}

function isLifeEvent({ type }: Event): boolean {
  return type === 'life_event.reported'
}

function failedDecisions(evidence: Evidence): ReadonlySet<unknown> {
  const failed = new Set<unknown>()
  for (const { record, event } of loggedEvents(evidence)) {
    if (event.type === 'message.failed' && evidence.trusts(record)) failed.add(event.data['decisionId'])
  }
  return failed
}

/** What was recalled, as `customer digits`. */
function recalledDecisions(evidence: Evidence): ReadonlySet<string> {
  const recalls = publishedDecisions(evidence).filter(({ reason }) => reason === 'recalled')
  return new Set(recalls.flatMap((one) => one.recalls.map((digits) => `${one.customerId} ${digits}`)))
}
