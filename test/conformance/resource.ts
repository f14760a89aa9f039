/** The contract of the resource port as a suite that every adapter runs. */
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Resources, sweepMax, unitsMax } from '../../engine/store/resource.ts'
import { ResourceModel } from './resource-model.ts'
import { resourceSteps, takeStep } from './resource-steps.ts'

/** How the suite gets at an adapter. */
export type ResourcesUnderTest = {
  /** A fresh, empty place for data. */
  makePlace(): Promise<string>
  open(place: string): Promise<Resources>
  removePlace(place: string): Promise<void>
}

const soon = { amount: 1, leaseUntil: 1_000, now: 0 }

/** Registers the suite under a name. */
export function resourceConformance(name: string, underTest: ResourcesUnderTest): void {
  describe(`${name} keep the resource contract`, () => {
    let place = ''
    let resources: Resources
    beforeEach(async () => {
      place = await underTest.makePlace()
      resources = await underTest.open(place)
    })
    afterEach(async () => {
      await resources.close()
      await underTest.removePlace(place)
    })
    const kinds = async (replies: readonly Promise<{ kind: string }>[]): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {}
      for (const { kind } of await Promise.all(replies)) counts[kind] = (counts[kind] ?? 0) + 1
      return counts
    }

    it('ten thousand that ask at once for a hundred get exactly a hundred, and retries change nothing', async () => {
      await resources.define('stock', 100)
      const ask = (i: number) => resources.reserve('stock', `decision-${i}`, soon)
      const all = Array.from({ length: 10_000 }, (_, i) => i)
      const first = await Promise.all(all.map(ask))
      const got = all.filter((i) => first[i]?.kind === 'reserved')
      expect(got).toHaveLength(100)
      expect(await kinds(got.map(ask))).toEqual({ reserved: 100 })
      expect(await kinds(all.slice(0, 500).map(ask))).toMatchObject({ refused: expect.any(Number) })
      expect(await resources.count('stock')).toEqual({ capacity: 100, reserved: 100, confirmed: 0, oversold: 0 })
    }, 60_000)

    it('five that lapse are sold again, to five and not to six', async () => {
      await resources.define('stock', 10)
      for (let i = 0; i < 10; i++) {
        await resources.reserve('stock', `r${i}`, { amount: 1, leaseUntil: i < 5 ? 100 : 9_000, now: 0 })
      }
      const ask = (now: number, count: number) =>
        kinds(
          Array.from({ length: count }, (_, i) =>
            resources.reserve('stock', `late-${now}-${i}`, { amount: 1, leaseUntil: 9_000, now }),
          ),
        )
      expect(await ask(99, 6)).toEqual({ refused: 6 })
      expect(await ask(100, 6)).toEqual({ reserved: 5, refused: 1 })
      expect(await resources.count('stock')).toMatchObject({ reserved: 10, oversold: 0 })
    })

    it('a lease is made longer by the same id and never shorter', async () => {
      await resources.define('stock', 1)
      await resources.reserve('stock', 'a', { amount: 1, leaseUntil: 500, now: 0 })
      await resources.reserve('stock', 'a', { amount: 1, leaseUntil: 900, now: 0 })
      await resources.reserve('stock', 'a', { amount: 1, leaseUntil: 600, now: 0 })
      const ask = (now: number) => resources.reserve('stock', 'b', { amount: 1, leaseUntil: 2_000, now })
      expect(await ask(899)).toEqual({ kind: 'refused', left: 0 })
      expect(await ask(900)).toEqual({ kind: 'reserved' })
    })

    it('a refusal says how many are left and keeps nothing', async () => {
      await resources.define('budget', 100)
      await resources.reserve('budget', 'a', { ...soon, amount: 70 })
      expect(await resources.reserve('budget', 'b', { ...soon, amount: 31 })).toEqual({ kind: 'refused', left: 30 })
      expect(await resources.count('budget')).toMatchObject({ reserved: 70 })
      expect(await resources.reserve('budget', 'b', { ...soon, amount: 30 })).toEqual({ kind: 'reserved' })
      expect(await resources.reserve('budget', 'c', soon)).toEqual({ kind: 'refused', left: 0 })
    })

    it('what is confirmed stays: it does not lapse, and is not given back', async () => {
      await resources.define('stock', 2)
      await resources.reserve('stock', 'a', soon)
      expect(await resources.confirm('stock', 'a', 1)).toEqual({ kind: 'confirmed', oversold: 0 })
      expect(await resources.confirm('stock', 'a', 1)).toEqual({ kind: 'confirmed', oversold: 0 })
      expect(await resources.lapse('stock', 'a')).toEqual({ kind: 'confirmed' })
      expect(await resources.sweep('stock', 5_000)).toBe(0)
      expect(await resources.reserve('stock', 'a', soon)).toEqual({ kind: 'reserved' })
      expect(await resources.count('stock')).toEqual({ capacity: 2, reserved: 0, confirmed: 1, oversold: 0 })
    })

    it('a confirmation whose reservation is gone counts all the same, and says by how much that oversells', async () => {
      await resources.define('stock', 1)
      await resources.reserve('stock', 'a', { amount: 1, leaseUntil: 10, now: 0 })
      expect(await resources.reserve('stock', 'b', { amount: 1, leaseUntil: 100, now: 10 })).toEqual({
        kind: 'reserved',
      })
      expect(await resources.confirm('stock', 'b', 1)).toEqual({ kind: 'confirmed', oversold: 0 })
      expect(await resources.confirm('stock', 'a', 1)).toEqual({ kind: 'confirmed', oversold: 1 })
      expect(await resources.confirm('stock', 'a', 1)).toEqual({ kind: 'confirmed', oversold: 1 })
      expect(await resources.count('stock')).toEqual({ capacity: 1, reserved: 0, confirmed: 2, oversold: 1 })
      expect(await resources.reserve('stock', 'c', { ...soon, now: 5 })).toEqual({ kind: 'refused', left: 0 })
    })

    it('what is given back is free at once, and giving it back again changes nothing', async () => {
      await resources.define('stock', 1)
      await resources.reserve('stock', 'a', soon)
      expect(await resources.lapse('stock', 'a')).toEqual({ kind: 'lapsed' })
      expect(await resources.lapse('stock', 'a')).toEqual({ kind: 'unknown' })
      expect(await resources.reserve('stock', 'b', soon)).toEqual({ kind: 'reserved' })
      expect(await resources.lapse('stock', 'a')).toEqual({ kind: 'unknown' })
      expect(await resources.count('stock')).toMatchObject({ reserved: 1 })
    })

    it('a resource that nobody defined gives nothing, and a confirmation of it is not lost', async () => {
      expect(await resources.count('unheard')).toBeNull()
      expect(await resources.reserve('unheard', 'a', soon)).toEqual({ kind: 'not_defined' })
      expect(await resources.count('unheard')).toBeNull()
      expect(await resources.confirm('unheard', 'a', 2)).toEqual({ kind: 'confirmed', oversold: 2 })
      await resources.define('unheard', 5)
      expect(await resources.count('unheard')).toEqual({ capacity: 5, reserved: 0, confirmed: 2, oversold: 0 })
    })

    it('a smaller capacity takes nothing away and sells nothing more', async () => {
      await resources.define('stock', 5)
      for (const id of ['a', 'b', 'c']) await resources.reserve('stock', id, soon)
      await resources.define('stock', 2)
      expect(await resources.count('stock')).toEqual({ capacity: 2, reserved: 3, confirmed: 0, oversold: 1 })
      expect(await resources.reserve('stock', 'd', soon)).toEqual({ kind: 'refused', left: 0 })
      expect(await resources.reserve('stock', 'a', soon)).toEqual({ kind: 'reserved' })
    })

    it('one call frees a bounded number of leases', async () => {
      await resources.define('stock', sweepMax + 500)
      const many = Array.from({ length: sweepMax + 500 }, (_, i) => resources.reserve('stock', `r${i}`, soon))
      expect(await kinds(many)).toEqual({ reserved: sweepMax + 500 })
      expect(await resources.sweep('stock', 999)).toBe(0)
      expect(await resources.sweep('stock', 1_000)).toBe(sweepMax)
      expect(await resources.sweep('stock', 1_000)).toBe(500)
      expect(await resources.sweep('stock', 1_000)).toBe(0)
      expect(await resources.count('stock')).toMatchObject({ reserved: 0 })
    })

    it('resources do not see each other, and all is there after it is opened again', async () => {
      await resources.define('a', 1)
      await resources.define('a:b', 1)
      await resources.reserve('a', 'x', soon)
      await resources.close()
      resources = await underTest.open(place)
      expect(await resources.reserve('a:b', 'x', soon)).toEqual({ kind: 'reserved' })
      expect(await resources.reserve('a', 'y', soon)).toEqual({ kind: 'refused', left: 0 })
    })

    it('tells everything that is kept, each reservation with its lease', async () => {
      await resources.define('stock', 5_000)
      await resources.define('empty', 3)
      await resources.confirm('unheard', 'z', 2)
      await Promise.all(
        Array.from({ length: 2_500 }, (_, i) =>
          resources.reserve('stock', `r${i}`, { ...soon, leaseUntil: 1_000 + i }),
        ),
      )
      await resources.confirm('stock', 'r7', 1)
      await resources.lapse('stock', 'r8')
      const capacities = new Map<string, number | null>()
      const found = new Map<string, number | null>()
      for await (const { name, capacity, reservations } of resources.all()) {
        capacities.set(name, capacity)
        for (const { id, amount, leaseUntil } of reservations) found.set(`${name} ${id} ${amount}`, leaseUntil)
      }
      expect(capacities).toEqual(
        new Map<string, number | null>().set('stock', 5_000).set('empty', 3).set('unheard', null),
      )
      const expected = new Map<string, number | null>([['unheard z 2', null]])
      for (let i = 0; i < 2_500; i++) if (i !== 8) expected.set(`stock r${i} 1`, i === 7 ? null : 1_000 + i)
      expect(found).toEqual(expected)
    })

    it('sums of large amounts stay exact', async () => {
      await resources.define('budget', unitsMax)
      const most = { ...soon, amount: unitsMax - 1 }
      expect(await resources.reserve('budget', 'a', most)).toEqual({ kind: 'reserved' })
      expect(await resources.reserve('budget', 'b', { ...soon, amount: 2 })).toEqual({ kind: 'refused', left: 1 })
      expect(await resources.reserve('budget', 'b', soon)).toEqual({ kind: 'reserved' })
      expect(await resources.count('budget')).toMatchObject({ reserved: unitsMax, oversold: 0 })
    })

    it.each([
      ['an empty name', (r: Resources) => r.reserve('', 'a', soon)],
      ['a name with a brace', (r: Resources) => r.count('a}b')],
      ['an id with a space', (r: Resources) => r.confirm('a', 'b c', 1)],
      ['half a unit', (r: Resources) => r.reserve('a', 'b', { ...soon, amount: 0.5 })],
      ['no unit', (r: Resources) => r.confirm('a', 'b', 0)],
      ['a capacity below zero', (r: Resources) => r.define('a', -1)],
      ['a lease that has ended', (r: Resources) => r.reserve('a', 'b', { amount: 1, leaseUntil: 5, now: 5 })],
    ])('%s is a bug of the caller', async (_, call) => {
      await expect(call(resources)).rejects.toThrow(/whole|bounded|characters|after now/)
    })

    it('answers every list of calls as the model does, and never keeps more than there is', async () => {
      let round = 0
      await fc.assert(
        fc.asyncProperty(resourceSteps, async (steps) => {
          const resource = `r${round++}`
          const model = new ResourceModel()
          for (const step of steps) {
            const expected = takeStep(model, step)
            expect(await takeStep(bound(resources, resource), step)).toEqual(expected)
            const { capacity, reserved, confirmed, oversold } = model.count()
            expect(reserved + confirmed - oversold).toBeLessThanOrEqual(capacity)
          }
          if (steps.length > 0)
            expect((await resources.count(resource)) ?? new ResourceModel().count()).toEqual(model.count())
        }),
        { numRuns: 60, seed: 4_711 },
      )
    }, 60_000)
  })
}

/** The calls of one resource. */
function bound(resources: Resources, resource: string): Parameters<typeof takeStep>[0] {
  return {
    define: (capacity) => resources.define(resource, capacity),
    reserve: (id, reservation) => resources.reserve(resource, id, reservation),
    confirm: (id, amount) => resources.confirm(resource, id, amount),
    lapse: (id) => resources.lapse(resource, id),
    sweep: (now) => resources.sweep(resource, now),
  }
}
