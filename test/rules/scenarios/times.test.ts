import { expect, test } from 'vitest'
import { instantMs, spanMs } from '../../../rules/scenarios/times.ts'

const dayMs = 86_400_000

test.each([
  ['90s', 90_000],
  ['7d + 1ms', 7 * dayMs + 1],
  ['180d - 1ms', 180 * dayMs - 1],
  ['3d+2m-1s + 1ms', 3 * dayMs + 120_000 - 1_000 + 1],
  ['1d - 24h', 0],
  ['0ms', 0],
])('the time %s is %i ms', (text, ms) => {
  expect(spanMs(text)).toBe(ms)
})

test.each(['', '7', '7 d', '- 1d', '1d -', '1d + + 1d', '1h - 1d', '7d 1ms', '1w', `${'1d + '.repeat(9)}1d`])(
  'the text "%s" is no time',
  (text) => {
    expect(spanMs(text)).toBeNull()
  },
)

test.each([
  ['2026-03-02T09:00+08:00', '2026-03-02T01:00:00.000Z'],
  ['2026-03-02T09:00Z', '2026-03-02T09:00:00.000Z'],
  ['2026-03-02T23:59:59.999', '2026-03-02T15:59:59.999Z'],
  ['2026-03-02 09:00:30.5', '2026-03-02T01:00:30.500Z'],
  ['2026-03-02', '2026-03-01T16:00:00.000Z'],
])('%s of a bank in Shanghai is %s', (text, utc) => {
  expect(instantMs(text, 'Asia/Shanghai')).toBe(Date.parse(utc))
})

test('a local time that a change of the clock skips is moved forward by it', () => {
  expect(instantMs('2026-03-29T02:30', 'Europe/Berlin')).toBe(Date.parse('2026-03-29T01:30:00Z'))
})

test.each(['2026-02-30T09:00', '2026-03-02T24:00', '2026-3-2', '09:00', '2026-03-02T09:00+25:00', '2026-03-02T9:00'])(
  '%s is no instant',
  (text) => {
    expect(instantMs(text, 'Asia/Shanghai')).toBeNull()
  },
)
