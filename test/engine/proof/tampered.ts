/** Gates and compiled packs with a mistake in them, as a bug would make it: the proof has to see each. */
import { createTables, type FunnelTables, type GateRules } from '../../../engine/step/funnel/tables.ts'
import type { CompiledGuardrail, CompiledPack, Condition } from '../../../rules/compiled.ts'

/** The tables of a pack with the gate's list of each offer and placement changed. */
export function tamperedGate(pack: CompiledPack, change: (rules: GateRules) => GateRules): FunnelTables {
  const tables = createTables(pack)
  // One list object stays one: the proof takes offers under one list together, as the gate does.
  const changed = new Map<GateRules, GateRules>()
  const once = (rules: GateRules): GateRules => {
    const known = changed.get(rules) ?? change(rules)
    changed.set(rules, known)
    return known
  }
  return {
    ...tables,
    placements: tables.placements.map((placement) => ({ ...placement, gate: placement.gate.map(once) })),
  }
}

/** The gate asks nothing: what an earlier stage lets through leaves. */
export function noGate(pack: CompiledPack): FunnelTables {
  return tamperedGate(pack, () => ({ guardrails: [], allows: [], reads: [] }))
}

/** The pack with one of its compiled guardrails changed. */
export function withGuardrail(
  pack: CompiledPack,
  id: string,
  change: (guardrail: CompiledGuardrail) => CompiledGuardrail,
): CompiledPack {
  return { ...pack, guardrails: pack.guardrails.map((one) => (one.id === id ? change(one) : one)) }
}

/** A condition that closes only when it is certain: what is not known opens. */
export function unknownIsFalse(condition: Condition | null): Condition | null {
  return condition === null ? null : { ...condition, may: condition.must }
}
