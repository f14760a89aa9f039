/** Routes that look and explain: customers, decisions, partitions, dead letters, tail, SQL. */
import { setTimeout } from 'node:timers/promises'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Identities } from '../../ingest/identity/identities.ts'
import type { Intake, IntakeResult } from '../../ingest/intake.ts'
import { audiences } from '../../rules/disclosures.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { Decision } from '../../sinks/decision.ts'
import { decisionJson } from '../../sinks/decision-json.ts'
import { HistoryError } from '../../sinks/history/history.ts'
import type { History } from '../../sinks/history/start-history.ts'
import type { Role } from '../control/roles.ts'
import { explainFor } from '../explain/explain-for.ts'
import { ShardError, type Shards, sumTotals } from '../shard/shards.ts'
import { followsTail, looksAtCustomers, looksAtDecisions, measures, operates } from './access.ts'
import { namedCustomer } from './customer-name.ts'
import { parseJson } from './decisions.ts'
import { notTaken } from './events.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, later, problem, roleProblem } from './http.ts'
import { firstIssue, sqlBody } from './schemas.ts'

export type Language = 'en' | 'zh'

export type InspectionParts = {
  readonly shards: Shards
  readonly intake: Intake
  readonly identities: Identities
  readonly deadLetters: DeadLetters
  /** null: history is off. */
  readonly history: History | null
  /** Why history is off, in a sentence. */
  readonly historyOff: string
  /** The pack a decision was made with, by hash; null when it is not kept. */
  readonly packOf: (hash: string) => Promise<LoadedPack | null>
  /** A page of the decisions log, see `tail-pages.ts`. */
  readonly tailPage: (cursor: string, limit: number) => Promise<{ cursor: string; decisions: readonly object[] } | null>
  /** Replays a customer's log up to an event and explains it; null when the event is not in the log. */
  readonly explainEvent: (customerId: string, eventId: string, language: Language) => Promise<EventExplanation | null>
}

/** What an event led to, in words. */
export type EventExplanation = {
  readonly customerId: string
  readonly event: string
  readonly explanation: readonly string[]
}

/** The language of an answer: the query parameter, else the first of Accept-Language that we have, else English. */
export function languageOf(request: HttpRequest): Language {
  const asked = request.query.get('language') ?? request.acceptLanguage
  return asked.toLowerCase().startsWith('zh') ? 'zh' : 'en'
}

/** How long a look at a customer may take. */
const lookWithinMs = 5_000

export function inspectionRoutes(parts: InspectionParts): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/customers/:id',
      access: looksAtCustomers,
      handle: later((request) => customer(parts, request)),
    },
    {
      method: 'GET',
      path: '/v1/decisions/:id',
      access: looksAtDecisions,
      handle: later((request) => decision(parts, request)),
    },
    {
      method: 'GET',
      path: '/v1/explain',
      access: looksAtCustomers,
      handle: later((request) => explain(parts, request)),
    },
    { method: 'GET', path: '/v1/partitions', access: operates, handle: later(() => partitions(parts)) },
    {
      method: 'POST',
      path: '/v1/partitions/:partition/reopen',
      access: operates,
      handle: later((request) => reopen(parts, request)),
    },
    {
      method: 'GET',
      path: '/v1/dead-letters',
      access: operates,
      handle: later((request) => deadLetters(parts, request)),
    },
    {
      method: 'GET',
      path: '/v1/dead-letters/:id',
      access: operates,
      handle: later((request) => deadLetter(parts, request)),
    },
    {
      method: 'POST',
      path: '/v1/dead-letters/:id/redrive',
      access: operates,
      handle: later((request) => redrive(parts, request)),
    },
    { method: 'GET', path: '/v1/tail', access: followsTail, handle: later((request) => tail(parts, request)) },
    { method: 'POST', path: '/v1/sql', access: measures, handle: later((request) => sql(parts, request)) },
  ]
}

async function customer(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const named = await namedCustomer(parts.identities, request.params[0] ?? '')
  if (named.kind === 'refused') return named.reply
  // A partition in doubt answers when the store does, which may be never.
  const late = new AbortController()
  const deadline = setTimeout(lookWithinMs, null, { signal: late.signal }).catch(() => null)
  try {
    const view = await Promise.race([parts.shards.customer(named.customerId), deadline])
    return view === null ? problem('partition_unavailable', 'It did not answer in time.') : json(200, view)
  } catch (cause) {
    if (cause instanceof ShardError) return problem('partition_unavailable', cause.message)
    throw cause
  } finally {
    late.abort()
  }
}

