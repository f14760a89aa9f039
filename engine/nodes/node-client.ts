/** Asks other nodes over HTTP, on kept connections. One message a call; what goes wrong is a value. */
import { Agent, request } from 'node:http'
import { z } from 'zod'
import { rejectReasons } from '../../ingest/event.ts'
import type { ActivationPeers } from '../activation/activation-peers.ts'
import { permitAnswer } from '../api/schemas.ts'
import type { PeerReply, Peers } from '../shard/peers.ts'
import type { CustomerView, PartitionStatus } from '../shard/shards.ts'
import type { HeedPeers } from './heed.ts'
import { parseCopy } from './wire-copy.ts'
import { parseAnswer, printRequest } from './wire-decision.ts'
import { preparedAnswer, runsAnswer } from './wire-packs.ts'

const appliedReply = z.object({ status: z.enum(['accepted', 'duplicate', ...rejectReasons]).nullable() })
const problemReply = z.object({ code: z.string(), detail: z.string().default('') })
/** Beyond the time a node is given for its answer, for the way there and back. */
const graceMs = 10
/** A node that does not confirm in time says which of its shards did not. */
const packGraceMs = 500
const socketsMax = 64
const bodyBytesMax = 16 * 1024 * 1024

export type NodeClient = Peers & ActivationPeers & HeedPeers & { close(): void }

/** A client for the nodes of an installation; `key` is the nodes' own. */
export function createNodeClient(key: string): NodeClient {
  const agent = new Agent({ keepAlive: true, maxSockets: socketsMax })

  function send(addr: string, call: { method: 'GET' | 'POST'; path: string; body: string; withinMs: number }) {
    return new Promise<{ readonly status: number; readonly body: unknown }>((resolve, reject) => {
      const sent = request(
        `http://${addr}${call.path}`,
        {
          agent,
          method: call.method,
          headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
          signal: AbortSignal.timeout(Math.ceil(call.withinMs) + graceMs),
        },
        (response) => {
          const chunks: Buffer[] = []
          let bytes = 0
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length
            if (bytes > bodyBytesMax) response.destroy(new RangeError('the answer is too large'))
            else chunks.push(chunk)
          })
          response.on('error', reject)
          response.on('end', () => {
            try {
              const body: unknown = JSON.parse(Buffer.concat(chunks).toString('utf8'))
              resolve({ status: response.statusCode ?? 0, body })
            } catch (cause) {
              reject(cause)
            }
          })
        },
      )
      sent.on('error', reject)
      sent.end(call.body)
    })
  }

  async function ask<Value>(
    addr: string,
    call: { method: 'GET' | 'POST'; path: string; body?: string; withinMs: number },
    read: (body: unknown) => Value,
  ): Promise<PeerReply<Value>> {
    try {
      const { status, body } = await send(addr, { body: '', ...call })
      if (status === 200) return { kind: 'answer', value: read(body) }
      const problem = problemReply.safeParse(body)
      if (!problem.success) return { kind: 'unreachable' }
      const { code, detail } = problem.data
      if (code === 'not_owner') return { kind: 'not_owner' }
      if (code === 'partition_closed' || code === 'partition_busy') return { kind: 'refused', code, message: detail }
      return { kind: 'unreachable' }
    } catch {
      // Not there, too late, or of another release: for the caller it is all the same.
      return { kind: 'unreachable' }
    }
  }

  return {
    decide: (addr, asked, withinMs) =>
      ask(
        addr,
        { method: 'POST', path: '/nodes/v1/decisions', body: printRequest(asked, withinMs), withinMs },
        parseAnswer,
      ),
    applied: (addr, { partition, offset }, withinMs) => {
      const path = `/nodes/v1/positions/p${partition}-${offset}?withinMs=${Math.max(1, Math.floor(withinMs))}`
      return ask(addr, { method: 'GET', path, withinMs }, (body) => appliedReply.parse(body).status)
    },
    customer: (addr, customerId, withinMs) =>
      ask(addr, { method: 'GET', path: `/nodes/v1/customers/${customerId}`, withinMs }, viewOf),
    copy: (addr, customerId, withinMs) =>
      ask(addr, { method: 'GET', path: `/nodes/v1/copies/${customerId}`, withinMs }, parseCopy),
    permit: (addr, { customerId, decisionId, channel }, withinMs) =>
      ask(
        addr,
        {
          method: 'POST',
          path: `/nodes/v1/permits/${decisionId}`,
          body: JSON.stringify({ customerId, channel }),
          withinMs,
        },
        (body) => permitAnswer.parse(body),
      ),
    partitions: (addr, withinMs) => ask(addr, { method: 'GET', path: '/nodes/v1/partitions', withinMs }, statusesOf),
    reopen: (addr, partition, lost, withinMs) =>
      ask(
        addr,
        { method: 'POST', path: `/nodes/v1/partitions/${partition}/reopen`, body: JSON.stringify({ lost }), withinMs },
        (body) => statusSchema.parse(body),
      ),
    prepare: (addr, preparing, withinMs) =>
      ask(
        addr,
        {
          method: 'POST',
          path: '/nodes/v1/packs/prepare',
          body: JSON.stringify({ ...preparing, withinMs }),
          withinMs: withinMs + packGraceMs,
        },
        (body) => preparedAnswer.parse(body),
      ),
    forget: (addr, activation, withinMs) =>
      ask(
        addr,
        { method: 'POST', path: '/nodes/v1/packs/forget', body: JSON.stringify({ activation }), withinMs },
        (body) => z.null().parse(body),
      ),
    takeUp: (addr, withinMs) =>
      ask(addr, { method: 'POST', path: '/nodes/v1/packs/take-up', body: 'null', withinMs }, (body) =>
        runsAnswer.parse(body),
      ),
    runs: (addr, withinMs) =>
      ask(addr, { method: 'GET', path: '/nodes/v1/packs', withinMs }, (body) => runsAnswer.parse(body)),
    heed: (addr, withinMs) =>
      ask(addr, { method: 'POST', path: '/nodes/v1/sources/heed', body: 'null', withinMs }, (body) =>
        z.null().parse(body),
      ),
    close: () => agent.destroy(),
  }
}

