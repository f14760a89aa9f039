import * as fc from 'fast-check'
import type { Reservation } from '../../engine/store/resource.ts'

/** One call of a random list. */
export type ResourceStep =
  | { readonly kind: 'define'; readonly capacity: number }
  | { readonly kind: 'reserve'; readonly id: string; readonly reservation: Reservation }
  | { readonly kind: 'confirm'; readonly id: string; readonly amount: number }
  | { readonly kind: 'lapse'; readonly id: string }
  | { readonly kind: 'sweep'; readonly now: number }

const id = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'B', 'a:1')
const amount = fc.integer({ min: 1, max: 4 })
const instant = fc.integer({ min: 0, max: 60 })
const step: fc.Arbitrary<ResourceStep> = fc.oneof(
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('define' as const), capacity: fc.integer({ min: 0, max: 12 }) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      id,
      reservation: fc
        .record({ amount, now: instant, for: fc.integer({ min: 1, max: 40 }) })
        .map((drawn) => ({ amount: drawn.amount, now: drawn.now, leaseUntil: drawn.now + drawn.for })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('confirm' as const), id, amount }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('lapse' as const), id }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('sweep' as const), now: instant }) },
)

/** Lists of calls on one resource, most of which define it first. */
export const resourceSteps: fc.Arbitrary<readonly ResourceStep[]> = fc
  .tuple(fc.option(fc.integer({ min: 0, max: 12 }), { nil: null, freq: 9 }), fc.array(step, { maxLength: 40 }))
  .map(([capacity, steps]) => (capacity === null ? steps : [{ kind: 'define' as const, capacity }, ...steps]))

/** Makes one call; its answer. */
export function takeStep(
  on: {
    define(capacity: number): unknown
    reserve(id: string, reservation: Reservation): unknown
    confirm(id: string, amount: number): unknown
    lapse(id: string): unknown
    sweep(now: number): unknown
  },
  step: ResourceStep,
): unknown {
  switch (step.kind) {
    case 'define':
      return on.define(step.capacity)
    case 'reserve':
      return on.reserve(step.id, step.reservation)
    case 'confirm':
      return on.confirm(step.id, step.amount)
    case 'lapse':
      return on.lapse(step.id)
    case 'sweep':
      return on.sweep(step.now)
  }
}
