import { describe, expect, it } from 'vitest'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import { claimClass } from '../../../engine/state/states.ts'
import { attributeOf, DAY, HOUR, layoutOf, MINUTE } from './layouts.ts'
import { Shelf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)
const layout = layoutOf([], [], {
  attributes: [attributeOf(0, null), attributeOf(1, DAY)],
  dedupeMs: DAY,
  contactsMs: 30 * DAY,
})

function open(): { states: FlatStates; slot: number } {
  const states = createStates(layout, { maxBytes: 1 << 20, observedSince: [] })
  states.begin(0)
  return { states, slot: states.load(0, 'c1', null) }
}

describe('event ids', () => {
  it('are known for the whole lateness and forgotten a millisecond after', () => {
    const { states, slot } = open()
    expect(states.remember(slot, 1, 2, T)).toBe(true)
    expect(states.remember(slot, 1, 2, T + DAY)).toBe(false)
    expect(states.remember(slot, 2, 2, T + DAY)).toBe(true)
    expect(states.remember(slot, 1, 3, T + DAY)).toBe(true)
    expect(states.remember(slot, 1, 2, T + DAY + 1)).toBe(true)
  })

  it('are told apart by both halves, up to 2^32 - 1', () => {
    const { states, slot } = open()
    const most = 2 ** 32 - 1
    expect(states.remember(slot, most, most, T)).toBe(true)
    expect(states.remember(slot, 0, most, T)).toBe(true)
    expect(states.remember(slot, most, 0, T)).toBe(true)
    expect(states.remember(slot, most, most, T)).toBe(false)
  })

  it('are found among thousands, as a plain map would', () => {
    const { states, slot } = open()
    const known = new Map<number, number>()
    for (let i = 0; i < 30_000; i++) {
      const id = Math.imul(i % 3 === 0 ? i >> 2 : i, 0x9e3779b1) >>> 0
      const at = T + i * 45_000
      const seenAt = known.get(id)
      const isNew = seenAt === undefined || at - seenAt > DAY
      expect(states.remember(slot, 7, id, at)).toBe(isNew)
      if (isNew) known.set(id, at)
    }
    expect(states.overflows.eventIds).toBe(0)
  })

  it('beyond 4,096 within the lateness push the oldest out, which is counted', () => {
    const { states, slot } = open()
    for (let i = 0; i < 5000; i++) expect(states.remember(slot, 0, i, T)).toBe(true)
    expect(states.overflows.eventIds).toBe(5000 - 4096)
    expect(states.remember(slot, 0, 5000 - 4096, T)).toBe(false)
    expect(states.remember(slot, 0, 5000 - 4097, T)).toBe(true)
  })
})

describe('an attribute that comes with its end', () => {
  const ending = layoutOf([], [], {
    attributes: [attributeOf(0, null), attributeOf(1, DAY)],
    expiries: [{ attribute: 1, key: '00000000e0001' }],
    dedupeMs: DAY,
    contactsMs: 30 * DAY,
  })
  const stored = 2
  const openEnding = () => createStates(ending, { maxBytes: 1 << 20, observedSince: [] })
  function known(states: FlatStates, slot: number, now: number): boolean {
    const lo = new Float64Array(ending.variables)
    states.evaluate(slot, 0, now, [1], lo, new Float64Array(ending.variables))
    return Number.isFinite(lo[1])
  }

  it.each([1, 40])('is the same after a reload of %i changes, from patches or a base', (changes) => {
    const shelf = new Shelf()
    const states = openEnding()
    for (let i = 0; i < changes; i++) {
      states.begin(0)
      const slot = states.load(0, 'c1', shelf.get('c1'))
      states.setAttribute(slot, 1, i, T + i)
      states.setAttribute(slot, stored, T + HOUR, T + i)
      shelf.apply(states.writes(0))
      states.discard(0)
    }
    states.begin(0)
    const slot = states.load(0, 'c1', shelf.get('c1'))
    expect([known(states, slot, T + HOUR), known(states, slot, T + HOUR + 1)]).toEqual([true, false])
  })

  it('is read without it by a pack that does not ask for it', () => {
    const shelf = new Shelf()
    const states = openEnding()
    states.begin(0)
    const slot = states.load(0, 'c1', null)
    states.setAttribute(slot, 1, 7, T)
    states.setAttribute(slot, stored, T + HOUR, T)
    shelf.apply(states.writes(0))
    const plain = createStates(layout, { maxBytes: 1 << 20, observedSince: [] })
    plain.begin(0)
    expect(known(plain, plain.load(0, 'c1', shelf.get('c1')), T + HOUR + 1)).toBe(true)
  })
})

