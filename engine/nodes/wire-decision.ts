/** How a request and its answer cross from node to node. Deadlines go as what is left of them: clocks may differ. */
import { z } from 'zod'
import { decodeDecision, encodeDecision } from '../../sinks/decision-codec.ts'
import { customerId, decisionBody } from '../api/schemas.ts'
import type { DecisionAnswer, DecisionRequest } from '../shard/shards.ts'

/** Aliases are resolved before they are passed on. */
const Request = decisionBody
  .omit({ after: true })
  .extend({ customerId })
  .required()
  .extend({ personalised: z.boolean().optional() })
const Answer = z.strictObject({ committed: z.boolean(), record: z.base64() })

export function printRequest(
  { customerId, requestId, placement, count, personalised }: DecisionRequest,
  withinMs: number,
): string {
  const deadlineMs = Math.max(1, Math.floor(withinMs))
  return JSON.stringify({ customerId, requestId, placement, count, deadlineMs, personalised })
}

/** The request of a body, its deadline on this machine's clock; null when it is none. */
export function parseRequest(body: unknown, now: number): DecisionRequest | null {
  const parsed = Request.safeParse(body)
  if (!parsed.success) return null
  const { deadlineMs, personalised = true, ...request } = parsed.data
  return { ...request, personalised, deadlineAt: now + deadlineMs, after: null }
}

export function printAnswer({ decision, committed }: DecisionAnswer): string {
  return `{"committed":${committed},"record":"${Buffer.from(encodeDecision(decision)).toString('base64')}"}`
}

/** @throws ZodError, DecisionDecodeError when the other node speaks another language */
export function parseAnswer(body: unknown): DecisionAnswer {
  const { committed, record } = Answer.parse(body)
  return { committed, decision: decodeDecision(Buffer.from(record, 'base64')) }
}
