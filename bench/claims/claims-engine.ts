/** The engine's side of the claims: real shards on a worker thread, customers and stock in Redis, everybody asking at once. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '../../engine/compose.ts'
import { storePlace } from '../../engine/compose-store.ts'
import { openResources, resourcesPlaceOf } from '../../engine/store/open-resources.ts'
import type { Resources } from '../../engine/store/resource.ts'
import { startRedisEngine } from '../servers/redis-engine.ts'

export type ClaimCounts = {
  /** Customers who were offered the gift. The reservations in the store agree with it, or the run fails. */
  readonly served: number
  /** From the first ask to the last answer, milliseconds. */
  readonly ms: number
}

export type ClaimsEngine = {
  /**
   * Puts so many gifts more there, and has so many new customers ask for one at once.
   * @throws Error when an ask was not decided by the funnel (a deadline, an overload), or the store disagrees: nothing is proved then
   */
  claim(stock: number, asks: number): Promise<ClaimCounts>
  stop(): Promise<void>
}

const patienceMs = 120_000
/** What is known of the stock may be so old: see `engine/shard/stock-desk.ts`. */
const hintMs = 400
/** Below the bound of the live queue of a partition, for 8 of them. */
const atOnceMax = 20_000

/** Starts an engine on a Redis, with everything else in a temporary folder. */
export async function startClaimsEngine(redisUrl: string): Promise<ClaimsEngine> {
  const pack = join(import.meta.dirname, 'pack')
  const { engine, config, stop } = await startRedisEngine({ redisUrl, pack, cacheMb: 64 })
  const resources = openResources(resourcesPlaceOf(storePlace(config)))
  let units = 0
  let round = 0
  return {
    async claim(stock, asks) {
      if (asks > atOnceMax) throw new RangeError(`at most ${atOnceMax} may ask at once`)
      units += stock
      await resources.define('gifts', units)
      await sleep(hintMs)
      // Somebody has to ask before the shards look again.
      await ask(engine, `nobody-${round}`, 'no-such-placement')
      await sleep(hintMs)
      return claim({ engine, resources }, { stock: units, asks, round: round++ })
    },
    async stop() {
      await stop()
      await resources.close()
    },
  }
}

async function claim(
  { engine, resources }: { readonly engine: Engine; readonly resources: Resources },
  { stock, asks, round }: { readonly stock: number; readonly asks: number; readonly round: number },
): Promise<ClaimCounts> {
  const before = (await resources.count('gifts'))?.reserved ?? 0
  const started = performance.now()
  const answers = await Promise.all(
    Array.from({ length: asks }, (_, n) => ask(engine, `claimant-${round}-${n}`, 'app_banner')),
  )
  const ms = performance.now() - started
  const served = answers.filter((got) => got).length
  const count = await resources.count('gifts')
  if (count === null || count.oversold > 0 || count.reserved - before !== served)
    throw new Error(`${served} were served, the store has ${count?.reserved} of ${stock} reserved, ${before} before`)
  return { served, ms }
}

/** Whether the customer is offered the gift. */
async function ask({ shards }: Engine, customerId: string, placement: string): Promise<boolean> {
  const request = { customerId, requestId: `ask-${customerId}`, placement, count: 1, after: null }
  const { decision } = await shards.decide({ ...request, deadlineAt: Date.now() + patienceMs })
  if (decision.outcome === 'offered') return true
  // A customer of whom nothing is known gets the fallback under this name.
  if (decision.reason === 'cold_start' || decision.reason === 'no_candidate') return false
  throw new Error(`an ask was not decided: ${decision.reason}`)
}
