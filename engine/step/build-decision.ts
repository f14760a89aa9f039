import { type CompiledOffer, receiptMs } from '../../rules/compiled.ts'
import type { ReasonCode } from '../../rules/reasons.ts'
import type { ContactTaken, Decision, Fate, OfferedItem, StockAsked } from '../../sinks/decision.ts'
import { addClaim, claimId, claimNumber } from './claims.ts'
import { decisionNumber } from './decision-id.ts'
import { readFeatures } from './features-used.ts'
import type { FunnelRun } from './funnel/run.ts'
import { originsUsed } from './origins-used.ts'
import { pricesOf } from './prices.ts'
import { settle, settleShown } from './settle-claims.ts'
import type { StepContext } from './step.ts'

export type DecisionParts = {
  readonly id: string
  readonly customerId: string
  readonly cause: Decision['cause']
  readonly times: { readonly eventTime: number; readonly acceptedAt: number; readonly now: number }
  readonly outcome: Decision['outcome']
  readonly reason: ReasonCode
  /** When the offers began to be valid. */
  readonly validFrom: number
  /** Frame indexes of the features to record. */
  readonly variables: readonly number[]
  /** What waits for later. */
  readonly held?: Decision['held']
  /** What is recalled. */
  readonly recalls?: Decision['recalls']
}

const noStock: Decision['stock'] = Object.freeze([])
const noTrials: Decision['holdouts'] = Object.freeze([])

/** The record of what the run came to. For a fallback, `run.chosen` is empty and the placement's fallback is offered. */
export function buildDecision(context: StepContext, parts: DecisionParts): Decision {
  const { run, pack } = context
  const offers: OfferedItem[] = run.chosen.map(({ offer, score }) => ({ offer: offer.id, score }))
  const fallback = parts.outcome === 'fallback' ? pack.offers[run.placement.fallback] : undefined
  if (fallback !== undefined) offers.push({ offer: fallback.id, score: 0 })
  const contacts = contactsOf(run, parts)
  const features = readFeatures(run, parts.variables)
  return {
    id: parts.id,
    customerId: parts.customerId,
    cause: parts.cause,
    placement: run.placement.id,
    channel: run.placement.channel,
    packHash: pack.loaded.hash,
    eventTime: parts.times.eventTime,
    acceptedAt: parts.times.acceptedAt,
    now: parts.times.now,
    notAfter: offers.length === 0 ? 0 : endOf(run, parts.validFrom, fallback),
    outcome: parts.outcome,
    reason: parts.reason,
    offers,
    fates: fatesOf(run),
    features,
    contacts,
    confirmBy: contacts.length === 0 ? 0 : confirmBy(run, parts.validFrom),
    held: parts.held ?? [],
    nothing: pack.loaded.model.arbitration.nothing,
    modelHash: context.modelHash,
    holdouts: run.trials.length === 0 ? noTrials : run.trials.slice(),
    recalls: parts.recalls ?? [],
    stock: run.tables.takesAny ? stockOf(run, parts) : noStock,
    origins: originsUsed(run, parts.variables, features, parts.cause.source),
    prices: pricesOf(run, fallback),
  }
}

/** Until when what was chosen holds, the shortest of its offers, none longer than its window; what is kept for the customer since earlier, no longer than that. */
function endOf(run: FunnelRun, validFrom: number, fallback?: CompiledOffer): number {
  let end = validFrom + (fallback?.model.validForMs ?? Number.POSITIVE_INFINITY)
  for (const { offer, keptUntil } of run.chosen) {
    end = Math.min(end, validFrom + offer.model.validForMs, offer.window?.closesAt(validFrom) ?? end)
    if (keptUntil > 0) end = Math.min(end, keptUntil - (offer.takes?.graceMs ?? 0))
  }
  return end
}

/** Until when contacts of the run count without a receipt; 0: for good, as nobody reports what went out there. */
function confirmBy(run: FunnelRun, validFrom: number): number {
  if (run.tables.placements[run.placement.index]?.receipts !== true) return 0
  return endOf(run, validFrom) + receiptMs
}

/** Why nothing was chosen: there was nobody, it waits, a holdout keeps it back, silence was better, or all fell earlier. */
export function emptyReason(run: FunnelRun): ReasonCode {
  if (run.size === 0) return 'no_candidate'
  for (let i = 0; i < run.size; i++) if (run.candidates[i]?.reason === 'held') return 'held_back'
  for (let i = 0; i < run.trials.length; i++) if (run.trials[i]?.group === 'held_out') return 'held_out'
  for (let i = 0; i < run.size; i++) if (run.candidates[i]?.reason === 'below_nothing') return 'silence_chosen'
  return 'all_dropped'
}

