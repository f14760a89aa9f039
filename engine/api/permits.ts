/** `POST /v1/permits/:id`: whether the message of a decision may be sent, asked by a gateway right before it sends. */
import { setTimeout } from 'node:timers/promises'
import type { Identities } from '../../ingest/identity/identities.ts'
import { ShardError, type Shards } from '../shard/shards.ts'
import { sendsMessages } from './access.ts'
import { namedCustomer } from './customer-name.ts'
import { parseJson } from './decisions.ts'
import type { HttpReply, HttpRequest, Route } from './http.ts'
import { json, later, problem } from './http.ts'
import { decisionIdText, firstIssue, permitBody } from './schemas.ts'

export type PermitRouteParts = {
  readonly shards: Pick<Shards, 'permit'>
  readonly identities: Pick<Identities, 'customerOf'>
}

/** A gateway that waits longer has nothing to send meanwhile. */
const permitWithinMs = 2_000

/** The route. Fails closed: only a 200 with `permitted: true` is a permit; what cannot be said now is 503. */
export function permitRoute(parts: PermitRouteParts): Route {
  return {
    method: 'POST',
    path: '/v1/permits/:id',
    access: sendsMessages,
    handle: later((request) => permit(parts, request)),
  }
}

async function permit({ shards, identities }: PermitRouteParts, request: HttpRequest): Promise<HttpReply> {
  const decisionId = decisionIdText.safeParse(request.params[0])
  if (!decisionId.success) return problem('query_invalid', 'A decision id is 32 hex digits.')
  const body = permitBody.safeParse(parseJson(request.body))
  if (!body.success) return problem('body_invalid', firstIssue(body.error))
  const named = await namedCustomer(identities, body.data.customerId)
  if (named.kind === 'refused') return named.reply
  const asked = { customerId: named.customerId, decisionId: decisionId.data, channel: body.data.channel }
  const late = new AbortController()
  // A partition in doubt answers when the store does, which may be never.
  const deadline = setTimeout(permitWithinMs, null, { signal: late.signal }).catch(() => null)
  try {
    const answer = await Promise.race([shards.permit(asked), deadline])
    return answer === null
      ? problem('partition_unavailable', 'It did not answer in time: do not send.')
      : json(200, answer)
  } catch (cause) {
    if (cause instanceof ShardError) return problem('partition_unavailable', `${cause.message} Do not send.`)
    throw cause
  } finally {
    late.abort()
  }
}
