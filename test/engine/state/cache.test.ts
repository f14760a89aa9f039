import { describe, expect, it } from 'vitest'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import { DAY, HOUR, layoutOf, rolling } from './layouts.ts'
import { bytesLeft, commit, Shelf, slotOf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)
const layout = layoutOf([{ kind: 'sum', series: 0, window: rolling(30 * DAY) }], [{}, {}])

function statesOf(maxBytes: number, more: { softLimitBytes?: number; hardLimitBytes?: number } = {}): FlatStates {
  return createStates(layout, { maxBytes, observedSince: [0, 0], ...more })
}

function grow(states: FlatStates, slot: number, entries: number): void {
  for (let i = 0; i < entries; i++) states.addEntry(slot, 0, T + i * HOUR, i)
}

function codeOf(call: () => unknown): string {
  try {
    call()
    return 'none'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : 'another error'
  }
}

describe('a cache that is too small for all customers', () => {
  it('gives the same states as one that holds them all', () => {
    const shelf = new Shelf()
    const small = statesOf(256 << 10)
    for (let round = 0; round < 4; round++) {
      for (let customer = 0; customer < 300; customer++) {
        const partition = customer % 4
        commit(small, shelf, partition, () => {
          const slot = slotOf(small, shelf, partition, `customer-${customer}`)
          for (let i = 0; i < 20; i++) small.addEntry(slot, i % 2, T + (round * 20 + i) * HOUR, customer + i)
        })
      }
    }
    const { customers, bytes, maxBytes } = small.usage()
    expect(customers).toBeLessThan(300)
    expect(bytes).toBeLessThanOrEqual(maxBytes)
    expect(bytes).toBeGreaterThan(maxBytes * 0.7)
    const roomy = statesOf(8 << 20)
    roomy.begin(0)
    for (let customer = 0; customer < 300; customer++) {
      const slot = roomy.load(0, `direct-${customer}`, null)
      for (let i = 0; i < 80; i++) roomy.addEntry(slot, i % 2, T + i * HOUR, customer + (i % 20))
      const loaded = roomy.load(0, `customer-${customer}`, shelf.get(`customer-${customer}`))
      expect(roomy.encode(loaded)).toEqual(roomy.encode(slot))
    }
  })

  it('evicts those that were not used lately, and none of an open batch', () => {
    const states = statesOf(256 << 10)
    const shelf = new Shelf()
    commit(states, shelf, 0, () => grow(states, states.load(0, 'regular', null), 100))
    states.begin(1)
    const pinned = states.load(1, 'pinned', null)
    grow(states, pinned, 100)
    for (let i = 0; i < 400; i++) {
      commit(states, shelf, 0, () => grow(states, states.load(0, `passer-by-${i}`, null), 50))
      expect(states.find('regular')).toBeGreaterThanOrEqual(0)
    }
    expect(states.find('pinned')).toBe(pinned)
    expect(states.find('passer-by-0')).toBe(-1)
    states.writes(1)
    states.installed(1)
  })

  it('says cache_full when one batch wants more than there is, and serves the next batch', () => {
    const states = statesOf(64 << 10)
    states.begin(0)
    const code = codeOf(() => {
      for (let i = 0; i < 1000; i++) grow(states, states.load(0, `c${i}`, null), 40)
    })
    expect(code).toBe('cache_full')
    states.discard(0)
    expect(states.usage().customers).toBe(0)
    expect(bytesLeft(states)).toBe(0)
    commit(states, new Shelf(), 0, () => grow(states, states.load(0, 'c1', null), 40))
    expect(states.usage().customers).toBe(1)
  })

  it('finds everybody who is in and nobody who is out, while hundreds come and go', () => {
    // Few slots, so that most ids of the index lie in each other's way.
    const states = statesOf(48 << 10)
    states.begin(1)
    const pinned = Array.from({ length: 20 }, (_, i) => `pinned-${i}`)
    for (const id of pinned) states.load(1, id, null)
    for (let i = 0; i < 3000; i++) {
      const id = `c${(i * 7) % 500}`
      states.begin(0)
      if (states.find(id) === -1) states.load(0, id, null)
      states.installed(0)
      expect(pinned.every((one) => states.find(one) !== -1)).toBe(true)
      expect(states.find(id)).not.toBe(-1)
      expect(states.find(`nobody-${i}`)).toBe(-1)
    }
    states.discard(0)
    expect(Array.from({ length: 500 }, (_, i) => states.find(`c${i}`)).every((slot) => slot === -1)).toBe(true)
    states.discard(1)
    expect(states.usage().customers).toBe(0)
    expect(bytesLeft(states)).toBe(0)
  })

  it('leaves room for the growth of what a batch has loaded: mutators do not run out', () => {
    const states = statesOf(1 << 20)
    const shelf = new Shelf()
    for (let batch = 0; batch < 60; batch++) {
      commit(states, shelf, 0, () => {
        for (let i = 0; i < 8; i++) grow(states, states.load(0, `c${batch}-${i}`, null), 250)
      })
    }
    expect(shelf.customers.size).toBe(480)
  })
})

