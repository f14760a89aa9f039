/** Windows of effect next to the plainest reading of them: what the wall shows at the instant. */
import fc from 'fast-check'
import { Temporal } from 'temporal-polyfill'
import { expect, test } from 'vitest'
import { type EffectiveModel, EffectiveWindow } from '../../rules/effective.ts'

const hour = 3_600_000
const at = (text: string): number => Temporal.Instant.from(text).epochMilliseconds
const friday = (zone: string): EffectiveModel => ({
  fromMs: null,
  untilMs: null,
  weekly: { days: [5], from: 720, to: 1_080 },
  zone,
})

test.each([
  ['a Friday in Shanghai', 'Asia/Shanghai', '2026-03-06T12:00+08:00', 6],
  ['the Friday before clocks go forward in London', 'Europe/London', '2026-03-27T12:00+00:00', 6],
  ['the Friday after', 'Europe/London', '2026-04-03T12:00+01:00', 6],
  ['the Friday before clocks go back', 'Europe/London', '2026-10-23T12:00+01:00', 6],
  ['the Friday after that', 'Europe/London', '2026-10-30T12:00+00:00', 6],
])('the hours of %s: closed a millisecond before and from the end on', (_name, zone, opens, hours) => {
  const window = new EffectiveWindow(friday(zone))
  const start = at(opens)
  const end = start + hours * hour
  expect([start - 1, start, end - 1, end].map((instant) => window.isOpen(instant))).toEqual([false, true, true, false])
  expect(window.opensAt(start - 1)).toBe(start)
  expect(window.closesAt(start)).toBe(end)
})

test.each([
  // Clocks go from 01:00 to 02:00 on 29 March, from 02:00 back to 01:00 on 25 October.
  ['an hour that is left out', '2026-03-29T00:30+00:00', 30, 150, 1],
  ['an hour that comes twice', '2026-10-25T00:30+01:00', 30, 150, 3],
])('over a night in which the clocks change, %s', (_name, opens, from, to, hours) => {
  const window = new EffectiveWindow({ ...friday('Europe/London'), weekly: { days: [7], from, to } })
  const start = at(opens)
  expect(window.opensAt(start - 6 * hour)).toBe(start)
  expect(window.closesAt(start)).toBe(start + hours * hour)
})

test('hours over midnight belong to the day they begin on, and whole days that meet are one stretch', () => {
  const night = new EffectiveWindow({ ...friday('UTC'), weekly: { days: [5], from: 1_320, to: 120 } })
  expect(night.isOpen(at('2026-03-07T01:59:59.999Z'))).toBe(true)
  expect(night.isOpen(at('2026-03-06T01:59:59.999Z'))).toBe(false)
  const weekend = new EffectiveWindow({ ...friday('UTC'), weekly: { days: [6, 7], from: 0, to: 1_440 } })
  expect(weekend.closesAt(at('2026-03-07T12:00Z'))).toBe(at('2026-03-09T00:00Z'))
})

test('before its first instant and from its end on it is closed, and then for good', () => {
  const fromMs = at('2026-03-01T00:00Z')
  const untilMs = at('2026-03-10T00:00Z')
  const window = new EffectiveWindow({ ...friday('UTC'), fromMs, untilMs })
  expect(window.opensAt(fromMs - 365 * 24 * hour)).toBe(at('2026-03-06T12:00Z'))
  expect(window.opensAt(at('2026-03-06T18:00Z'))).toBe(Number.POSITIVE_INFINITY)
  const plain = new EffectiveWindow({ fromMs, untilMs, weekly: null, zone: 'UTC' })
  expect([fromMs - 1, fromMs, untilMs - 1, untilMs].map((one) => plain.isOpen(one))).toEqual([false, true, true, false])
  expect(plain.opensAt(untilMs)).toBe(Number.POSITIVE_INFINITY)
})

test('what it says is what the wall shows, in whatever order it is asked', () => {
  const zones = ['UTC', 'Asia/Shanghai', 'Europe/London', 'America/New_York', 'Australia/Lord_Howe']
  // Away from the nights of the change, on which the edges are those of the tests above.
  const model = fc.record({
    days: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 7 }),
    from: fc.integer({ min: 240, max: 1_439 }),
    to: fc.integer({ min: 240, max: 1_440 }),
    zone: fc.constantFrom(...zones),
  })
  const instants = fc.array(fc.integer({ min: at('2026-01-01T00:00Z'), max: at('2027-12-31T00:00Z') }), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(model, instants, ({ zone, ...weekly }, asked) => {
      fc.pre(weekly.from !== weekly.to)
      const window = new EffectiveWindow({ fromMs: null, untilMs: null, weekly, zone })
      for (const instant of asked) {
        const wall = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone)
        const minute = wall.hour * 60 + wall.minute
        const today = weekly.days.includes(wall.dayOfWeek)
        const yesterday = weekly.days.includes(wall.subtract({ days: 1 }).dayOfWeek)
        const within =
          weekly.from < weekly.to
            ? today && minute >= weekly.from && minute < weekly.to
            : (today && minute >= weekly.from) || (yesterday && minute < weekly.to)
        expect(window.isOpen(instant)).toBe(within)
        const opens = window.opensAt(instant)
        if (!within) expect(window.isOpen(opens - 1)).toBe(false)
        expect(window.isOpen(opens)).toBe(true)
      }
    }),
    { numRuns: 300 },
  )
})