const statusSchema: z.ZodType<PartitionStatus> = z.object({
  partition: z.number(),
  state: z.enum(['idle', 'acquiring', 'running', 'doubt', 'closed']),
  reason: z.string().nullable(),
  addr: z.string(),
  seq: z.number(),
  next: z.number(),
  end: z.number(),
  published: z.number(),
  adopted: z.number(),
  totals: z.object({
    accepted: z.number(),
    duplicates: z.number(),
    deadLettered: z.number(),
    decisions: z.number(),
  }),
})

function statusesOf(body: unknown): readonly PartitionStatus[] {
  return z.object({ partitions: z.array(statusSchema) }).parse(body).partitions
}

const viewSchema: z.ZodType<CustomerView> = z.object({
  customerId: z.string(),
  partition: z.number(),
  known: z.boolean(),
  erasedAt: z.number().nullable(),
  asOf: z.number(),
  packHash: z.string(),
  variables: z.array(
    z.object({
      name: z.string(),
      kind: z.enum(['attribute', 'feature']),
      type: z.string(),
      value: z.string(),
      lo: z.number().nullable(),
      hi: z.number().nullable(),
      class: z.enum(['exact', 'bounded', 'unknown']),
      window: z.string(),
    }),
  ),
  suppressions: z.array(z.object({ guardrail: z.string(), until: z.number() })),
  overrides: z.array(z.object({ guardrail: z.string(), until: z.number() })),
  contacts: z.array(z.object({ at: z.number(), offer: z.string(), channel: z.string(), category: z.string() })),
  bytes: z.number(),
})

function viewOf(body: unknown): CustomerView {
  return viewSchema.parse(body)
}
