/**
 * States as the release before this layout wrote them, byte for byte, are read as they were meant: `layout-3.json` was written by that
 * release's own code and stays as it is for ever. What they held is told to be from before origins were kept.
 */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { LAYOUT_VERSION } from '../../../engine/state/base-codec.ts'
import { createStates, type FlatStates } from '../../../engine/state/flat-states.ts'
import { BEFORE } from '../../../engine/state/origins.ts'
import { DAY, layoutOf, lifetimeWindow, rolling } from './layouts.ts'
import { commit, Shelf, slotOf } from './shelf.ts'

const T = Date.UTC(2026, 2, 25, 12)
const layout = layoutOf(
  [
    { kind: 'count', series: 0, window: rolling(30 * DAY) },
    { kind: 'sum', series: 0, window: rolling(30 * DAY) },
    { kind: 'count', series: 1, window: lifetimeWindow },
  ],
  [{}, { valued: false }],
)
const hex = z.string().transform((text) => new Uint8Array(Buffer.from(text, 'hex')))
const stored = z.strictObject({
  base: hex.nullable(),
  patches: z.array(hex),
  values: z.array(z.number()),
  exact: z.literal(true),
  suppressedUntil: z.number(),
  contacts: z.number(),
})
const released = z
  .record(z.string(), stored)
  .parse(JSON.parse(await readFile(new URL('../../fixtures/stored-states/layout-3.json', import.meta.url), 'utf8')))

const statesOf = () => createStates(layout, { maxBytes: 1 << 20, observedSince: layout.series.map(() => 0) })

test.each(['patched', 'rewritten'])(
  'a %s state of layout 3 holds what it held, and is written as it is today',
  (id) => {
    const then = released[id]
    if (then === undefined) throw new Error('the fixture has no such state')
    expect((then.base ?? then.patches[0])?.[0]).toBe(3)
    const shelf = new Shelf()
    shelf.customers.set(id, { base: then.base, patches: [...then.patches] })
    const states = statesOf()
    const look = (states: FlatStates) => {
      const slot = slotOf(states, shelf, 0, id)
      const lo = new Float64Array(layout.variables)
      const hi = new Float64Array(layout.variables)
      states.evaluate(slot, T + 1000, T + 1000, [0, 1, 2, 3, 4], lo, hi)
      expect(hi.slice(0, 5)).toEqual(lo.slice(0, 5))
      const { suppressedUntil, contacts } = then
      expect([...lo.slice(0, 5)]).toEqual(then.values)
      expect(states.suppressedUntil(slot, 7)).toBe(suppressedUntil)
      expect(states.contactCount(slot)).toBe(contacts)
      const origins: number[] = []
      states.originsOf(slot, 2, T + 1000, (origin) => origins.push(origin))
      expect(origins).toEqual([BEFORE])
    }
    look(states)
    // More is written behind it until the whole is rewritten.
    for (let i = 0; i < 80; i++)
      commit(states, shelf, 0, () => states.suppress(slotOf(states, shelf, 0, id), 8, T, T + 1 + i))
    look(states)
    const now = shelf.get(id)
    expect(now?.base?.[0]).toBe(LAYOUT_VERSION)
    look(statesOf())
  },
)

test('of a base alone it is known that it is of before, too', () => {
  const states = statesOf()
  const slot = states.load(0, 'c', { base: released['rewritten']?.base ?? null, patches: [] })
  const origins: number[] = []
  states.originsOf(slot, 2, T + 1000, (origin) => origins.push(origin))
  expect(origins).toEqual([BEFORE])
})

test('a layout of a later release is refused, not guessed', () => {
  const { patched } = released
  const later = new Uint8Array(patched?.patches[0] ?? [])
  later[0] = LAYOUT_VERSION + 1
  expect(() => statesOf().load(0, 'c', { base: null, patches: [later] })).toThrow()
})
