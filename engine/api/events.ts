/** `POST /v1/events`: facts in, acknowledged when they are committed. */
import type { Intake, IntakeResult } from '../../ingest/intake.ts'
import type { IntakeItem } from '../../ingest/intake-item.ts'
import type { Applied, Shards } from '../shard/shards.ts'
import { sendsEvents } from './access.ts'
import { parseJson } from './decisions.ts'
import { rolesToSend } from './event-roles.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, later, problem, roleProblem } from './http.ts'

export type EventRouteParts = {
  readonly shards: Shards
  readonly intake: Intake
  readonly now: () => number
  readonly deadlineMs: number
  readonly eventsMax: number
}

/** What became of one event, as the answer lists it. */
type EventStatus = {
  readonly status: 'accepted' | 'duplicate' | 'dead_lettered' | 'pending'
  readonly position: string | null
  readonly reason: string | null
  readonly field: string | null
  readonly deadLetterId: string | null
}

const contentTypes = new Set([
  '',
  'application/json',
  'application/cloudevents+json',
  'application/cloudevents-batch+json',
])

export function eventRoute(parts: EventRouteParts): Route {
  return { method: 'POST', path: '/v1/events', access: sendsEvents, handle: later((request) => take(parts, request)) }
}

async function take(parts: EventRouteParts, request: HttpRequest): Promise<HttpReply> {
  if (!contentTypes.has(request.contentType))
    return problem('content_type_wrong', `Send one of: ${[...contentTypes].filter((type) => type !== '').join(', ')}.`)
  const deadlineMs = Number(request.query.get('deadlineMs') ?? parts.deadlineMs)
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > 30_000)
    return problem('query_invalid', 'deadlineMs is a whole number from 1 to 30000.')
  const parsed = parseJson(request.body)
  const isBatch = Array.isArray(parsed)
  if (isBatch && parsed.length > parts.eventsMax)
    return problem('too_many_events', `Send at most ${parts.eventsMax} events in one call.`)
  const items = isBatch ? itemsOf(parsed) : [{ kind: 'json' as const, value: parsed, bytes: request.body }]
  if (items === null) return problem('body_invalid', 'The body is nested too deeply. Nothing of this call was taken.')

  for (const value of isBatch ? parsed : [parsed]) {
    const needed = rolesToSend(value)
    if (!request.caller.roles.some((role) => needed.includes(role)))
      return roleProblem(needed, 'That is for an event of this call; nothing of it was taken.')
  }

  const deadlineAt = parts.now() + deadlineMs
  let results: readonly IntakeResult[]
  try {
    results = await parts.intake.submit(items, 'http')
  } catch (cause) {
    const refused = notTaken(cause)
    if (refused === null) throw cause
    return refused
  }
  const events = await Promise.all(results.map((result) => statusOf(result, parts.shards, deadlineAt)))
  if (!isBatch && events[0]?.status === 'dead_lettered') return refusedEvent(events[0])
  const count = (status: EventStatus['status']) => events.filter((event) => event.status === status).length
  const pending = count('pending')
  return json(pending > 0 ? 202 : 200, {
    received: events.length,
    accepted: count('accepted'),
    duplicates: count('duplicate'),
    deadLettered: count('dead_lettered'),
    pending,
    events,
  })
}

/** The events of a batch, each with its own bytes; null when one is nested beyond what JSON can print. */
function itemsOf(values: readonly unknown[]): readonly IntakeItem[] | null {
  try {
    return values.map((value) => ({ kind: 'json', value, bytes: Buffer.from(JSON.stringify(value)) }))
  } catch (cause) {
    if (cause instanceof RangeError) return null
    throw cause
  }
}

/** The answer when the log, the dead letters or the identity map could not keep the call; null for any other failure. */
export function notTaken(cause: unknown): HttpReply | null {
  const code = cause instanceof Error && 'code' in cause ? cause.code : ''
  switch (code) {
    case 'log_full':
      return problem('log_full', 'Free disk, or raise LOG_MAX_MB, and send all of this call again.')
    case 'log_unavailable':
      return problem('log_unavailable', 'Send all of this call again in a moment.')
    case 'identity_full':
      return problem('identity_full', 'Give the disk or Redis more room, and send all of this call again.')
    case 'identity_unavailable':
      return problem('identity_unavailable', 'Send all of this call again in a moment.')
    case 'log_closed':
    case 'identity_closed':
      return problem('stopping', 'Retry on another node or in a moment.')
    default:
      return null
  }
}

async function statusOf(result: IntakeResult, shards: Shards, deadlineAt: number): Promise<EventStatus> {
  if (result.kind === 'rejected') {
    const { reason, field, deadLetterId } = result
    return { status: 'dead_lettered', position: null, reason, field, deadLetterId }
  }
  const { partition, offset } = result
  const applied = await shards.applied({ partition, offset }, deadlineAt)
  const position = `p${partition}-${offset}`
  const base = { position, reason: null, field: null, deadLetterId: null }
  if (applied === null) return { ...base, status: 'pending' }
  if (applied === 'accepted' || applied === 'duplicate') return { ...base, status: applied }
  return rejectedLater(applied, partition, offset, position)
}

/** Refused by the shard (too late, wrong currency ...): its dead letter carries the position as its id. */
function rejectedLater(
  reason: Exclude<Applied, 'accepted' | 'duplicate'>,
  partition: number,
  offset: number,
  position: string,
): EventStatus {
  return { status: 'dead_lettered', position, reason, field: null, deadLetterId: `p${partition}-${offset}` }
}

/** What to do about a refusal, where that is not to mend the event. */
const remedies: ReadonlyMap<string, string> = new Map([
  [
    'customer_unknown',
    'Link the alias with an identity.linked event, then hand this one in again with `proffer deadletters redrive`.',
  ],
  [
    'erased',
    'That it came is kept and nothing of what it says: nothing of this customer is taken for 800 days after the erasure.',
  ],
  [
    'override_refused',
    'The rule pack names another role for this guardrail, a shorter time, or none that may open it; or the source may not be used.',
  ],
  ['alias_taken', 'Another customer has the alias: unlink it there with an identity.unlinked event first.'],
  ['aliases_full', 'The customer has as many aliases as are kept: unlink one with an identity.unlinked event first.'],
])

function refusedEvent(event: EventStatus): HttpReply {
  const where = event.field === null ? '' : ` (field ${event.field})`
  const remedy = remedies.get(event.reason ?? '') ?? 'It is kept; see `proffer deadletters show`.'
  return problem('event_rejected', `Reason: ${event.reason}${where}. ${remedy}`, {
    reason: event.reason,
    field: event.field,
    deadLetterId: event.deadLetterId,
  })
}
