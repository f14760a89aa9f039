/** What callers meet when the log has no more room: a clear 503, nothing lost of what was taken, decisions go on. */
import { expect, test } from 'vitest'
import { repayment, runEngine } from '../running-engine.ts'

test('a full log answers 503, keeps what it has, and decisions go on', { timeout: 60_000 }, async () => {
  const running = await runEngine({ settings: { LOG_MAX_MB: '4', LOG_RETENTION_HOURS: '1' } })
  try {
    let taken = 0
    let refused = null
    for (let round = 0; round < 400 && refused === null; round++) {
      const events = Array.from({ length: 500 }, (_, i) => repayment(`F${(round * 500 + i) % 997}`, 100))
      const answer = await running.call('POST', '/v1/events', events)
      if (answer.status === 200) taken += Object(answer.body).accepted
      else refused = answer
    }
    expect(refused?.status).toBe(503)
    expect(refused?.body).toMatchObject({ code: 'log_full' })
    expect(refused?.headers.get('retry-after')).toBe('1')
    await running.engine.shards.drained()
    // A refused call may have got in for some partitions: nothing of it was acknowledged, sending it again is safe.
    expect((await running.engine.shards.totals()).accepted).toBeGreaterThanOrEqual(taken)
    expect(taken).toBeGreaterThan(1_000)
    const decision = await running.call('POST', '/v1/decisions', { customerId: 'F1', placement: 'app_offers' })
    expect(decision.status).toBe(200)
    expect((await running.call('GET', '/v1/customers/F1')).body).toMatchObject({ known: true })
  } finally {
    await running.stop()
  }
})
