/** A decision for a customer that is named by an alias: one look at the identity map before the shard is asked. */
import { setTimeout } from 'node:timers/promises'
import type { Identities } from '../../ingest/identity/identities.ts'
import { IdentityError } from '../../ingest/identity/identity-map.ts'
import type { AnswerReason } from '../../rules/reasons.ts'
import type { MakeFallback } from '../shard/fallback.ts'
import type { DecisionAnswer, DecisionRequest, Shards } from '../shard/shards.ts'

export type ByAliasParts = {
  readonly shards: Pick<Shards, 'decide'>
  readonly identities: Pick<Identities, 'customerOf'>
  readonly makeFallback: MakeFallback
  readonly now: () => number
  /** Told when an alias was nobody's. */
  readonly onUnknown: () => void
}

type Found = { readonly customerId: string } | { readonly reason: AnswerReason }

/**
 * The decision for whoever has the alias that the request has as its customer. Nobody: the placement's fallback, as for a person
 * not known; there is no customer whose record it could go to, so it is counted and not recorded. When the map does not
 * answer before the deadline the fallback says so.
 */
export async function decideByAlias(parts: ByAliasParts, request: DecisionRequest): Promise<DecisionAnswer> {
  const found = await findInTime(parts, request)
  if ('customerId' in found) return parts.shards.decide({ ...request, customerId: found.customerId })
  if (found.reason === 'customer_unknown') parts.onUnknown()
  const decision = parts.makeFallback({ ...request, customerId: '' }, found.reason, parts.now())
  return { decision, committed: false }
}

async function findInTime(parts: ByAliasParts, request: DecisionRequest): Promise<Found> {
  const inTime = new AbortController()
  const late = setTimeout(Math.max(0, request.deadlineAt - parts.now()), null, { signal: inTime.signal }).then(
    (): Found => ({ reason: 'deadline_exceeded' }),
    // Called off below: the other one has answered.
    (): Found => ({ reason: 'deadline_exceeded' }),
  )
  try {
    return await Promise.race([find(parts.identities, request.customerId), late])
  } finally {
    inTime.abort()
  }
}

async function find(identities: ByAliasParts['identities'], alias: string): Promise<Found> {
  try {
    const customerId = await identities.customerOf(alias)
    return customerId === null ? { reason: 'customer_unknown' } : { customerId }
  } catch (cause) {
    if (cause instanceof IdentityError) return { reason: 'store_unavailable' }
    throw cause
  }
}
