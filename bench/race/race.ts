/**
 * Does a contact cap hold when everything comes at once? `npm run bench -- race [--json] [--attempts=1000] [--rounds=4]`.
 *
 * One customer, a cap of 3 in 7 days, a thousand attempts at the same moment: half live requests, half events of the stream, on the
 * engine as it runs with Redis. Control in the same rounds and on the same Redis: as many attempts by a counter that is read, compared
 * and counted, over several connections.
 */
import { parseArgs } from 'node:util'
import { startRedis } from '../parts/redis.ts'
import { type BenchResult, machine, median } from '../report.ts'
import { type NaiveCounts, raceNaive } from './naive-counter.ts'
import { type RaceCounts, startRaceEngine } from './race-engine.ts'

/** The limit of `three-a-week` in the pack. */
export const raceCap = 3

export type RaceOptions = { readonly attempts: number; readonly rounds: number; readonly connections: number }

export type RaceRound = { readonly ours: RaceCounts; readonly naive: NaiveCounts }

/**
 * Runs the race on a Redis of its own; each round has a new customer. Requests come in first in one round,
 * events in the next.
 * @throws PartError `part_missing` without `redis-server`
 */
export async function runRace({ attempts, rounds, connections }: RaceOptions): Promise<readonly RaceRound[]> {
  const redis = await startRedis()
  try {
    const engine = await startRaceEngine(redis.url)
    try {
      const results: RaceRound[] = []
      for (let round = 0; round < rounds; round++) {
        const ours = await engine.race(`racer-${round}`, attempts, round % 2 === 0 ? 'requests' : 'events')
        const naive = await raceNaive(redis.url, { attempts, cap: raceCap, connections, key: `naive-${round}` })
        results.push({ ours, naive })
      }
      return results
    } finally {
      await engine.stop()
    }
  } finally {
    await redis.stop()
  }
}

/** The benchmark: exit code 1 unless every round of ours made exactly as many contacts as the cap allows. */
export async function benchRace(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      attempts: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '4' },
      connections: { type: 'string', default: '16' },
    },
    allowPositionals: true,
  })
  const options = {
    attempts: 2 * Math.ceil(Number(values.attempts) / 2),
    rounds: Number(values.rounds),
    connections: Number(values.connections),
  }
  return resultOf(options, await runRace(options))
}

function resultOf({ attempts, connections }: RaceOptions, rounds: readonly RaceRound[]): BenchResult {
  const of = (pick: (round: RaceRound) => number): number => median(rounds.map(pick))
  const ours = furthest(rounds.map((round) => round.ours.contacts))
  const naive = of((round) => round.naive.inTurn)
  return {
    name: 'race',
    held: rounds.length > 0 && ours === raceCap,
    headline: { cap: raceCap, ours, naive, naiveAtOnce: of((round) => round.naive.atOnce) },
    ratios: {
      'contacts to one that the cap allows, ours': ours / raceCap,
      'contacts to one that the cap allows, check then write, each connection in turn': naive / raceCap,
      'contacts to one that the cap allows, check then write, all at once': of((round) => round.naive.atOnce) / raceCap,
    },
    figures: {
      attempts,
      rounds: rounds.length,
      'ours: contacts of every round': rounds.map((round) => round.ours.contacts).join(' '),
      'ours: of them live answers': rounds.map((round) => round.ours.live).join(' '),
      'ours: all answered and applied after ms': of((round) => round.ours.ms),
      [`check then write, ${connections} connections in turn`]: rounds.map(({ naive }) => naive.inTurn).join(' '),
      [`check then write, ${connections} connections, all at once`]: rounds.map(({ naive }) => naive.atOnce).join(' '),
      'count then compare, all at once': rounds.map(({ naive }) => naive.atomic).join(' '),
    },
    machine: machine(),
  }
}

/** The count that is furthest from the cap: one bad round is enough. */
function furthest(counts: readonly number[]): number {
  return counts.reduce(
    (worst, count) => (Math.abs(count - raceCap) > Math.abs(worst - raceCap) ? count : worst),
    raceCap,
  )
}
