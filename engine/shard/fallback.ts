import type { CompiledPack } from '../../rules/compiled.ts'
import type { AnswerReason } from '../../rules/reasons.ts'
import type { Decision } from '../../sinks/decision.ts'
import { constantPrices } from '../step/prices.ts'
import type { DecisionRequest } from './shards.ts'

/** Makes the placement's safe answer without looking at any state. */
export type MakeFallback = (request: DecisionRequest, reason: AnswerReason, now: number) => Decision

/**
 * Fallback answers of a pack, for requests that the shard does not answer in time. The pack's loader has proven that each
 * placement's fallback passes every guardrail with everything unknown. Each answer has a random id of its own: the request
 * may still be stepped, or come again, and then has the id that follows from it.
 *
 * @param newId 32 random hex digits
 */
export function createFallbacks(pack: CompiledPack, newId: () => string): MakeFallback {
  const placements = new Map(pack.placements.map((placement) => [placement.id, placement]))
  return (request, reason, now) => {
    const placement = placements.get(request.placement)
    const offer = placement?.direction === 'inbound' ? pack.offers[placement.fallback] : undefined
    return {
      id: newId(),
      customerId: request.customerId,
      cause: { kind: 'request', id: request.requestId, source: '', type: '' },
      placement: request.placement,
      channel: placement?.channel ?? '',
      packHash: pack.loaded.hash,
      eventTime: now,
      acceptedAt: now,
      now,
      notAfter: offer === undefined ? 0 : now + offer.model.validForMs,
      outcome: offer === undefined ? 'none' : 'fallback',
      reason,
      offers: offer === undefined ? [] : [{ offer: offer.id, score: 0 }],
      fates: [],
      features: [],
      contacts: [],
      confirmBy: 0,
      held: [],
      nothing: pack.loaded.model.arbitration.nothing,
      modelHash: '',
      holdouts: [],
      stock: [],
      origins: [],
      prices: offer === undefined ? [] : constantPrices(offer),
      recalls: [],
    }
  }
}
