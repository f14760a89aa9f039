/**
 * How the fate of a candidate stands in the Avro schema. The enumeration of stages there never changes, so that every reader of
 * an older release reads every record: a stage that came later is written as the stage it did not come to, with its name
 * in `stageName`.
 */
import { type Decision, type Fate, type Stage, stages } from './decision.ts'

/** The symbols of `Stage` in the Avro schema, in its order. */
export const wireStages = [
  'trigger',
  'eligibility',
  'suitability',
  'guardrail',
  'contact',
  'arbitration',
  'placement',
  'final_gate',
  'offered',
] as const
type WireStage = (typeof wireStages)[number]

export type WireFate = Omit<Fate, 'stage'> & { readonly stage: WireStage; readonly stageName: string | null }
/** A decision as the Avro library writes and reads it. */
export type WireDecision = Omit<Decision, 'fates'> & { readonly fates: readonly WireFate[] }

const laterStages: ReadonlyMap<Stage, WireStage> = new Map([
  ['stock', 'arbitration'],
  ['holdout', 'arbitration'],
])

/** The symbol that a stage is written with. */
export function symbolOf(stage: Stage): WireStage {
  const own = wireStages.find((symbol) => symbol === stage)
  return own ?? laterStages.get(stage) ?? 'arbitration'
}

/** What a stage has to be called besides its symbol; null: the symbol says it. */
export function stageNameOf(stage: Stage): string | null {
  return laterStages.has(stage) ? stage : null
}

/** A decision in the shape of the schema. */
export function toWire(decision: Decision): WireDecision {
  const fates = decision.fates.map((fate) => ({
    ...fate,
    stage: symbolOf(fate.stage),
    stageName: stageNameOf(fate.stage),
  }))
  return { ...decision, fates }
}

/** A decision that was read. A stage by a name that this release does not know is read as its symbol. */
export function fromWire(wire: WireDecision): Decision {
  return { ...wire, fates: wire.fates.map(fateOf) }
}

/** Field by field: a spread costs five times as much, and there are some ten fates a record. */
function fateOf(wire: WireFate): Fate {
  return {
    offer: wire.offer,
    trigger: wire.trigger,
    stage: wire.stageName === null ? wire.stage : (stages.find((known) => known === wire.stageName) ?? wire.stage),
    reason: wire.reason,
    rule: wire.rule,
    propensity: wire.propensity,
    context: wire.context,
    value: wire.value,
    lever: wire.lever,
    score: wire.score,
    possibleAt: wire.possibleAt,
    learned: wire.learned,
  }
}
