/**
 * One pass of candidates through the funnel: the candidates, what the stages share, and what they came to.
 *
 * There is one run object for each context, filled anew for each placement, so that a live request over twenty offers
 * makes no garbage but its record.
 */
import type {
  CompiledOffer,
  CompiledPack,
  CompiledPlacement,
  CompiledTrigger,
  EventData,
} from '../../../rules/compiled.ts'
import type { EffectiveWindow } from '../../../rules/effective.ts'
import type { ReasonCode } from '../../../rules/reasons.ts'
import type { HoldoutTrial, Stage } from '../../../sinks/decision.ts'
import type { Slot } from '../../state/states.ts'
import type { AskedStates } from './everybody.ts'
import type { Frame } from './frames.ts'
import type { Settlement, Short, StockView } from './stock-view.ts'
import type { FunnelTables } from './tables.ts'

/** An offer that was proposed, and how far it came. */
export type Candidate = {
  offer: CompiledOffer
  /** The trigger that proposed it; null for live requests. */
  trigger: CompiledTrigger | null
  /** Still in the running: no stage has dropped it and none has chosen it. */
  alive: boolean
  stage: Stage
  reason: ReasonCode
  rule: string | null
  propensity: number
  context: number
  value: number
  lever: number
  score: number
  /** When it is possible again if nothing else changes, Unix milliseconds; 0: nothing says so. */
  possibleAt: number
  /** Placement it is to be proposed for instead; -1: none. */
  switchTo: number
  /** What a learned propensity was drawn for; null: it was not learned. */
  learned: string | null
  /** Holdouts that keep it back from the customer, a bit each; 0: none. */
  heldBy: number
  /** End of the lease of what is kept for the customer already; 0: nothing is. */
  keptUntil: number
  /** The resource that was short of what it takes; null: none was. */
  short: Short | null
  /** It was chosen and takes of resources: what was left of each before; null: it takes nothing. */
  claims: readonly number[] | null
  /** Whether it came to be compared with the others: no stage before arbitration dropped it and it beats doing nothing. */
  competes: boolean
}

export type FunnelRun = {
  readonly pack: CompiledPack
  /** The customer's, or those of anybody: see `everybody.ts`. */
  states: AskedStates
  /** Whether nothing of the customer may be read. */
  anonymous: boolean
  readonly tables: FunnelTables
  readonly lo: Float64Array
  readonly hi: Float64Array
  /** A frame of the final gate's own, so that what went wrong in the other one cannot go wrong there too. */
  readonly gateLo: Float64Array
  readonly gateHi: Float64Array
  /** Secret of the installation: draws are hashed with it. */
  readonly salt: string
  slot: Slot
  customerId: string
  /** What draws are hashed from: the id of the decision, or that of the answer it would have been had something been chosen. */
  decisionId: string
  placement: CompiledPlacement
  /** The event at hand; null for live requests. */
  event: EventData | null
  /** Whether the cause is data the bank may use. Live requests always are. */
  lawful: boolean
  /** What data of the cause may be used for, bits of `purposes`; all for live requests and what was held. */
  usableFor: number
  /** Name in states of the consent that the cause was collected under; 0: none. */
  consent: number
  /** What the frame was filled with last, and which purposes some data of the customer lacks; -1: not asked yet. */
  reads: readonly number[]
  limits: number
  /** The frame of what is usable for some purposes, and for which it is filled; 0: for none. */
  readonly limited: Frame
  limitedTo: number
  now: number
  /** Whether a rule with this window is in effect at `now`; one without always is. Asked by the final gate. */
  readonly isInEffect: (window: EffectiveWindow | null) => boolean
  /** End of the windows when the funnel looks: `now`, or the event's time when that is later. */
  asOf: number
  /** How many offers are wanted. */
  wanted: number
  /** A pool: only the first `size` are of this run. */
  readonly candidates: Candidate[]
  size: number
  /** The chosen, best first. */
  readonly chosen: Candidate[]
  /** For each guardrail: 0 not asked yet in this run, 1 open, 2 closed. */
  readonly guardrailStates: Uint8Array
  /** For each allow: 0 not asked yet in this run, 1 does not allow, 2 allows. */
  readonly allowStates: Uint8Array
  /** For each kind of offers: the guardrail that closes it, -1 none does; -2 not asked yet in this run. */
  readonly kindClosedBy: Int16Array
  /** For each kind of offers: what of the contact policy stops it before anything is chosen, null nothing; undefined: not asked yet. */
  readonly kindStops: (ContactStop | null | undefined)[]
  /** For each cap: contacts in its window including those taken in this run; -1 not counted yet. */
  readonly capCounts: Int32Array
  /** For each cap that was full: when it has room again; NaN not looked at yet. */
  readonly capFrees: Float64Array
  /** For each gap: the last contact it looks at, -1 none; NaN not looked at yet. */
  readonly gapLasts: Float64Array
  /** For each pause: when it ends, 0 there is none; -1 not looked at yet. */
  readonly pauseEnds: Float64Array
  /** For each quiet hours: when those end that the customer is in, 0 in none; NaN not looked at yet. */
  readonly quietEnds: Float64Array
  /** Scratch: the frame indexes that some candidate needs are 1. */
  readonly readMarks: Uint8Array
  /** Highest product grade allowed; NaN: not asked yet. */
  gradeAllowed: number
  /** Holdouts whose membership was asked in this run, and those the customer belongs to; a bit each. */
  holdoutsAsked: number
  memberOf: number
  /** What the run is worth to the measurement of holdouts. */
  readonly trials: HoldoutTrial[]
  /** What is known of resources, for the whole batch. */
  readonly stock: StockView
  /** What has to become of claims, of the whole batch: whoever steps takes it out. */
  readonly settlements: Settlement[]
}

