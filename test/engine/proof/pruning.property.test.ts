/**
 * The proof looks at a part of the cases and claims them all. Held against looking at every one: of gates with random
 * mistakes in them it refutes those, and only those, through which something leaks for somebody.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { combinations, eachCombination, writeFrame } from '../../../engine/proof/cases.ts'
import { domainOf } from '../../../engine/proof/domains.ts'
import { proofLimits, proveGate } from '../../../engine/proof/prove-gate.ts'
import { ruleTexts } from '../../../engine/proof/rule-texts.ts'
import { type GateView, stoppedBy } from '../../../engine/step/funnel/final-gate.ts'
import { createTables, type FunnelTables } from '../../../engine/step/funnel/tables.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack, CompiledPlacement } from '../../../rules/compiled.ts'
import { inScope } from '../../../rules/scope.ts'
import { everyPurpose } from '../../../rules/source-table.ts'
import { loadBank } from '../step/bank-pack.ts'
import { packsOver } from './arbitrary-rules.ts'
import { tamperedGate, unknownIsFalse } from './tampered.ts'

const pack = await loadBank()
const casesMax = 60_000

/** A mistake, made in the rule of a number (modulo how many there are). */
type Mistake = readonly [
  kind: 'none' | 'forgotten' | 'unknown_is_false' | 'no_suppression' | 'others_key' | 'no_override' | 'certain_allow',
  rule: number,
]

function mistaken(
  sound: CompiledPack,
  [kind, rule]: Mistake,
): { readonly pack: CompiledPack; readonly tables: FunnelTables } {
  const at = rule % sound.guardrails.length
  const other = sound.guardrails[(at + 1) % sound.guardrails.length]
  const change = (
    wrong: (one: (typeof sound.guardrails)[number]) => (typeof sound.guardrails)[number],
  ): CompiledPack => ({
    ...sound,
    guardrails: sound.guardrails.map((one, i) => (i === at ? wrong(one) : one)),
  })
  const wrong: CompiledPack =
    kind === 'unknown_is_false'
      ? change((one) => ({ ...one, condition: unknownIsFalse(one.condition) }))
      : kind === 'no_suppression'
        ? change((one) => ({ ...one, hasSuppression: false }))
        : kind === 'others_key'
          ? change((one) => ({ ...one, override: other?.override ?? one.override }))
          : kind === 'no_override'
            ? change((one) => ({
                ...one,
                override: one.override ?? { role: 'anybody', atMostMs: 1, key: one.key + 1 },
              }))
            : kind === 'certain_allow'
              ? {
                  ...sound,
                  allows: sound.allows.map((one) => ({
                    ...one,
                    condition: one.condition === null ? null : { ...one.condition, must: one.condition.may },
                  })),
                }
              : sound
  const tables =
    kind === 'forgotten'
      ? tamperedGate(wrong, (rules) => ({ ...rules, guardrails: rules.guardrails.filter((index) => index !== at) }))
      : createTables(wrong)
  return { pack: wrong, tables }
}

/** Whether something leaks for somebody, by trying everybody; null: there are too many. */
function leaks(sound: CompiledPack, { pack: wrong, tables }: ReturnType<typeof mistaken>): boolean | null {
  let found = false
  for (const placement of sound.placements) {
    for (const offer of sound.offers) {
      if (found) return true
      if (!offer.model.channels.includes(placement.channel)) continue
      const one = leaksOf(sound, { pack: wrong, tables }, placement, offer.index)
      if (one === null) return null
      found ||= one
    }
  }
  return found
}