describe('a partition', () => {
  it('that is discarded forgets its customers, changed or not, and no others', () => {
    const states = statesOf(1 << 20)
    const shelf = new Shelf()
    for (const partition of [0, 1]) {
      commit(states, shelf, partition, () => grow(states, states.load(partition, `stored-${partition}`, null), 3))
    }
    states.begin(0)
    grow(states, states.find('stored-0'), 3)
    states.load(0, 'new', null)
    states.discard(0)
    expect(['stored-0', 'new', 'stored-1'].map((id) => states.find(id) >= 0)).toEqual([false, false, true])
    states.begin(0)
    const slot = states.load(0, 'stored-0', shelf.get('stored-0'))
    expect(states.writes(0)).toEqual([])
    grow(states, slot, 1)
    expect(states.writes(0)).toMatchObject([{ kind: 'patch', customerId: 'stored-0', index: 1 }])
  })

  it('may have its batch open while those of others begin and end', () => {
    const states = statesOf(1 << 20)
    const [one, two] = [new Shelf(), new Shelf()]
    states.begin(0)
    const first = states.load(0, 'a', null)
    states.begin(1)
    const second = states.load(1, 'b', null)
    for (let i = 0; i < 50; i++) {
      states.addEntry(first, 0, T + i, i)
      states.addEntry(second, 1, T + i, -i)
    }
    two.apply(states.writes(1))
    states.installed(1)
    one.apply(states.writes(0))
    states.installed(0)
    const fresh = statesOf(1 << 20)
    expect(fresh.encode(fresh.load(0, 'a', one.get('a')))).toEqual(states.encode(first))
    expect(fresh.encode(fresh.load(1, 'b', two.get('b')))).toEqual(states.encode(second))
  })

  it('writes nothing for a customer that was only looked at, or whose changes changed nothing', () => {
    const states = statesOf(1 << 20)
    const shelf = new Shelf()
    commit(states, shelf, 0, () => {
      const slot = states.load(0, 'c1', null)
      states.remember(slot, 1, 2, T)
      states.setAttribute(slot, 0, 5, T)
    })
    states.begin(0)
    const slot = states.find('c1')
    expect(states.remember(slot, 1, 2, T + 1)).toBe(false)
    states.setAttribute(slot, 0, 6, T - 1)
    states.lift(slot, 1, T)
    expect(states.writes(0)).toMatchObject([{ customerId: 'c1' }])
    states.discard(0)
    states.begin(0)
    const again = states.load(0, 'c1', shelf.get('c1'))
    states.remember(again, 1, 2, T + 1)
    states.setAttribute(again, 0, 6, T - 1)
    expect(states.removeContact(again, 77)).toBe(false)
    expect(states.writes(0)).toEqual([])
  })
})

describe('a customer', () => {
  it('is written as patches, and anew as a base after at most 32 of them', () => {
    const states = statesOf(1 << 20)
    const shelf = new Shelf()
    let patches = 0
    const runs: number[] = []
    for (let i = 0; i < 200; i++) {
      states.begin(0)
      const slot = slotOf(states, shelf, 0, 'c1')
      states.addEntry(slot, 0, T + i * HOUR, i)
      const [write] = states.writes(0)
      if (write?.kind === 'base') {
        expect(write.patches).toBe(patches)
        runs.push(patches)
        patches = 0
      } else {
        expect(write).toMatchObject({ kind: 'patch', index: patches++ })
      }
      shelf.apply(write === undefined ? [] : [write])
      states.installed(0)
    }
    expect(runs.length).toBeGreaterThan(4)
    expect(Math.max(...runs)).toBeLessThanOrEqual(32)
  })

  it('above the soft limit has its largest series bounded further, and stays below', () => {
    const states = statesOf(1 << 20, { softLimitBytes: 1500 })
    states.begin(0)
    const slot = states.load(0, 'c1', null)
    grow(states, slot, 250)
    for (let i = 0; i < 20; i++) states.addEntry(slot, 1, T + i * HOUR, i)
    const lo = new Float64Array(layout.variables)
    const hi = new Float64Array(layout.variables)
    states.evaluate(slot, T + 250 * HOUR, T, [2], lo, hi)
    const truth = (249 * 250) / 2
    expect(lo[2]).toBeLessThanOrEqual(truth)
    expect(hi[2]).toBeGreaterThanOrEqual(truth)
    expect(states.encode(slot).length).toBeLessThan(1500)
    expect(states.overflows.softLimit).toBeGreaterThan(0)
  })

  it('is too large above the hard limit only', () => {
    const states = statesOf(1 << 20, { hardLimitBytes: 1000 })
    states.begin(0)
    const slot = states.load(0, 'c1', null)
    expect(states.isTooLarge(slot)).toBe(false)
    grow(states, slot, 100)
    expect(states.isTooLarge(slot)).toBe(true)
  })

  it('keeps its id, whatever its length', () => {
    const states = statesOf(1 << 20)
    const ids = ['a', 'b', 'customer-0001', 'x'.repeat(64), 'x'.repeat(63), 'x'.repeat(8)]
    states.begin(0)
    for (const id of ids) states.addEntry(states.load(0, id, null), 0, T, id.length)
    expect(states.writes(0).map(({ customerId }) => customerId)).toEqual(ids)
    states.installed(0)
    expect(new Set(ids.map((id) => states.find(id))).size).toBe(ids.length)
    expect(states.find('y'.repeat(64))).toBe(-1)
  })
})