/** A rule of the contact policy that stops a candidate, and when it does not any more; 0: nothing says so. */
export type ContactStop = {
  readonly reason: 'cap_reached' | 'gap_not_over' | 'paused'
  readonly rule: string
  readonly at: number
}

/** A stage: drops candidates, in any order, by `drop`. */
export type Filter = (run: FunnelRun) => void

/** The stages before placement and final gate, in the order they run. */
export type Filters = {
  readonly eligibility: Filter
  readonly suitability: Filter
  readonly guardrail: Filter
  readonly contact: Filter
  readonly fatigue: Filter
  readonly stock: Filter
  readonly holdout: Filter
  readonly arbitration: Filter
}

/** Takes a candidate out of the running and says why. */
export function drop(candidate: Candidate, stage: Stage, reason: ReasonCode, rule: string | null): void {
  candidate.alive = false
  candidate.stage = stage
  candidate.reason = reason
  candidate.rule = rule
}

/** Adds a candidate to the run, reusing the pool. */
export function propose(run: FunnelRun, offer: CompiledOffer, trigger: CompiledTrigger | null): Candidate {
  let candidate = run.candidates[run.size]
  if (candidate === undefined) {
    candidate = emptyCandidate(offer)
    run.candidates.push(candidate)
  }
  run.size++
  candidate.offer = offer
  candidate.trigger = trigger
  candidate.alive = true
  candidate.stage = 'trigger'
  candidate.reason = 'lost_arbitration'
  candidate.rule = null
  candidate.propensity = 0
  candidate.context = 0
  candidate.value = 0
  candidate.lever = 0
  candidate.score = 0
  candidate.possibleAt = 0
  candidate.switchTo = -1
  candidate.learned = null
  candidate.heldBy = 0
  candidate.keptUntil = 0
  candidate.short = null
  candidate.claims = null
  candidate.competes = false
  return candidate
}

/** Makes the run empty for a placement; what the stages remembered of the last one is forgotten. */
export function resetRun(run: FunnelRun, placement: CompiledPlacement, wanted: number): void {
  run.placement = placement
  run.wanted = wanted
  run.size = 0
  run.chosen.length = 0
  run.guardrailStates.fill(0)
  run.allowStates.fill(0)
  run.kindClosedBy.fill(-2)
  run.kindStops.fill(undefined)
  run.capCounts.fill(-1)
  run.capFrees.fill(Number.NaN)
  run.gapLasts.fill(Number.NaN)
  run.pauseEnds.fill(-1)
  run.quietEnds.fill(Number.NaN)
  run.gradeAllowed = Number.NaN
  run.holdoutsAsked = 0
  run.memberOf = 0
  run.trials.length = 0
}

function emptyCandidate(offer: CompiledOffer): Candidate {
  return {
    offer,
    trigger: null,
    alive: false,
    stage: 'trigger',
    reason: 'lost_arbitration',
    rule: null,
    propensity: 0.5,
    context: 0.5,
    value: 0.5,
    lever: 0.5,
    score: 0.5,
    possibleAt: 0.5,
    switchTo: -1,
    learned: null,
    heldBy: 0,
    keptUntil: 0.5,
    short: null,
    claims: null,
    competes: false,
  }
}
