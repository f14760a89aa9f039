/** `/v1/customers/:id/erase` and `/erasure`: a customer is erased everywhere, and the receipt of it. */
import type { Identities } from '../../ingest/identity/identities.ts'
import type { CustomerErasure, EraseAnswer } from '../erasure/customer-erasure.ts'
import { ShardError } from '../shard/shards.ts'
import { erases } from './access.ts'
import { namedCustomer } from './customer-name.ts'
import { parseJson } from './decisions.ts'
import { notTaken } from './events.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, later, problem } from './http.ts'
import { eraseBody, firstIssue } from './schemas.ts'

export type ErasureRouteParts = {
  readonly erasure: CustomerErasure
  readonly identities: Pick<Identities, 'customerOf'>
  readonly now: () => number
  /** Wait for the commit when the caller says nothing. */
  readonly deadlineMs: number
}

export function erasureRoutes(parts: ErasureRouteParts): readonly Route[] {
  const access = erases
  return [
    {
      method: 'POST',
      path: '/v1/customers/:id/erase',
      access,
      handle: later((request) => answered(parts, request, erase)),
    },
    {
      method: 'GET',
      path: '/v1/customers/:id/erasure',
      access,
      handle: later((request) =>
        answered(parts, request, async (_, customerId) => json(200, await parts.erasure.receipt(customerId))),
      ),
    },
  ]
}

type Work = (parts: ErasureRouteParts, customerId: string, request: HttpRequest) => Promise<HttpReply>

async function answered(parts: ErasureRouteParts, request: HttpRequest, work: Work): Promise<HttpReply> {
  const named = await namedCustomer(parts.identities, request.params[0] ?? '')
  if (named.kind === 'refused') return named.reply
  try {
    return await work(parts, named.customerId, request)
  } catch (cause) {
    if (cause instanceof ShardError) return problem('partition_unavailable', cause.message)
    const refused = notTaken(cause)
    if (refused === null) throw cause
    return refused
  }
}

async function erase(parts: ErasureRouteParts, customerId: string, request: HttpRequest): Promise<HttpReply> {
  const deadlineMs = Number(request.query.get('deadlineMs') ?? parts.deadlineMs)
  if (!Number.isInteger(deadlineMs) || deadlineMs < 1 || deadlineMs > 30_000)
    return problem('query_invalid', 'deadlineMs is a whole number from 1 to 30000.')
  const body = request.body.length === 0 ? {} : parseJson(request.body)
  if (body === undefined) return problem('body_invalid', 'Send JSON, such as {"ground": "request"}, or nothing.')
  const parsed = eraseBody.safeParse(body)
  if (!parsed.success) return problem('body_invalid', firstIssue(parsed.error))
  const answer = await parts.erasure.erase(customerId, parsed.data.ground ?? null, parts.now() + deadlineMs)
  return replyOf(answer, customerId)
}

function replyOf(answer: EraseAnswer, customerId: string): HttpReply {
  switch (answer.kind) {
    case 'erased':
      return json(200, answer.receipt)
    case 'pending': {
      const { partition, offset } = answer.position
      const location = [['Location', `/v1/customers/${encodeURIComponent(customerId)}/erasure`]] as const
      return json(202, { customerId, state: 'pending', position: `p${partition}-${offset}` }, location)
    }
    case 'refused':
      return problem('event_rejected', `Reason: ${answer.reason}.`, { reason: answer.reason })
    default:
      return answer satisfies never
  }
}
