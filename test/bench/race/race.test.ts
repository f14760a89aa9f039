/**
 * Goal: a contact cap holds to the last one when requests and events come at once. Method: the benchmark `race` run small, on the
 * real shards in a worker with a real Redis; the engine itself compares records, customer and answers. That check-then-write
 * oversteps is shown beside it, so that a load that races nobody is noticed.
 */
import { expect, test } from 'vitest'
import { raceCap, runRace } from '../../../bench/race/race.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'

test('the cap of the race is the one of its pack', async () => {
  const loaded = await loadPack('bench/race/pack')
  expect(loaded.kind === 'ok' && loaded.pack.model.caps.map(({ limit, perMs }) => [limit, perMs])).toEqual([
    [raceCap, 7 * 86_400_000],
  ])
})

await describeWithOwnRedis('the race for the cap', () => {
  test('two hundred attempts at once make exactly as many contacts as the cap allows', {
    timeout: 60_000,
  }, async () => {
    const rounds = await runRace({ attempts: 200, rounds: 3, connections: 16 })
    expect(rounds.map(({ ours }) => [ours.contacts, ours.records])).toEqual([
      [raceCap, 200],
      [raceCap, 200],
      [raceCap, 200],
    ])
    expect(rounds.map(({ naive }) => naive.atomic)).toEqual([raceCap, raceCap, raceCap])
    // All GETs of a connection are on their way before its first INCR: this is certain.
    expect(Math.min(...rounds.map(({ naive }) => naive.atOnce))).toBeGreaterThan(raceCap)
  })
})
