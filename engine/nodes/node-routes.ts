/** What a node answers other nodes: for its own partitions alone, so that nothing is passed on twice. */
import { z } from 'zod'
import { parseJson, parsePosition } from '../api/decisions.ts'
import type { HttpReply, HttpRequest, Route } from '../api/http.ts'
import { json, later, problem } from '../api/http.ts'
import { customerId, decisionIdText, permitBody, positionText } from '../api/schemas.ts'
import { type NodeShards, ShardError } from '../shard/shards.ts'
import { printCopy } from './wire-copy.ts'
import { parseRequest, printAnswer } from './wire-decision.ts'

export type NodeRouteParts = {
  readonly shards: NodeShards
  readonly now: () => number
  readonly partitions: number
}

const reopenBody = z.strictObject({ lost: z.enum(['skip_lost', 'keep_closed']) })
/** Aliases are resolved before they are passed on. */
const nodePermitBody = permitBody.extend({ customerId })
const waitMsMax = 30_000

/** Routes under `/nodes/v1`, for the nodes' own key only. */
export function nodeRoutes(parts: NodeRouteParts): readonly Route[] {
  const node = 'node' as const
  const work = (answer: (request: HttpRequest) => Promise<HttpReply>) =>
    later(async (request) => {
      try {
        return await answer(request)
      } catch (cause) {
        if (cause instanceof ShardError) return refusal(cause)
        throw cause
      }
    })
  return [
    { method: 'POST', path: '/nodes/v1/decisions', access: node, handle: work((request) => decide(parts, request)) },
    {
      method: 'GET',
      path: '/nodes/v1/positions/:position',
      access: node,
      handle: work((request) => applied(parts, request)),
    },
    {
      method: 'GET',
      path: '/nodes/v1/customers/:id',
      access: node,
      handle: work(async ({ params }) => json(200, await parts.shards.customerHere(params[0] ?? ''))),
    },
    {
      method: 'GET',
      path: '/nodes/v1/copies/:id',
      access: node,
      handle: work(async ({ params }) => json(200, printCopy(await parts.shards.copyHere(params[0] ?? '')))),
    },
    {
      method: 'POST',
      path: '/nodes/v1/permits/:id',
      access: node,
      handle: work((request) => permit(parts, request)),
    },
    {
      method: 'GET',
      path: '/nodes/v1/partitions',
      access: node,
      handle: work(async () => json(200, { partitions: await parts.shards.partitionsHere() })),
    },
    {
      method: 'POST',
      path: '/nodes/v1/partitions/:partition/reopen',
      access: node,
      handle: work((request) => reopen(parts, request)),
    },
  ]
}

async function decide({ shards, now }: NodeRouteParts, request: HttpRequest): Promise<HttpReply> {
  const asked = parseRequest(parseJson(request.body), now())
  if (asked === null) return problem('body_invalid', 'Another node sent what this release does not understand.')
  const answer = await shards.decideHere(asked)
  if (answer === null) return notHere()
  return { status: 200, contentType: 'application/json', body: printAnswer(answer) }
}

async function applied({ shards, now, partitions }: NodeRouteParts, request: HttpRequest): Promise<HttpReply> {
  const token = positionText.safeParse(request.params[0])
  const position = token.success ? parsePosition(token.data, partitions) : 'unknown'
  const withinMs = Number(request.query.get('withinMs'))
  if (position === 'unknown' || !(withinMs >= 1 && withinMs <= waitMsMax))
    return problem('query_invalid', 'Another node sent what this release does not understand.')
  return json(200, { status: await shards.appliedHere(position, now() + withinMs) })
}

async function permit({ shards }: NodeRouteParts, request: HttpRequest): Promise<HttpReply> {
  const body = nodePermitBody.safeParse(parseJson(request.body))
  const decisionId = decisionIdText.safeParse(request.params[0])
  if (!body.success || !decisionId.success)
    return problem('body_invalid', 'Another node sent what this release does not understand.')
  return json(200, await shards.permitHere({ ...body.data, decisionId: decisionId.data }))
}

async function reopen({ shards, partitions }: NodeRouteParts, request: HttpRequest): Promise<HttpReply> {
  const partition = Number(request.params[0])
  const body = reopenBody.safeParse(parseJson(request.body))
  if (!body.success || !Number.isInteger(partition) || partition < 0 || partition >= partitions)
    return problem('body_invalid', 'Another node sent what this release does not understand.')
  return json(200, await shards.reopenHere(partition, body.data.lost))
}

function notHere(): HttpReply {
  return problem('not_owner', 'The partition is not on this node.')
}

function refusal({ code, message }: ShardError): HttpReply {
  switch (code) {
    case 'not_owner':
      return notHere()
    case 'partition_closed':
      return problem('partition_closed', message)
    case 'partition_busy':
      return problem('partition_busy', message)
    default:
      return problem('partition_unavailable', message)
  }
}
