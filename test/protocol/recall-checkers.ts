/** What must hold of a run in which a gateway reports what it sends: what may not leave any more is taken back, once. */
import type { Event } from '../../ingest/event.ts'
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import { type Evidence, loggedEvents, publishedDecisions } from './evidence.ts'

/** A message that waits, as far as the bank has heard. */
type Waiting = { readonly decision: Decision; recalledBy: string | null }

/**
 * Worked out from the log and what left, without the engine: a message by SMS of class marketing that waits when the consent is
 * withdrawn is recalled by that event, and nothing else is; one that was sent all the same leads to an alarm. Only for messages
 * that an event caused, whose order the log tells.
 */
export function recallsHold(evidence: Evidence): string[] {
  const all = once(publishedDecisions(evidence))
  const caused = new Map<string, Decision[]>()
  for (const decision of all.filter(({ cause, contacts }) => cause.kind === 'event' && contacts.length > 0)) {
    caused.set(decision.cause.id, [...(caused.get(decision.cause.id) ?? []), decision])
  }
  const waiting = new Map<string, Waiting>()
  const consents = new Map<string, { readonly granted: boolean; readonly heard: number }>()
  const counted = new Set<string>()
  const expected = { recalled: new Set<string>(), sent_after_recall: new Set<string>() }
  for (const { event, record } of loggedEvents(evidence)) {
    if (counted.has(event.id) || !evidence.trusts(record)) continue
    counted.add(event.id)
    const told = receiptFor(event, waiting)
    if (told !== undefined) {
      if (event.type === 'message.sent' && told.recalledBy !== null) {
        expected.sent_after_recall.add(`${event.id} ${told.decision.id.slice(0, recallDigits)}`)
      }
      waiting.delete(told.decision.id)
    }
    if (event.type === 'consent.updated') {
      const heard = Math.min(event.time, record.appendTime)
      if (heard >= (consents.get(event.customerId)?.heard ?? 0)) {
        consents.set(event.customerId, { granted: event.data['granted'] === true, heard })
      }
      if (consents.get(event.customerId)?.granted === false) {
        for (const one of waiting.values()) {
          if (one.recalledBy !== null || one.decision.customerId !== event.customerId) continue
          if (!one.decision.contacts.some((contact) => contact.class === 'marketing')) continue
          one.recalledBy = event.id
          expected.recalled.add(`${event.id} ${one.decision.id.slice(0, recallDigits)}`)
        }
      }
    }
    for (const decision of caused.get(event.id) ?? []) waiting.set(decision.id, { decision, recalledBy: null })
  }
  return [
    ...compare('recalled', expected.recalled, all),
    ...compare('sent_after_recall', expected.sent_after_recall, all),
  ]
}

function compare(
  reason: 'recalled' | 'sent_after_recall',
  expected: ReadonlySet<string>,
  all: readonly Decision[],
): string[] {
  const found: string[] = []
  const there = new Set<string>()
  for (const decision of all.filter((one) => one.reason === reason)) {
    for (const digits of decision.recalls) {
      const key = `${decision.cause.id} ${digits}`
      if (there.has(key)) found.push(`${reason} twice: ${key}`)
      there.add(key)
      if (!expected.has(key)) found.push(`${reason} without ground: ${key}`)
    }
  }
  for (const key of expected) if (!there.has(key)) found.push(`${reason} is missing: ${key}`)
  return found
}

/** The waiting message that a receipt is about. */
function receiptFor(event: Event, waiting: ReadonlyMap<string, Waiting>): Waiting | undefined {
  if (event.type !== 'message.sent' && event.type !== 'message.failed') return undefined
  const told = waiting.get(String(event.data['decisionId']))
  return told?.decision.customerId === event.customerId ? told : undefined
}

/** Each id once, in the order of the topic. */
function once(decisions: readonly Decision[]): Decision[] {
  return [...new Map(decisions.map((decision) => [decision.id, decision])).values()]
}
