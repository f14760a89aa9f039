/**
 * Goal: as many are served as there are when everybody asks at once. Method: the benchmark `claims` run small, on the real shards in a worker
 * with a real Redis. That check-then-write oversteps is shown beside it, so that a load that races nobody is noticed.
 */
import { expect, test } from 'vitest'
import { claimsStock, runClaims } from '../../../bench/claims/claims.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'

await describeWithOwnRedis('the claims', () => {
  test('five hundred asks at once are served exactly as often as there is stock', { timeout: 60_000 }, async () => {
    const rounds = await runClaims({ asks: 500, rounds: 2, connections: 16 })
    expect(rounds.map(({ ours }) => ours.served)).toEqual([claimsStock, claimsStock])
    // All GETs of a connection are on their way before its first INCR: this is certain.
    expect(Math.min(...rounds.map(({ naive }) => naive.atOnce))).toBeGreaterThan(claimsStock)
  })
})
