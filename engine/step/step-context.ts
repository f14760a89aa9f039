import type { CompiledPack, CompiledPlacement } from '../../rules/compiled.ts'
import type { States } from '../state/states.ts'
import { arbitrate } from './funnel/arbitration.ts'
import { filterContacts } from './funnel/contact.ts'
import { filterEligible } from './funnel/eligibility.ts'
import { filterGuarded } from './funnel/guardrail.ts'
import type { Filters, FunnelRun } from './funnel/run.ts'
import { filterSuitable } from './funnel/suitability.ts'
import { createTables } from './funnel/tables.ts'
import type { StepContext } from './step.ts'

/** The funnel's stages as they run in production. */
export const productionFilters: Filters = {
  eligibility: filterEligible,
  suitability: filterSuitable,
  guardrail: filterGuarded,
  contact: filterContacts,
  arbitration: arbitrate,
}

/**
 * Everything the step needs besides its input, with its scratch memory. Make one for each thread and pack; the states
 * must have been made for the pack's layout. Cost: offers x placements x guardrails.
 *
 * @param salt secret of the installation, the same after every start, else decision ids change
 */
export function createStepContext(
  pack: CompiledPack,
  states: States,
  salt: string,
  filters: Filters = productionFilters,
): StepContext {
  const lo = new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY)
  let mostTriggers = 0
  for (const plan of pack.types.values()) mostTriggers = Math.max(mostTriggers, plan.triggers.size)
  return {
    pack,
    states,
    salt,
    lo,
    hi,
    filters,
    run: createRun(pack, states, lo, hi),
    hits: new Int32Array(mostTriggers),
  }
}

function createRun(pack: CompiledPack, states: States, lo: Float64Array, hi: Float64Array): FunnelRun {
  return {
    pack,
    states,
    tables: createTables(pack),
    lo,
    hi,
    gateLo: lo.slice(),
    gateHi: hi.slice(),
    slot: -1,
    placement: pack.placements[0] ?? nowhere,
    event: null,
    lawful: false,
    now: 0,
    asOf: 0,
    wanted: 0,
    candidates: [],
    size: 0,
    chosen: [],
    guardrailStates: new Uint8Array(pack.guardrails.length),
    allowStates: new Uint8Array(pack.allows.length),
    capCounts: new Int32Array(pack.loaded.model.caps.length),
    gradeAllowed: Number.NaN,
  }
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