async function decision(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const id = request.params[0] ?? ''
  if (!/^[0-9a-f]{32}$/.test(id)) return problem('query_invalid', 'A decision id is 32 hex digits.')
  const asked = request.query.get('for') ?? 'staff'
  const audience = audiences.find((known) => known === asked)
  if (audience === undefined) return problem('query_invalid', `for is one of ${audiences.join(', ')}.`)
  const staff: readonly Role[] = looksAtDecisions.filter((role) => role !== 'app')
  if (audience === 'staff' && !request.caller.roles.some((role) => staff.includes(role)))
    return roleProblem(staff, 'An app asks with for=customer or for=manager.')
  if (parts.history === null) return problem('history_off', parts.historyOff)
  let found: Decision | null
  try {
    found = await parts.history.decision(id)
  } catch (cause) {
    if (cause instanceof HistoryError) return problem('history_off', `${cause.message}. Ask again in a moment.`)
    throw cause
  }
  if (found === null) return problem('decision_unknown', 'History lags by about a second: ask again, or check the id.')
  const language = languageOf(request)
  const pack = await parts.packOf(found.packHash)
  const explanation = explainFor(audience, found, pack, language)
  // The record itself says everything that the words for others leave out.
  return json(200, audience === 'staff' ? { ...decisionJson(found), explanation } : { id, audience, explanation })
}

async function explain(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const name = request.query.get('customer') ?? ''
  const eventId = request.query.get('event') ?? ''
  if (name === '' || eventId === '' || eventId.length > 128)
    return problem('query_invalid', 'Give customer=CUSTOMER and event=EVENT (their ids).')
  const named = await namedCustomer(parts.identities, name)
  if (named.kind === 'refused') return named.reply
  try {
    // The log has the events until its retention has passed, but they are nobody's to look at any more.
    if ((await parts.shards.customer(named.customerId)).erasedAt !== null)
      return problem(
        'customer_erased',
        'Nothing of this customer is shown any more; `proffer erasure CUSTOMER` has the receipt.',
      )
  } catch (cause) {
    if (cause instanceof ShardError) return problem('partition_unavailable', cause.message)
    throw cause
  }
  const found = await parts.explainEvent(named.customerId, eventId, languageOf(request))
  return found === null
    ? problem('not_found', 'The log holds no such event of this customer (it may be older than the retention).')
    : json(200, found)
}

async function partitions(parts: InspectionParts): Promise<HttpReply> {
  const all = await parts.shards.partitions()
  return json(200, { partitions: all, totals: sumTotals(all.map(({ totals }) => totals)) })
}

async function reopen(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const partition = Number(request.params[0])
  const known = (await parts.shards.partitions()).some((status) => status.partition === partition)
  if (!known) return problem('not_found', 'There is no such partition.')
  const lost = request.query.get('lost') ?? 'keep_closed'
  if (lost !== 'keep_closed' && lost !== 'skip_lost')
    return problem('query_invalid', 'lost is `keep_closed` (as it is without it) or `skip_lost`.')
  try {
    return json(200, await parts.shards.reopen(partition, lost))
  } catch (cause) {
    if (cause instanceof ShardError) return problem('partition_unavailable', cause.message)
    throw cause
  }
}

async function deadLetters(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const limit = Number(request.query.get('limit') ?? '100')
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    return problem('query_invalid', 'limit is a whole number from 1 to 1000.')
  const reason = request.query.get('reason')
  const after = request.query.get('after')
  const letters = await parts.deadLetters.list({
    limit,
    ...(reason === undefined ? {} : { reason }),
    ...(after === undefined ? {} : { after }),
  })
  return json(200, {
    deadLetters: letters.map(({ bytes, ...letter }) => ({ ...letter, size: bytes.byteLength })),
  })
}

async function deadLetter(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const letter = await parts.deadLetters.get(request.params[0] ?? '')
  if (letter === null) return problem('not_found', 'There is no such dead letter (or it was dropped as the oldest).')
  return json(200, { ...letter, bytes: Buffer.from(letter.bytes).toString('base64') })
}

async function redrive(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  let result: IntakeResult | null
  try {
    result = await parts.intake.redrive(request.params[0] ?? '')
  } catch (cause) {
    const refused = notTaken(cause)
    if (refused === null) throw cause
    return refused
  }
  if (result === null) return problem('not_found', 'There is no such dead letter.')
  if (result.kind === 'appended')
    return json(200, { status: 'appended', position: `p${result.partition}-${result.offset}` })
  return problem('event_rejected', 'It was refused again for the same kind of reason.', {
    reason: result.reason,
    field: result.field,
    deadLetterId: result.deadLetterId,
  })
}

async function tail(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const limit = Number(request.query.get('limit') ?? '100')
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000)
    return problem('query_invalid', 'limit is a whole number from 1 to 1000.')
  const page = await parts.tailPage(request.query.get('cursor') ?? 'end', limit)
  return page === null
    ? problem('query_invalid', 'cursor is `start`, `end`, or what the last page gave.')
    : json(200, page)
}

async function sql(parts: InspectionParts, request: HttpRequest): Promise<HttpReply> {
  const checked = sqlBody.safeParse(parseJson(request.body))
  if (!checked.success) return problem('body_invalid', firstIssue(checked.error))
  if (parts.history === null) return problem('history_off', parts.historyOff)
  const result = await parts.history.query(checked.data.query, checked.data.format)
  switch (result.kind) {
    case 'ok':
      return json(200, { format: checked.data.format, text: result.text })
    case 'refused':
      return problem('query_refused', result.message)
    case 'unavailable':
      return problem('history_off', result.message)
    default:
      return result satisfies never
  }
}
