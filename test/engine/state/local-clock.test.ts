/**
 * Goal: quiet hours follow the clock on the customer's wall, over midnight and both nights on which clocks are set. Method: a table of
 * instants, and for random ones a comparison with a search minute by minute.
 */
import * as fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { describe, expect, test } from 'vitest'
import { LocalClock } from '../../../engine/state/local-clock.ts'

const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds
const minutes = (text: string): number => Number(text.slice(0, 2)) * 60 + Number(text.slice(3))

/** Zone, hours, instant, whether it is quiet, and when it ends. */
const table: readonly (readonly [string, string, string, string, boolean, string | null])[] = [
  // An evening and a morning, over midnight.
  ['Asia/Shanghai', '21:00', '08:00', '2026-03-02T12:59:59.999Z', false, null],
  ['Asia/Shanghai', '21:00', '08:00', '2026-03-02T13:00:00Z', true, '2026-03-03T00:00:00Z'],
  ['Asia/Shanghai', '21:00', '08:00', '2026-03-02T15:59:59.999Z', true, '2026-03-03T00:00:00Z'],
  ['Asia/Shanghai', '21:00', '08:00', '2026-03-02T16:00:00Z', true, '2026-03-03T00:00:00Z'],
  ['Asia/Shanghai', '21:00', '08:00', '2026-03-02T23:59:59.999Z', true, '2026-03-03T00:00:00Z'],
  ['Asia/Shanghai', '21:00', '08:00', '2026-03-03T00:00:00Z', false, null],
  // The same hours further west in the same country.
  ['Asia/Urumqi', '21:00', '08:00', '2026-03-02T13:00:00Z', false, null],
  ['Asia/Urumqi', '21:00', '08:00', '2026-03-03T00:00:00Z', true, '2026-03-03T02:00:00Z'],
  // Hours within a day, and up to its last moment.
  ['UTC', '12:00', '14:00', '2026-03-02T11:59:59.999Z', false, null],
  ['UTC', '12:00', '14:00', '2026-03-02T12:00:00Z', true, '2026-03-02T14:00:00Z'],
  ['UTC', '12:00', '14:00', '2026-03-02T13:59:59.999Z', true, '2026-03-02T14:00:00Z'],
  ['UTC', '12:00', '14:00', '2026-03-02T14:00:00Z', false, null],
  ['UTC', '22:00', '00:00', '2026-03-02T23:59:59.999Z', true, '2026-03-03T00:00:00Z'],
  ['UTC', '22:00', '00:00', '2026-03-03T00:00:00Z', false, null],
  ['UTC', '00:00', '06:00', '2026-03-03T00:00:00Z', true, '2026-03-03T06:00:00Z'],
  ['UTC', '00:00', '06:00', '2026-03-02T23:59:59.999Z', false, null],
  // Clocks are set forward, 02:00 to 03:00 on 29 March: the night is an hour shorter.
  ['Europe/Prague', '21:00', '08:00', '2026-03-28T20:00:00Z', true, '2026-03-29T06:00:00Z'],
  ['Europe/Prague', '21:00', '08:00', '2026-03-29T00:59:59.999Z', true, '2026-03-29T06:00:00Z'],
  ['Europe/Prague', '21:00', '08:00', '2026-03-29T01:00:00Z', true, '2026-03-29T06:00:00Z'],
  ['Europe/Prague', '21:00', '08:00', '2026-03-29T06:00:00Z', false, null],
  // Over the end of the hours: they end with the jump, as 02:30 never comes.
  ['Europe/Prague', '22:00', '02:30', '2026-03-28T23:00:00Z', true, '2026-03-29T01:00:00Z'],
  ['Europe/Prague', '22:00', '02:30', '2026-03-29T01:00:00Z', false, null],
  // Over their beginning: they begin with the jump.
  ['Europe/Prague', '02:30', '06:00', '2026-03-29T00:59:59.999Z', false, null],
  ['Europe/Prague', '02:30', '06:00', '2026-03-29T01:00:00Z', true, '2026-03-29T04:00:00Z'],
  // Over both: on that night there are none.
  ['Europe/Prague', '02:00', '03:00', '2026-03-29T00:59:59.999Z', false, null],
  ['Europe/Prague', '02:00', '03:00', '2026-03-29T01:00:00Z', false, null],
  // Clocks are set back, 03:00 to 02:00 on 25 October: the night is an hour longer.
  ['Europe/Prague', '21:00', '08:00', '2026-10-24T19:00:00Z', true, '2026-10-25T07:00:00Z'],
  ['Europe/Prague', '21:00', '08:00', '2026-10-25T06:59:59.999Z', true, '2026-10-25T07:00:00Z'],
  ['Europe/Prague', '21:00', '08:00', '2026-10-25T07:00:00Z', false, null],
  // 02:30 comes twice: quiet ends, and begins once more for half an hour.
  ['Europe/Prague', '22:00', '02:30', '2026-10-25T00:29:59.999Z', true, '2026-10-25T00:30:00Z'],
  ['Europe/Prague', '22:00', '02:30', '2026-10-25T00:30:00Z', false, null],
  ['Europe/Prague', '22:00', '02:30', '2026-10-25T01:00:00Z', true, '2026-10-25T01:30:00Z'],
  ['Europe/Prague', '22:00', '02:30', '2026-10-25T01:30:00Z', false, null],
  // Hours that begin at 02:30 begin, are called off by the clock, and begin again.
  ['Europe/Prague', '02:30', '06:00', '2026-10-25T00:30:00Z', true, '2026-10-25T01:00:00Z'],
  ['Europe/Prague', '02:30', '06:00', '2026-10-25T01:00:00Z', false, null],
  ['Europe/Prague', '02:30', '06:00', '2026-10-25T01:30:00Z', true, '2026-10-25T05:00:00Z'],
  // South of the equator, and half an hour.
  ['Australia/Lord_Howe', '21:00', '08:00', '2026-04-04T15:30:00Z', true, '2026-04-04T21:30:00Z'],
  ['America/St_Johns', '21:00', '08:00', '2026-03-08T05:00:00Z', true, '2026-03-08T10:30:00Z'],
  ['Pacific/Chatham', '21:00', '08:00', '2026-07-01T12:00:00Z', true, '2026-07-01T19:15:00Z'],
  ['Asia/Kathmandu', '21:00', '08:00', '2026-07-01T15:15:00Z', true, '2026-07-02T02:15:00Z'],
]

