/**
 * Are a hundred gifts a hundred when ten thousand ask at once? `npm run bench -- claims [--json] [--asks=10000] [--rounds=3]`.
 *
 * New customers of all partitions ask for the same gift at the same moment, on the engine as it runs with Redis. Control in the same rounds and on
 * the same Redis: a stock that is read, compared and counted, over several connections.
 */
import { parseArgs } from 'node:util'
import { startRedis } from '../parts/redis.ts'
import { type NaiveCounts, raceNaive } from '../race/naive-counter.ts'
import { type BenchResult, machine, median } from '../report.ts'
import { type ClaimCounts, startClaimsEngine } from './claims-engine.ts'

export const claimsStock = 100

export type ClaimsOptions = { readonly asks: number; readonly rounds: number; readonly connections: number }

export type ClaimsRound = { readonly ours: ClaimCounts; readonly naive: NaiveCounts }

/**
 * Runs the claims on a Redis of its own; each round has gifts and customers of its own.
 * @throws PartError `part_missing` without `redis-server`
 */
export async function runClaims({ asks, rounds, connections }: ClaimsOptions): Promise<readonly ClaimsRound[]> {
  const redis = await startRedis()
  try {
    const engine = await startClaimsEngine(redis.url)
    try {
      const results: ClaimsRound[] = []
      for (let round = 0; round < rounds; round++) {
        const ours = await engine.claim(claimsStock, asks)
        const options = { attempts: asks, cap: claimsStock, connections, key: `naive-${round}` }
        results.push({ ours, naive: await raceNaive(redis.url, options) })
      }
      return results
    } finally {
      await engine.stop()
    }
  } finally {
    await redis.stop()
  }
}

/** The benchmark: exit code 1 unless every round of ours served exactly as many as there are. */
export async function benchClaims(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      asks: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '3' },
      connections: { type: 'string', default: '16' },
    },
    allowPositionals: true,
  })
  const options = {
    asks: Number(values.asks),
    rounds: Number(values.rounds),
    connections: Number(values.connections),
  }
  return resultOf(options, await runClaims(options))
}

function resultOf({ asks, connections }: ClaimsOptions, rounds: readonly ClaimsRound[]): BenchResult {
  const of = (pick: (round: ClaimsRound) => number): number => median(rounds.map(pick))
  const ours = furthest(rounds.map((round) => round.ours.served))
  const naive = of((round) => round.naive.inTurn)
  return {
    name: 'claims',
    held: rounds.length > 0 && ours === claimsStock,
    headline: { stock: claimsStock, ours, naive, naiveAtOnce: of((round) => round.naive.atOnce) },
    ratios: {
      'served to one that there is, ours': ours / claimsStock,
      'served to one that there is, check then write, each connection in turn': naive / claimsStock,
      'served to one that there is, check then write, all at once': of((round) => round.naive.atOnce) / claimsStock,
    },
    figures: {
      asks,
      rounds: rounds.length,
      'ours: served in every round': rounds.map((round) => round.ours.served).join(' '),
      'ours: all answered after ms': of((round) => round.ours.ms),
      [`check then write, ${connections} connections in turn`]: rounds.map((round) => round.naive.inTurn).join(' '),
      [`check then write, ${connections} connections, all at once`]: rounds
        .map((round) => round.naive.atOnce)
        .join(' '),
      'count then compare, all at once': rounds.map((round) => round.naive.atomic).join(' '),
    },
    machine: machine(),
  }
}

/** The count that is furthest from the stock: one bad round is enough. */
function furthest(counts: readonly number[]): number {
  return counts.reduce(
    (worst, count) => (Math.abs(count - claimsStock) > Math.abs(worst - claimsStock) ? count : worst),
    claimsStock,
  )
}
