import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { checksum } from '../../../engine/state/bytes.ts'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import { DAY, layoutOf, rolling } from './layouts.ts'
import { bytesLeft, Shelf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)
const layout = layoutOf(
  [{ kind: 'sum', series: 0, window: rolling(7 * DAY) }],
  [{ bound: 10 }, { valued: false, bound: 300 }],
)

function fresh(): FlatStates {
  return createStates(layout, { maxBytes: 1 << 20, observedSince: [0, 0] })
}

function change(states: FlatStates, slot: number, from: number): void {
  for (let i = from; i < from + 40; i++) {
    states.remember(slot, i, i * 7, T + i)
    states.addEntry(slot, 0, T + i * 3_600_000, i * 1.5)
    states.addEntry(slot, 1, T + i * 3_600_000, 0)
  }
  states.setAttribute(slot, 0, 3, T)
  states.suppress(slot, 9, T, T + DAY)
  states.addContact(slot, {
    at: T + from,
    channel: 1,
    category: 2,
    offer: 3,
    class: 2,
    decision: from,
    until: 0,
    answered: false,
    recalled: false,
  })
  states.rememberAnswer(slot, 1, 2, T, [5, 6])
  states.adopt(slot, from + 1e12)
}

function written(): { base: Uint8Array; patch: Uint8Array } {
  const states = fresh()
  const shelf = new Shelf()
  states.begin(0)
  const slot = states.load(0, 'c1', null)
  change(states, slot, 0)
  shelf.apply(states.writes(0))
  states.installed(0)
  const base = states.encode(slot)
  const later = fresh()
  later.begin(0)
  change(later, later.load(0, 'c1', { base, patches: [] }), 40)
  const [write] = later.writes(0)
  if (write === undefined || write.kind === 'erase') throw new Error('a change is written')
  return { base, patch: write.bytes }
}

const { base, patch } = written()

/** What the release wrote whose layout version was 2: a base with a contact, a suppression, an answer and an adopted decision. */
const version2 = {
  base: Buffer.from(
    '020100a0000000000080d4f6a6d2330c0100b0000000000003000180d4f6a6d2330000000000000000010000000180d4f6a6d233010000' +
      '0002000000030000000201000000000000010900000080d4f6a6d233808c90d0d2330001010000000200000080d4f6a6d2330205000000' +
      '06000000010010a5d4e80000d8177acd',
    'hex',
  ),
  patch: Buffer.from(
    '0280dccbebd233060000f0010401ff8faa89010c09af8faa890101000000020000000300000002290000000000000b0100000002000000' +
      'ff8faa89010205000000060000000c2810a5d4e8000047e581c5',
    'hex',
  ),
}

function codeOf(states: FlatStates, bytes: { base: Uint8Array; patches: readonly Uint8Array[] }): string {
  try {
    states.load(0, 'c1', bytes)
    return 'loaded'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : `not ours: ${error}`
  }
}

/** The same bytes with a checksum that fits them. */
function resealed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice()
  new DataView(copy.buffer).setUint32(copy.length - 4, checksum(copy, 0, copy.length - 4), true)
  return copy
}

describe('bytes that are not a state', () => {
  it('are refused when any byte is changed or any end is missing', () => {
    const states = fresh()
    fc.assert(
      fc.property(fc.constantFrom('base', 'patch'), fc.nat(), fc.integer({ min: 1, max: 255 }), (which, at, flip) => {
        const damaged = (which === 'base' ? base : patch).slice()
        const index = at % damaged.length
        damaged[index] = (damaged[index] ?? 0) ^ flip
        const bytes = which === 'base' ? { base: damaged, patches: [] } : { base, patches: [damaged] }
        expect(codeOf(states, bytes)).toBe('state_corrupt')
        const short = (which === 'base' ? base : patch).subarray(0, index)
        const cut = which === 'base' ? { base: short, patches: [] } : { base, patches: [short] }
        expect(codeOf(states, cut)).toBe('state_corrupt')
      }),
      { numRuns: 300 },
    )
    expect(states.usage().customers).toBe(0)
    expect(states.usage().bytes).toBe(0)
  })

  it('are refused or read, but break nothing, when even the checksum fits', () => {
    const states = fresh()
    fc.assert(
      fc.property(fc.constantFrom('base', 'patch'), fc.nat(), fc.nat(255), (which, at, byte) => {
        const damaged = (which === 'base' ? base : patch).slice()
        damaged[1 + (at % (damaged.length - 5))] = byte
        const sealed = resealed(damaged)
        const bytes = which === 'base' ? { base: sealed, patches: [] } : { base, patches: [sealed] }
        expect(['loaded', 'state_corrupt']).toContain(codeOf(states, bytes))
        states.discard(0)
        expect(bytesLeft(states)).toBe(0)
      }),
      { numRuns: 500 },
    )
  })

  it('of layout version 2 are read: every contact counts for good, and nothing is held', () => {
    const states = fresh()
    states.begin(0)
    const slot = states.load(0, 'c1', { base: version2.base, patches: [version2.patch] })
    const into = {
      at: 0,
      channel: 0,
      category: 0,
      offer: 0,
      class: 0,
      decision: 0,
      until: 1,
      answered: true,
      recalled: false,
    }
    const contacts = Array.from({ length: states.contactCount(slot) }, (_, i) => {
      states.contactAt(slot, i, into)
      return { ...into }
    })
    const contact = { channel: 1, category: 2, offer: 3, class: 2, until: 0, answered: false, recalled: false }
    expect(contacts).toEqual([
      { ...contact, at: T, decision: 1 },
      { ...contact, at: T + 40, decision: 41 },
    ])
    expect(states.heldOf(slot)).toEqual([])
    expect(states.settle(slot, 1e12)).toBe(true)
    expect(states.settle(slot, 40 + 1e12)).toBe(true)
  })

  it('of layout version 1 are read: the same, and nothing was adopted', () => {
    // Version 1 ended without the adopted decisions: here one of seven bytes behind its count.
    const before = Uint8Array.from(version2.base.subarray(0, version2.base.length - 8))
    before[0] = 1
    const states = fresh()
    states.begin(0)
    const slot = states.load(0, 'c1', { base: resealed(before), patches: [] })
    expect(states.settle(slot, 1e12)).toBe(false)
    expect(states.contactCount(slot)).toBe(1)
  })

  it('are refused when they come from a layout version we do not know', () => {
    const other = base.slice()
    other[0] = 5
    expect(codeOf(fresh(), { base: resealed(other), patches: [] })).toBe('state_corrupt')
  })
})