/** Counts the chosen as contacts of the customer, when the placement's channel is one that caps count. */
export function recordContacts(context: StepContext, id: string, validFrom: number): boolean {
  const { run, states } = context
  const { tables, placement } = run
  const table = tables.placements[placement.index]
  if (table?.contact !== true) return false
  for (const { offer } of run.chosen) {
    states.addContact(run.slot, {
      at: run.now,
      channel: table.channelKey,
      category: tables.categoryKeys[offer.index] ?? 0,
      offer: offer.key,
      class: tables.classCodes[offer.index] ?? 0,
      decision: decisionNumber(id),
      until: confirmBy(run, validFrom),
      answered: false,
      recalled: false,
    })
  }
  return true
}

/**
 * Keeps for the customer what the chosen take of resources, whatever the channel: so that the next decision shows the same claim and takes
 * nothing again. What is taken by being offered is taken for good with the commit where no gateway reports, also of what was kept before.
 * @returns whether that changes anything
 */
export function recordClaims(context: StepContext, id: string, customerId: string): boolean {
  const { run, states } = context
  const { receipts: reports = false, channelKey: channel = 0 } = run.tables.placements[run.placement.index] ?? {}
  let any = false
  for (const { offer, claims } of run.chosen) {
    if (offer.takes === null) continue
    if (claims === null) {
      if (!reports && settleShown(context, run.slot, customerId, offer, channel)) any = true
      continue
    }
    const decision = decisionNumber(id)
    const claim = { at: run.now, until: run.now + offer.takes.leaseMs, decision, offerKey: offer.key, channel }
    addClaim(states, run.slot, claim)
    if (!reports) settle(context, customerId, offer, claimNumber(decision, offer.key), 'confirm', 'offering')
    any = true
  }
  return any
}

/** What was asked of resources: by those that came so far and were refused, and by those that were chosen. */
function stockOf(run: FunnelRun, { id, customerId, reason }: DecisionParts): readonly StockAsked[] {
  const rows: StockAsked[] = []
  for (let i = 0; i < run.size; i++) {
    const { offer, short, claims } = run.candidates[i] ?? {}
    if (offer?.takes == null) continue
    const { of, leaseMs } = offer.takes
    if (short != null) {
      const amount = of.find(({ resource }) => resource === short.resource)?.amount ?? 1
      const resource = of.find((take) => take.resource === short.resource)?.id ?? ''
      rows.push({ offer: offer.id, resource, amount, left: unitsOf(short.left), claim: null, until: 0 })
    }
    if (
      claims == null ||
      (reason !== 'offered' && reason !== 'not_personalised') ||
      !run.chosen.some((chosen) => chosen.offer === offer)
    )
      continue
    const claim = claimId(run.salt, customerId, claimNumber(decisionNumber(id), offer.key))
    for (const [j, { id: resource, amount }] of of.entries()) {
      rows.push({ offer: offer.id, resource, amount, left: unitsOf(claims[j]), claim, until: run.now + leaseMs })
    }
  }
  return rows.length === 0 ? noStock : rows
}

function unitsOf(left = Number.NaN): number | null {
  return Number.isFinite(left) ? Math.max(0, left) : null
}

/** What `recordContacts` takes for the decision; an answer that is given again takes nothing. */
function contactsOf(run: FunnelRun, parts: DecisionParts): readonly ContactTaken[] {
  if (run.tables.placements[run.placement.index]?.contact !== true) return []
  if (parts.outcome !== 'offered' || parts.reason === 'repeated_request') return []
  return run.chosen.map(({ offer }) => ({ offer: offer.id, category: offer.model.category, class: offer.model.class }))
}

function fatesOf(run: FunnelRun): readonly Fate[] {
  const fates: Fate[] = []
  for (let i = 0; i < run.size; i++) {
    const candidate = run.candidates[i]
    if (candidate === undefined) continue
    fates.push({
      offer: candidate.offer.id,
      trigger: candidate.trigger === null ? null : candidate.trigger.id,
      stage: candidate.stage,
      reason: candidate.reason,
      rule: candidate.rule,
      propensity: candidate.propensity,
      context: candidate.context,
      value: candidate.value,
      lever: candidate.lever,
      score: candidate.score,
      possibleAt: candidate.possibleAt,
      learned: candidate.learned,
    })
  }
  return fates
}
