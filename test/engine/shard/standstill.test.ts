/** Goal: whoever stood still for too long does not trust what it knows. Method: a clock and timers that the test moves. */
import { expect, test } from 'vitest'
import type { Clock, Timing } from '../../../engine/clock.ts'
import { Standstill } from '../../../engine/shard/standstill.ts'

function machine() {
  let wall = 1_000_000
  let elapsed = 0
  let timers: { readonly at: number; readonly run: () => void }[] = []
  const clock: Clock = { kind: 'wall', now: () => wall }
  const timing: Timing = {
    elapsed: () => elapsed,
    sleep: () => Promise.resolve(),
    after: (ms, run) => {
      const timer = { at: elapsed + ms, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((one) => one !== timer)
      }
    },
    soon: (run) => run(),
  }
  const jump = (wallMs: number, elapsedMs: number): void => {
    wall += wallMs
    elapsed += elapsedMs
  }
  /** Time in which the process is at work. */
  const run = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      jump(1, 1)
      const due = timers.filter(({ at }) => at <= elapsed)
      timers = timers.filter(({ at }) => at > elapsed)
      for (const timer of due) timer.run()
    }
  }
  return { clock, timing, jump, run, now: () => wall, waiting: () => timers.length }
}

test('a tenure is certain while the process is at work, for a while from then on, and never again behind a standstill', () => {
  const there = machine()
  const standstill = new Standstill(there, 5_000)
  standstill.start()
  const tenure = standstill.tenure()
  there.run(60_000)
  expect(tenure.isCertain()).toBe(true)
  const until = tenure.until() ?? 0
  expect(until).toBeGreaterThan(there.now() + 4_700)
  expect(until).toBeLessThanOrEqual(there.now() + 5_000)
  there.jump(4_000, 4_000)
  expect(tenure.isCertain()).toBe(true)
  there.run(1_000)
  there.jump(5_201, 5_201)
  // Before any timer comes to it.
  expect(tenure.isCertain()).toBe(false)
  expect(tenure.until()).toBeLessThan(there.now())
  there.run(1_000)
  expect(tenure.isCertain()).toBe(false)
  expect(standstill.tenure().isCertain()).toBe(true)
})

test.each([
  ['a machine whose monotonic clock slept with it', 6_000, 0],
  ['a wall clock that was set back meanwhile', -60_000, 6_000],
])('%s counts as a standstill', (_, wallMs, elapsedMs) => {
  const there = machine()
  const standstill = new Standstill(there, 5_000)
  standstill.start()
  const tenure = standstill.tenure()
  there.run(500)
  there.jump(wallMs, elapsedMs)
  expect(tenure.isCertain()).toBe(false)
})

test('where nobody else can take anything a tenure never ends and nothing is looked at', () => {
  const there = machine()
  const standstill = new Standstill(there, null)
  standstill.start()
  const tenure = standstill.tenure()
  there.jump(1e9, 1e9)
  expect(tenure.isCertain()).toBe(true)
  expect(tenure.until()).toBeNull()
  expect(there.waiting()).toBe(0)
})

test('nothing is looked at any more once it was stopped', () => {
  const there = machine()
  const standstill = new Standstill(there, 5_000)
  standstill.start()
  there.run(500)
  standstill.stop()
  expect(there.waiting()).toBe(0)
})
