import { expect, test } from 'vitest'
import { durationMs, formatDuration, moneyMinor, windowOf } from '../../rules/quantities.ts'

test.each([
  ['250ms', 250],
  ['90s', 90_000],
  ['15m', 900_000],
  ['72h', 259_200_000],
  ['30d', 2_592_000_000],
  ['0d', 0],
  ['30', null],
  ['30 d', null],
  ['1.5h', null],
  ['-1d', null],
  ['1w', null],
  ['', null],
])('the duration %s has %s milliseconds', (text, ms) => {
  expect(durationMs(text)).toBe(ms)
})

test.each([
  ['5000.00', 500_000],
  ['0.01', 1],
  ['0.10', 10],
  ['-12.34', -1_234],
  ['9999999999999.99', 999_999_999_999_999],
  ['5000', null],
  ['5000.0', null],
  ['5,000.00', null],
  ['1e3', null],
])('the amount %s has %s minor units', (text, minor) => {
  expect(moneyMinor(text)).toBe(minor)
})

test('windows are durations, periods of the calendar, or all of time', () => {
  expect(windowOf('24h')).toEqual({ kind: 'rolling', ms: 86_400_000 })
  expect(windowOf('calendar-week')).toEqual({ kind: 'calendar', period: 'week' })
  expect(windowOf('lifetime')).toEqual({ kind: 'lifetime' })
  expect(windowOf('calendar-year')).toBeNull()
})

test.each([2_592_000_000, 259_200_000, 5_400_000, 1_500, 0])(
  '%s milliseconds are written so that they read the same',
  (ms) => {
    expect(durationMs(formatDuration(ms))).toBe(ms)
  },
)
