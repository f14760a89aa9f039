/** Nothing that is reachable from a placement or a trigger looks at a variable that was not asked from the state. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compileRetailBank } from './frames.ts'

const pack = await compileRetailBank()
const size = pack.layout.variables

/** A frame that notes which indexes are looked at. */
function watched(values: Float64Array, seen: Set<number>): Float64Array {
  return new Proxy(values, {
    get(target, key) {
      if (typeof key === 'string' && /^\d+$/.test(key)) seen.add(Number(key))
      return Reflect.get(target, key, target)
    },
  })
}

const frames = fc
  .array(fc.option(fc.oneof(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 200_000_000 })), { nil: null }), {
    minLength: size,
    maxLength: size,
  })
  .map((values) => ({
    lo: Float64Array.from(values, (value) => value ?? Number.NEGATIVE_INFINITY),
    hi: Float64Array.from(values, (value) => value ?? Number.POSITIVE_INFINITY),
  }))

test('whatever a placement evaluates is among its reads', () => {
  fc.assert(
    fc.property(frames, fc.nat(pack.placements.length - 1), (frame, position) => {
      const placement = pack.placements[position]
      if (placement === undefined) return
      const seen = new Set<number>()
      const lo = watched(frame.lo, seen)
      const hi = watched(frame.hi, seen)
      const proposed = pack.triggers.filter((t) => t.placement === position).flatMap((trigger) => trigger.offers)
      const fallback = placement.fallback < 0 ? [] : [placement.fallback]
      for (const index of new Set([...placement.offers, ...proposed, ...fallback])) {
        const offer = pack.offers[index]
        offer?.eligible?.must(lo, hi, null)
        offer?.eligible?.may(lo, hi, null)
        for (const term of Object.values(offer?.terms ?? {})) term.low(lo, hi, null)
        if (offer?.model.riskGrade != null) pack.gradeAllowed(lo, hi)
        for (const rule of pack.guardrailsOf(index, placement.channel)) {
          pack.guardrails[rule]?.condition?.may(lo, hi, null)
        }
      }
      expect([...seen].filter((index) => !placement.reads.includes(index))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('whatever the triggers of an event type evaluate is among their reads', () => {
  const types = [...pack.types.values()].filter((plan) => plan.triggers.size > 0)
  const data = {
    pageGroup: 'fx',
    merchantCategory: 'maternity',
    category: 'early_education',
    kind: 'marriage',
    amount: 9e9,
  }
  fc.assert(
    fc.property(frames, fc.constantFrom(...types), (frame, plan) => {
      const seen = new Set<number>()
      const event = { ...data, resolved: false, direction: 'in', score: 3 }
      plan.triggers.evaluate(
        watched(frame.lo, seen),
        watched(frame.hi, seen),
        event,
        new Int32Array(plan.triggers.size),
      )
      expect([...seen].filter((index) => !plan.triggers.reads.includes(index))).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('the frame really is watched', () => {
  const seen = new Set<number>()
  const frame = watched(new Float64Array(size), seen)
  pack.gradeAllowed(frame, frame)
  expect(seen.size).toBe(1)
})
