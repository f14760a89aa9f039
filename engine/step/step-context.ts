import type { CompiledPack, CompiledPlacement } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import { atOnce, type Slices } from '../../rules/slices.ts'
import { everyPurpose } from '../../rules/source-table.ts'
import type { States } from '../state/states.ts'
import { arbitrate } from './funnel/arbitration.ts'
import { filterContacts } from './funnel/contact.ts'
import { filterEligible } from './funnel/eligibility.ts'
import { filterTired } from './funnel/fatigue.ts'
import { filterGuarded } from './funnel/guardrail.ts'
import { filterHeldOut } from './funnel/holdout.ts'
import type { Filters, FunnelRun } from './funnel/run.ts'
import { filterStock } from './funnel/stock.ts'
import { nothingKnown } from './funnel/stock-view.ts'
import { filterSuitable } from './funnel/suitability.ts'
import { tablesInSlices } from './funnel/tables.ts'
import type { StepContext } from './step.ts'

/** The funnel's stages as they run in production. */
export const productionFilters: Filters = {
  eligibility: filterEligible,
  suitability: filterSuitable,
  guardrail: filterGuarded,
  contact: filterContacts,
  fatigue: filterTired,
  stock: filterStock,
  holdout: filterHeldOut,
  arbitration: arbitrate,
}

/**
 * Everything the step needs besides its input, with its scratch memory. Make one for each thread and pack; the states
 * must have been made for the pack's layout. Cost: offers x placements x guardrails.
 *
 * @param learned what learned propensities are drawn from; null: from their priors alone
 * @param salt secret of the installation, the same after every start, else decision ids and members of holdouts change
 */
export function createStepContext(
  pack: CompiledPack,
  states: States,
  salt: string,
  filters: Filters = productionFilters,
  learned: LoadedLearned | null = null,
): StepContext {
  states.judgeSources(pack.sourceTable)
  return atOnce(contextInSlices(pack, states, salt, filters, learned))
}

/** The same for a thread that must not stand still; the states go on judging sources as before (`judgeSources`). */
export function* contextInSlices(
  pack: CompiledPack,
  states: States,
  salt: string,
  filters: Filters,
  learned: LoadedLearned | null,
): Slices<StepContext> {
  const lo = new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY)
  let mostTriggers = 0
  for (const plan of pack.types.values()) mostTriggers = Math.max(mostTriggers, plan.triggers.size)
  return {
    pack,
    states,
    salt,
    modelHash: learned?.hash ?? '',
    lo,
    hi,
    filters,
    run: yield* createRun(pack, states, salt, learned, lo, hi),
    hits: new Int32Array(mostTriggers),
  }
}

/**
 * Has a context go on with another form of its pack, of the same layout: with rules quarantined, or no more. Between two steps only.
 * Its frame, pools and what was learned are made anew.
 */
export function putInForce(context: StepContext, pack: CompiledPack, learned: LoadedLearned | null): void {
  Object.assign(context, createStepContext(pack, context.states, context.salt, context.filters, learned))
}

function* createRun(
  pack: CompiledPack,
  states: States,
  salt: string,
  learned: LoadedLearned | null,
  lo: Float64Array,
  hi: Float64Array,
): Slices<FunnelRun> {
  const tables = yield* tablesInSlices(pack, learned?.table ?? null)
  const run: FunnelRun = {
    pack,
    states,
    tables,
    lo,
    hi,
    gateLo: lo.slice(),
    gateHi: hi.slice(),
    salt,
    slot: -1,
    customerId: '',
    decisionId: '',
    placement: pack.placements[0] ?? nowhere,
    event: null,
    lawful: false,
    anonymous: false,
    usableFor: everyPurpose,
    consent: 0,
    reads: [],
    limits: -1,
    limited: { lo: lo.slice(), hi: hi.slice() },
    limitedTo: 0,
    now: 0,
    isInEffect: (window) => window === null || window.isOpen(run.now),
    asOf: 0,
    wanted: 0,
    candidates: [],
    size: 0,
    chosen: [],
    guardrailStates: new Uint8Array(pack.guardrails.length),
    allowStates: new Uint8Array(pack.allows.length),
    kindClosedBy: new Int16Array(tables.kindCount),
    kindStops: Array.from({ length: tables.kindCount }, () => undefined),
    capCounts: new Int32Array(pack.loaded.model.caps.length),
    capFrees: new Float64Array(pack.loaded.model.caps.length),
    gapLasts: new Float64Array(pack.loaded.model.gaps.length),
    pauseEnds: new Float64Array(pack.loaded.model.pauses.length),
    quietEnds: new Float64Array(pack.loaded.model.quietHours.length),
    readMarks: new Uint8Array(pack.layout.variables),
    gradeAllowed: Number.NaN,
    holdoutsAsked: 0,
    memberOf: 0,
    trials: [],
    stock: { left: new Float64Array(pack.loaded.model.resources.length).fill(Number.NaN), ...nothingKnown },
    settlements: [],
  }
  return run
}

/** What a run stands at before its first placement: a place that shows nothing. */
export const nowhere: CompiledPlacement = {
  id: '',
  index: -1,
  channel: '',
  direction: 'inbound',
  slots: 0,
  fallback: -1,
  offers: [],
  reads: [],
}