describe('attributes', () => {
  function read(states: FlatStates, slot: number, now: number): (readonly [number, number])[] {
    const lo = new Float64Array(layout.variables)
    const hi = new Float64Array(layout.variables)
    states.evaluate(slot, 0, now, [0, 1], lo, hi)
    return [0, 1].map((i) => [lo[i] ?? Number.NaN, hi[i] ?? Number.NaN])
  }
  const UNKNOWN = [-Infinity, Infinity]

  it('are unknown until set, when cleared, and after their validity', () => {
    const { states, slot } = open()
    expect(read(states, slot, T)).toEqual([UNKNOWN, UNKNOWN])
    states.setAttribute(slot, 0, 0, T)
    states.setAttribute(slot, 1, -3.5, T)
    expect(read(states, slot, T + DAY)).toEqual([
      [0, 0],
      [-3.5, -3.5],
    ])
    expect(read(states, slot, T + DAY + 1)).toEqual([[0, 0], UNKNOWN])
    states.setAttribute(slot, 0, Number.NaN, T + 1)
    expect(read(states, slot, T)).toEqual([UNKNOWN, [-3.5, -3.5]])
  })

  it('keep the value with the newest instant, also over a clearing', () => {
    const { states, slot } = open()
    states.setAttribute(slot, 0, 2, T)
    states.setAttribute(slot, 0, 1, T - 1)
    expect(read(states, slot, T)[0]).toEqual([2, 2])
    states.setAttribute(slot, 0, Number.NaN, T + 5)
    states.setAttribute(slot, 0, 3, T + 4)
    expect(read(states, slot, T)[0]).toEqual(UNKNOWN)
    states.setAttribute(slot, 0, 4, T + 6)
    expect(read(states, slot, T)[0]).toEqual([4, 4])
  })

  it('leave the rest of the frame alone', () => {
    const { states, slot } = open()
    const lo = new Float64Array(layout.variables).fill(42)
    const hi = new Float64Array(layout.variables).fill(42)
    states.evaluate(slot, T, T, [1, layout.variables - 1], lo, hi)
    expect([...lo]).toEqual([42, -Infinity, 42])
    expect([states.classOf(0, lo, hi), states.classOf(1, lo, hi)]).toEqual(['exact', 'unknown'])
    lo[0] = 41
    expect(states.classOf(0, lo, hi)).toBe('bounded')
  })
})

describe('suppressions', () => {
  it('run until their end; a longer one wins, a shorter one changes nothing', () => {
    const { states, slot } = open()
    expect(states.suppressedUntil(slot, 5)).toBe(0)
    states.suppress(slot, 5, T, T + 10 * DAY)
    states.suppress(slot, 5, T - DAY, T + 9 * DAY)
    expect(states.suppressedUntil(slot, 5)).toBe(T + 10 * DAY)
    states.suppress(slot, 5, T + DAY, T + 11 * DAY)
    expect(states.suppressedUntil(slot, 5)).toBe(T + 11 * DAY)
    expect(states.suppressedUntil(slot, 6)).toBe(0)
  })

  it('end when lifted, but not by a lift that is older than they are', () => {
    const { states, slot } = open()
    states.suppress(slot, 5, T, T + DAY)
    states.lift(slot, 5, T - 1)
    expect(states.suppressedUntil(slot, 5)).toBe(T + DAY)
    states.lift(slot, 5, T + 10)
    expect(states.suppressedUntil(slot, 5)).toBe(T + 10)
    states.suppress(slot, 5, T + 20, T + 2 * DAY)
    expect(states.suppressedUntil(slot, 5)).toBe(T + 2 * DAY)
  })

  it('run on after a lift of the same instant, whichever is heard of first', () => {
    const { states, slot } = open()
    states.suppress(slot, 5, T, T + DAY)
    states.lift(slot, 5, T)
    states.lift(slot, 6, T)
    states.suppress(slot, 6, T, T + DAY)
    expect([states.suppressedUntil(slot, 5), states.suppressedUntil(slot, 6)]).toEqual([T + DAY, T + DAY])
  })

  it('stay lifted when they are heard of after the lift that ended them', () => {
    const { states, slot } = open()
    states.lift(slot, 5, T + 10)
    states.suppress(slot, 5, T, T + DAY)
    expect(states.suppressedUntil(slot, 5)).toBe(0)
    states.suppress(slot, 5, T + 11, T + DAY)
    expect(states.suppressedUntil(slot, 5)).toBe(T + DAY)
  })
})