describe('quiet hours', () => {
  test.each(table)('in %s from %s to %s at %s', (zone, from, to, instant, isQuiet, end) => {
    const clock = new LocalClock(zone)
    expect(clock.isWithin(at(instant), minutes(from), minutes(to))).toBe(isQuiet)
    if (end === null) return
    expect(new Date(clock.endOf(at(instant), minutes(from), minutes(to))).toISOString()).toBe(
      new Date(at(end)).toISOString(),
    )
  })

  test('end at the first instant that is not quiet, at any instant of any zone', () => {
    const zone = fc.constantFrom('UTC', 'Asia/Shanghai', 'Europe/Prague', 'America/New_York', 'Australia/Lord_Howe')
    const quarter = fc.integer({ min: 0, max: 95 }).map((n) => n * 15)
    const instant = fc.integer({ min: at('2025-10-01T00:00:00Z') / 60_000, max: at('2026-11-30T00:00:00Z') / 60_000 })
    fc.assert(
      fc.property(zone, quarter, quarter, instant, (name, from, to, minute) => {
        fc.pre(from !== to)
        const clock = new LocalClock(name)
        const quiet = (t: number): boolean => {
          const there = Temporal.Instant.fromEpochMilliseconds(t).toZonedDateTimeISO(name)
          const now = there.hour * 60 + there.minute
          return from < to ? now >= from && now < to : now >= from || now < to
        }
        const start = minute * 60_000
        expect(clock.isWithin(start, from, to)).toBe(quiet(start))
        if (!quiet(start)) return
        const end = clock.endOf(start, from, to)
        expect(quiet(end)).toBe(false)
        for (let t = start; t < end; t += 5 * 60_000) expect(quiet(t)).toBe(true)
        expect(quiet(end - 1)).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
