import { expect, test } from 'vitest'
import { planDay, slicesOf } from '../../../bench/demo/day-plan.ts'
import { createBank } from '../../../bench/workload/bank.ts'

const dayStartMs = Date.parse('2026-03-10T00:00:00+08:00')

test('the plan covers the day without a gap, in simulated and in wall time', () => {
  const plan = planDay(dayStartMs, 60_000)
  let [at, wallAt] = [dayStartMs, 0]
  for (const stretch of plan) {
    expect(stretch.startMs).toBe(at)
    expect(stretch.endMs).toBeGreaterThan(at)
    expect(stretch.wallAtMs).toBeCloseTo(wallAt, 6)
    at = stretch.endMs
    wallAt += stretch.wallMs
  }
  expect(at).toBe(dayStartMs + 86_400_000)
  expect(wallAt).toBeCloseTo(60_000, 6)
})

test('the slices are the same at every pace', () => {
  const bounds = (wallMs: number) => planDay(dayStartMs, wallMs).map(({ startMs, endMs }) => [startMs, endMs])
  expect(bounds(1_000)).toEqual(bounds(75_000))
})

test('the night passes quicker than the day, and a burst slower', () => {
  const plan = planDay(dayStartMs, 60_000)
  const wallOf = (fromHour: number, toHour: number): number =>
    plan
      .filter(
        ({ startMs }) => startMs >= dayStartMs + fromHour * 3_600_000 && startMs < dayStartMs + toHour * 3_600_000,
      )
      .reduce((sum, { wallMs }) => sum + wallMs, 0)
  expect(wallOf(0, 6)).toBeLessThan(wallOf(14, 16) / 1.5)
  expect(wallOf(12, 12 + 8 / 60)).toBeGreaterThan(wallOf(14, 14 + 8 / 60) * 2)
})

test('each moment of the day is in one slice, in order, and within its bounds', () => {
  const bank = createBank({ seed: 3, customers: 200, dayStartMs, events: 3_000 })
  const slices = [...slicesOf(bank.day(), planDay(dayStartMs, 60_000))]
  const moments = [...bank.day()]
  expect(slices.flatMap(({ arriving }) => arriving.map(({ at }) => at))).toEqual(
    moments.filter(({ kind }) => kind !== 'request').map(({ at }) => at),
  )
  expect(slices.flatMap(({ requests }) => requests)).toHaveLength(
    moments.filter(({ kind }) => kind === 'request').length,
  )
  const last = slices.length - 1
  slices.forEach(({ startMs, endMs, arriving, requests }, index) => {
    for (const { at } of [...arriving, ...requests]) {
      expect(at).toBeGreaterThanOrEqual(startMs)
      if (index < last) expect(at).toBeLessThan(endMs)
    }
  })
})
