import type { ReasonCode } from '../../../rules/reasons.ts'
import { claimId, claimNumber, runningClaim } from '../claims.ts'
import { decisionNumber } from '../decision-id.ts'
import { type Candidate, drop, type FunnelRun } from './run.ts'
import type { Short, StockInput } from './stock-view.ts'

/** Takes over what is known for a batch. */
export function beginStock({ left, kept, refused }: StockInput, { stock }: Pick<FunnelRun, 'stock'>): void {
  stock.left.fill(Number.NaN)
  stock.left.set(left)
  stock.kept = kept
  stock.refused = refused
}

/**
 * Drops candidates that take of a resource with too little left, or of which it is not known how much is left: that is neither plenty
 * nor nothing. What is kept for the customer already is theirs, whatever is left. An offer for once is not made to whom has had it.
 */
export function filterStock(run: FunnelRun): void {
  if (!run.tables.takesAny) return
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined || !candidate.alive || candidate.offer.takes === null) continue
    const { onceKey } = candidate.offer
    const hadUntil = onceKey === 0 ? 0 : run.states.suppressedUntil(run.slot, onceKey)
    if (hadUntil > run.now) {
      drop(candidate, 'stock', 'had_already', null)
      candidate.possibleAt = hadUntil
      continue
    }
    candidate.keptUntil = runningClaim(run, candidate.offer)
    const short = candidate.keptUntil > 0 ? null : shortOf(run, candidate)
    if (short !== null) stopStock(candidate, short)
  }
}

/** Which resource is short for a candidate that would have to take; null: none is, or it has to take nothing. */
export function shortOf(run: FunnelRun, candidate: Candidate): Short | null {
  const { takes } = candidate.offer
  if (takes === null || candidate.keptUntil > 0) return null
  const { left, refused } = run.stock
  if (isKept(run, candidate)) return null
  const answer = refused.size === 0 ? undefined : refused.get(idOf(run, candidate))
  if (answer !== undefined) return answer
  for (const { resource, amount } of takes.of) {
    const units = left[resource] ?? Number.NaN
    if (!(units >= amount)) return { resource, left: units }
  }
  return null
}

/** The candidate is chosen: what it takes is not there for the next one of the batch. */
export function takeStock(run: FunnelRun, candidate: Candidate): void {
  const { takes } = candidate.offer
  if (takes === null || candidate.keptUntil > 0) return
  const { left } = run.stock
  candidate.claims = takes.of.map(({ resource }) => left[resource]!)
  if (isKept(run, candidate)) return
  for (const { resource, amount } of takes.of) left[resource]! -= amount
}

function isKept(run: FunnelRun, candidate: Candidate): boolean {
  const { kept } = run.stock
  return kept.size > 0 && kept.has(idOf(run, candidate))
}

/** Name of the claim that the run's decision would make on the candidate's offer. */
function idOf(run: FunnelRun, { offer }: Candidate): string {
  return claimId(run.salt, run.customerId, claimNumber(decisionNumber(run.decisionId), offer.key))
}

/** Drops a candidate for a resource that is short. */
export function stopStock(candidate: Candidate, short: Short): void {
  const take = candidate.offer.takes?.of.find(({ resource }) => resource === short.resource)
  const soldOut: ReasonCode = take?.kind === 'budget' ? 'budget_spent' : 'out_of_stock'
  drop(candidate, 'stock', Number.isNaN(short.left) ? 'stock_unknown' : soldOut, take?.id ?? null)
  candidate.short = short
}