describe('contacts', () => {
  const contact = {
    at: 0,
    channel: 0,
    category: 0,
    offer: 0,
    class: 0,
    decision: 0,
    until: 0,
    answered: true,
    recalled: false,
  }
  const add = (states: FlatStates, slot: number, at: number, decision: number) =>
    states.addContact(slot, {
      at,
      channel: 4_000_000_000,
      category: 2,
      offer: 3,
      class: 2,
      decision,
      until: 0,
      answered: false,
      recalled: false,
    })
  function decisions(states: FlatStates, slot: number): number[] {
    return Array.from({ length: states.contactCount(slot) }, (_, i) => {
      states.contactAt(slot, i, contact)
      return contact.decision
    })
  }

  it('are kept oldest first, as long as the longest cap looks back', () => {
    const { states, slot } = open()
    add(states, slot, T, 1)
    add(states, slot, T - HOUR, 2)
    add(states, slot, T + 30 * DAY - HOUR, 3)
    expect(decisions(states, slot)).toEqual([2, 1, 3])
    add(states, slot, T + 30 * DAY - HOUR + 1, 4)
    expect(decisions(states, slot)).toEqual([1, 3, 4])
    states.contactAt(slot, 0, contact)
    expect(contact).toEqual({
      at: T,
      channel: 4_000_000_000,
      category: 2,
      offer: 3,
      class: 2,
      decision: 1,
      until: 0,
      answered: false,
      recalled: false,
    })
  })

  it('can be given back once', () => {
    const { states, slot } = open()
    const decision = 2 ** 53 - 1
    for (let i = 0; i < 5; i++) add(states, slot, T + i, decision - i)
    expect(states.removeContact(slot, decision - 2)).toBe(true)
    expect(states.removeContact(slot, decision - 2)).toBe(false)
    expect(decisions(states, slot)).toEqual([0, 1, 3, 4].map((i) => decision - i))
  })

  it('beyond 512 within the horizon push the oldest out, which is counted', () => {
    const { states, slot } = open()
    for (let i = 0; i < 515; i++) add(states, slot, T + i, i)
    expect(decisions(states, slot)).toEqual(Array.from({ length: 512 }, (_, i) => i + 3))
    expect(states.overflows.contacts).toBe(3)
  })

  it('are never pushed out by claims: the oldest claims go, and one that finds no room is not kept', () => {
    const { states, slot } = open()
    const claim = (at: number, decision: number) =>
      states.addContact(slot, {
        at,
        channel: 0,
        category: 0,
        offer: 3,
        class: claimClass,
        decision,
        until: at + 1,
        answered: false,
        recalled: false,
      })
    for (let i = 0; i < 20; i++) add(states, slot, T + i, i)
    for (let i = 20; i < 600; i++) claim(T + i, i)
    const contacts = Array.from({ length: 20 }, (_, i) => i)
    expect(decisions(states, slot)).toEqual([...contacts, ...Array.from({ length: 492 }, (_, i) => i + 108)])
    // An old contact that comes late has its place too.
    add(states, slot, T - HOUR, 600)
    expect(decisions(states, slot).slice(0, 22)).toEqual([600, ...contacts, 109])
    for (let i = 601; i < 1_092; i++) add(states, slot, T + i, i)
    const full = decisions(states, slot)
    expect(full).toHaveLength(512)
    expect(full.slice(0, 21)).toEqual([600, ...contacts])
    claim(T + 2_000, 2_000)
    expect(decisions(states, slot)).toEqual(full)
  })
})

describe('answers to requests', () => {
  it('are given again for ten minutes, the last eight of them', () => {
    const { states, slot } = open()
    states.rememberAnswer(slot, 1, 1, T, [7, 4_000_000_000])
    states.rememberAnswer(slot, 1, 2, T, [])
    expect(states.answerOf(slot, 1, 1, T + 10 * MINUTE)).toEqual({ at: T, offers: [7, 4_000_000_000] })
    expect(states.answerOf(slot, 1, 2, T)).toEqual({ at: T, offers: [] })
    expect(states.answerOf(slot, 1, 1, T + 10 * MINUTE + 1)).toBeNull()
    expect(states.answerOf(slot, 2, 1, T)).toBeNull()
    for (let i = 3; i <= 9; i++) states.rememberAnswer(slot, 1, i, T + i, [i])
    expect(states.answerOf(slot, 1, 1, T + 10)).toBeNull()
    expect([2, 3, 9].map((i) => states.answerOf(slot, 1, i, T + 10)?.offers)).toEqual([[], [3], [9]])
  })

  it('of one request are the last one', () => {
    const { states, slot } = open()
    states.rememberAnswer(slot, 1, 1, T, [1])
    states.rememberAnswer(slot, 1, 1, T + 1, [2, 3])
    expect(states.answerOf(slot, 1, 1, T + 1)).toEqual({ at: T + 1, offers: [2, 3] })
  })
})

describe('adopted decisions', () => {
  it('are known until their event comes by, once', () => {
    const { states, slot } = open()
    states.adopt(slot, 2 ** 53 - 1)
    states.adopt(slot, 7)
    states.adopt(slot, 7)
    expect(states.settle(slot, 8)).toBe(false)
    expect(states.settle(slot, 7)).toBe(true)
    expect(states.settle(slot, 7)).toBe(false)
    expect(states.settle(slot, 2 ** 53 - 1)).toBe(true)
  })

  it('beyond 4,096 push the oldest out, which is counted', () => {
    const { states, slot } = open()
    for (let i = 0; i < 4_100; i++) states.adopt(slot, i)
    expect(states.overflows.adopted).toBe(4)
    expect(states.settle(slot, 3)).toBe(false)
    expect(states.settle(slot, 4)).toBe(true)
    expect(states.settle(slot, 4_099)).toBe(true)
  })
})
