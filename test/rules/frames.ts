/** Frames for tests: what is named is known, everything else is unknown. */
import assert from 'node:assert/strict'
import { compilePack } from '../../rules/compile-pack.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { loadPack } from '../../rules/load-pack.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import { retailBank } from './patched-pack.ts'

export type Frame = { readonly lo: Float64Array; readonly hi: Float64Array }
export type Known = Readonly<Record<string, number | boolean | string>>

/** The shipped pack, compiled. */
export async function compileRetailBank(): Promise<CompiledPack> {
  const result = await loadPack(retailBank)
  assert(result.kind === 'ok', result.kind === 'refused' ? formatProblems(result.problems) : '')
  return compilePack(result.pack)
}

/** A frame of a pack; enums by their text, money in minor units. `source.lawful` is true unless it is named. */
export function frameOf(pack: CompiledPack, known: Known = {}): Frame {
  const lo = new Float64Array(pack.layout.variables).fill(Number.NEGATIVE_INFINITY)
  const hi = new Float64Array(pack.layout.variables).fill(Number.POSITIVE_INFINITY)
  for (const [name, value] of Object.entries({ 'source.lawful': true, ...known })) {
    const index = pack.variables.findIndex((variable) => variable.name === name)
    assert(index >= 0, `the pack has a variable ${name}`)
    const code = typeof value === 'string' ? (pack.variables[index]?.values.indexOf(value) ?? -1) : Number(value)
    assert(typeof value !== 'string' || code >= 0, `${name} can be ${value}`)
    lo[index] = code
    hi[index] = code
  }
  return { lo, hi }
}

/** Position of an offer. */
export function offerIndex(pack: CompiledPack, id: string): number {
  const index = pack.offers.findIndex((offer) => offer.id === id)
  assert(index >= 0, `the pack has an offer ${id}`)
  return index
}

/** Reasons of the guardrails that close an offer on a channel, each once; suppressions apart. */
export function closedBy(pack: CompiledPack, offer: string, channel: string, { lo, hi }: Frame): readonly string[] {
  const reasons = pack.guardrailsOf(offerIndex(pack, offer), channel).flatMap((index) => {
    const guardrail = pack.guardrails[index]
    return guardrail?.condition?.may(lo, hi, null) === true ? [guardrail.reason] : []
  })
  return [...new Set(reasons)]
}

/** Ids of the triggers that an event of a type fires. */
export function fired(
  pack: CompiledPack,
  type: string,
  event: Readonly<Record<string, unknown>>,
  { lo, hi }: Frame,
): readonly string[] {
  const plan = pack.types.get(type)
  assert(plan !== undefined, `there is an event type ${type}`)
  const hits = new Int32Array(plan.triggers.size)
  const count = plan.triggers.evaluate(lo, hi, event, hits)
  return [...hits.subarray(0, count)].map((hit) => pack.triggers[plan.triggerIndex[hit] ?? -1]?.id ?? '')
}
