/**
 * Goal: the latency benchmark cannot hide a stall. Method: the real generator process and the echo; the thread that receives
 * is held up for a second in the middle of a run. A closed loop would count one slow event; the schedule makes it all those
 * that were due meanwhile.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Echo, startEcho } from '../../bench/latency/contenders.ts'
import { type Load, startLoad } from '../../bench/latency/load.ts'
import { quantile, Recorder } from '../../bench/latency/recorder.ts'
import { type Run, runAtRate } from '../../bench/latency/run.ts'
import { describeStall, findStalls } from '../../bench/latency/stalls.ts'
import { TimeLine } from '../../bench/latency/time-line.ts'

const rate = 2_000
const seconds = 3

let load: Load
let echo: Echo

beforeAll(async () => {
  echo = await startEcho()
  load = await startLoad({ stream: { seed: 1, customers: 100, startMs: Date.UTC(2026, 0, 1) }, partitions: 4 })
})

afterAll(async () => {
  await load.stop()
  await echo.stop()
})

describe('latency from the schedule', () => {
  it('counts every event that was due while the receiver stood still', async () => {
    const { run, recorder } = await runWithStall(1_000)
    expect(run.released).toBe(rate * seconds)
    expect(run.stages.total.p999).toBeGreaterThan(900)
    // Those due in the first half of the stall waited for more than half of it.
    const slow = recorder.sorted('total').filter((ms) => ms > 500).length
    expect(slow).toBeGreaterThan(0.4 * rate)
    expect(slow).toBeLessThan(rate)
  })

  it('shows a run without the stall far below', async () => {
    const { run } = await runWithStall(0)
    expect(run.released).toBe(rate * seconds)
    expect(run.stages.total.p999).toBeLessThan(900)
    expect(run.stages.total.p50).toBeGreaterThan(0)
  })

  it('names one stall for one standstill, as long as it was', async () => {
    const { recorder } = await runWithStall(700)
    const stalls = findStalls(recorder, 300, 0)
    expect(stalls).toHaveLength(1)
    const [stall] = stalls
    expect(stall?.worst.total).toBeGreaterThan(690)
    expect(stall === undefined ? '' : describeStall(stall, new TimeLine(1))).toMatch(/^\d+\.\d ms, \d+ slow events; /)
  })

  it('sends late, and says so, when the receiver does not read', async () => {
    const { run } = await runWithStall(1_000, 20_000)
    expect(run.released).toBe(20_000 * seconds)
    expect(run.stages.total.p999).toBeGreaterThan(900)
    expect(run.lateness.max).toBeGreaterThan(300)
  })
})

describe('quantile', () => {
  it('takes the nearest rank', () => {
    const sorted = Float32Array.from({ length: 1_000 }, (_, i) => i + 1)
    expect([0.5, 0.99, 0.999, 1].map((share) => quantile(sorted, share))).toEqual([500, 990, 999, 1_000])
    expect(quantile(new Float32Array(), 0.5)).toBeNaN()
  })
})

/** Runs the echo; the receiving thread stands still for a while after a third of the run. */
async function runWithStall(stallMs: number, perSecond = rate): Promise<{ run: Run; recorder: Recorder }> {
  const recorder = new Recorder(1, perSecond * seconds)
  const timer = setTimeout(() => standStill(stallMs), (seconds * 1_000) / 3)
  const receiver = echo.receiver(recorder)
  const run = await runAtRate(load, receiver, recorder, { rate: perSecond, seconds, giveUp: false })
  clearTimeout(timer)
  return { run, recorder }
}

function standStill(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}
