/** A whole simulated day of the sample bank on the event clock: all that was decided is computed again, day by day. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createLatencyMeter } from '../../../bench/demo/latency.ts'
import { liveDay } from '../../../bench/demo/live-day.ts'
import { playHistory } from '../../../bench/demo/submit-moments.ts'
import { createBank } from '../../../bench/workload/bank.ts'
import { eventClock } from '../../../engine/clock.ts'
import { startEngine } from '../../../engine/compose.ts'
import { createLogger } from '../../../engine/log.ts'
import { testConfig } from '../running-engine.ts'

/** Midnight in the zone of the sample pack. */
const dayStartMs = Date.parse('2026-03-10T00:00:00+08:00')

test('a simulated day is equal to the byte, and so is the day before', { timeout: 300_000 }, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-day-'))
  const bank = createBank({ seed: 5, customers: 150, dayStartMs, events: 2_500 })
  const clock = eventClock(bank.completeSinceMs)
  const engine = await startEngine({
    config: testConfig(dir, { PARTITIONS: '2' }),
    clock,
    completeSince: bank.completeSinceMs,
    serve: { host: '127.0.0.1', port: 0 },
    history: true,
    logger: createLogger('silent', 'stderr'),
  })
  try {
    const { signal } = new AbortController()
    await playHistory(engine, bank.history(), signal)
    const nothing = () => undefined
    await liveDay({
      engine,
      clock,
      moments: bank.day(),
      startMs: dayStartMs,
      wallMs: 1_000,
      meter: createLatencyMeter(),
      signal,
      isFollowed: () => false,
      onSlice: nothing,
      onArrived: nothing,
      onAnswered: nothing,
    })
    await engine.shards.drained()
    expect(await engine.history?.flush(120_000)).toBe(true)
    const { decisions } = await engine.shards.totals()

    const call = async (method: 'GET' | 'POST', path: string) => {
      const headers = { Authorization: `Bearer ${engine.key}` }
      const response = await fetch(`http://127.0.0.1:${engine.port}${path}`, { method, headers })
      return Object(await response.json())
    }
    const replayOf = async (query: string) => {
      await call('POST', `/v1/replays?${query}`)
      for (;;) {
        const found = await call('GET', '/v1/replays')
        if (found.state !== 'running') return found
        await sleep(100)
      }
    }
    const same = { state: 'done', problem: null, different: 0, deviations: [], holes: [] }
    const day = await replayOf('day=2026-03-10')
    expect(day).toMatchObject(same)
    const rest = await replayOf(`from=2026-02-10T00:00:00Z&to=${new Date(dayStartMs).toISOString()}`)
    expect(rest).toMatchObject(same)
    const after = await replayOf(`from=${new Date(dayStartMs + 86_400_000).toISOString()}&to=2026-04-01T00:00:00Z`)
    expect(after).toMatchObject(same)
    expect(day.equal).toBeGreaterThan(100)
    expect(day.equal + rest.equal + after.equal).toBe(decisions)
  } finally {
    await engine.stop()
    await rm(dir, { recursive: true, force: true })
  }
})