function leaksOf(
  sound: CompiledPack,
  wrong: ReturnType<typeof mistaken>,
  placement: CompiledPlacement,
  index: number,
): boolean | null {
  const offer = sound.offers[index]!
  const { category, class: messageClass } = offer.model
  const texts = ruleTexts(sound.loaded.model)
  const holds = (scope: Parameters<typeof inScope>[0]) => inScope(scope, category, messageClass, placement.channel)
  const guardrails = sound.guardrails.filter(({ closes }) => holds(closes))
  const allows = sound.allows.filter(({ opens }) => holds(opens))
  const rules = [...texts.guardrails, ...texts.allows]
  const read = [...new Set([...guardrails, ...allows].flatMap(({ condition }) => condition?.reads ?? []))]
  const features = new Set(sound.layout.features.map(({ variable }) => variable))
  const domains = read.flatMap((variable) => {
    const trees = rules.flatMap(({ tree, reads }) => (tree !== null && reads.includes(variable) ? [tree] : []))
    const known = texts.variables[variable]
    return known === undefined ? [] : [domainOf(known, trees, features.has(variable))]
  })
  // What events put in force, and under which keys the wrong pack keeps it.
  const running = sound.guardrails.map(({ hasSuppression }) => (hasSuppression ? 2 : 1))
  const opening = wrong.pack.guardrails.map(({ override }) => (override === null ? 1 : 2))
  const sizes = [...domains.map(({ values }) => values.length), ...running, ...opening]
  if (combinations(sizes) > casesMax) return null
  const lo = new Float64Array(sound.layout.variables)
  const hi = new Float64Array(sound.layout.variables)
  const on = new Set<number>()
  const view: GateView = {
    ...{
      pack: wrong.pack,
      tables: wrong.tables,
      placement,
      slot: 0,
      event: null,
      lawful: true,
      usableFor: everyPurpose,
      now: 1,
      asOf: 1,
    },
    isInEffect: (window) => window === null,
    gateLo: new Float64Array(sound.layout.variables),
    gateHi: new Float64Array(sound.layout.variables),
    states: {
      evaluate: (_slot, _asOf, _now, reads, intoLo, intoHi) => {
        for (const variable of reads) {
          intoLo[variable] = lo[variable]!
          intoHi[variable] = hi[variable]!
        }
      },
      suppressedUntil: (_slot, key) => (on.has(key) ? 2 : 0),
    },
  }
  const grade = sound.layout.attributes.findIndex(({ id }) => id === 'riskGrade')
  let leak = false
  eachCombination(sizes, (at) => {
    lo.fill(Number.NEGATIVE_INFINITY)
    hi.fill(Number.POSITIVE_INFINITY)
    if (offer.model.riskGrade !== null) {
      lo[grade] = 3
      hi[grade] = 3
    }
    writeFrame(domains, at, lo, hi)
    on.clear()
    const runs = (i: number) => at[domains.length + i] === 1
    const opened = (i: number) => at[domains.length + running.length + i] === 1
    for (const [i, { key, override }] of wrong.pack.guardrails.entries()) {
      if (runs(i)) on.add(key)
      if (opened(i)) on.add(override?.key ?? 0)
    }
    const allowed = allows.some(({ condition }) => condition === null || condition.must(lo, hi, null))
    const forbidden = guardrails.some(({ condition, index: i, override }) => {
      const isHeld = condition?.may(lo, hi, null) === true || runs(i)
      return isHeld && (override === null || !(opened(i) || allowed))
    })
    leak = forbidden && stoppedBy(view, offer) === null
    return !leak
  })
  return leak
}

const mistakes = fc.tuple(
  fc.constantFrom(
    ...([
      'none',
      'forgotten',
      'unknown_is_false',
      'no_suppression',
      'others_key',
      'no_override',
      'certain_allow',
    ] as const),
  ),
  fc.nat({ max: 2 }),
)

test('of gates with and without mistakes the proof refutes those that leak, and no other', { timeout: 120_000 }, () => {
  const seen = { leaking: 0, sound: 0 }
  fc.assert(
    fc.property(packsOver(pack, { guardrails: 3, allows: 1 }), mistakes, (random, mistake) => {
      const sound = compilePack(random)
      const wrong = mistaken(sound, mistake)
      const leaking = leaks(sound, wrong)
      fc.pre(leaking !== null)
      const proof = proveGate(wrong.pack, proofLimits, wrong.tables)
      const refuted = proof.counterexamples.some(({ what }) => what === 'leaves')
      expect([mistake, refuted]).toEqual([mistake, leaking])
      if (mistake[0] === 'none') expect(proof.verdict).toBe('proven')
      seen[leaking ? 'leaking' : 'sound']++
    }),
    { numRuns: 250 },
  )
  // Both kinds came up, so that the claim is one.
  expect(Math.min(seen.leaking, seen.sound)).toBeGreaterThan(30)
})
