/** The cap as a team writes it on Redis: read the counter, compare, count. And the same with the compare inside Redis. */
import { Redis } from 'ioredis'

/** How a contact is asked for: whether it may be made. */
type Ask = (redis: Redis, key: string) => Promise<boolean>

const weekSeconds = 7 * 86_400

/** Check, then write: two round trips, and whatever others do between them. */
const checkThenWrite: (cap: number) => Ask = (cap) => async (redis, key) => {
  const made = Number((await redis.get(key)) ?? 0)
  if (made >= cap) return false
  if ((await redis.incr(key)) === 1) await redis.expire(key, weekSeconds)
  return true
}

/** Count first, then compare what came back: one command decides. */
const countThenCompare: (cap: number) => Ask = (cap) => async (redis, key) => {
  const made = await redis.incr(key)
  if (made === 1) await redis.expire(key, weekSeconds)
  return made <= cap
}

export type NaiveCounts = {
  /** Contacts made where each connection does one attempt after the other: the gentlest race there is. */
  readonly inTurn: number
  /** Contacts made where every attempt is under way at once, as handlers of a server are. */
  readonly atOnce: number
  /** Contacts made where the counter itself decides: what a plain counter can do about it. */
  readonly atomic: number
}

/**
 * Offers `attempts` contacts for one customer over several connections, in three ways, each on a key of its own.
 *
 * @param url a Redis; the keys are removed behind it
 */
export async function raceNaive(
  url: string,
  { attempts, cap, connections, key }: Readonly<Record<'attempts' | 'cap' | 'connections', number>> & { key: string },
): Promise<NaiveCounts> {
  const clients = Array.from({ length: connections }, () => new Redis(url, { lazyConnect: true }))
  const share = (i: number): number => Math.floor((attempts + i) / connections)
  const inTurn = async (ask: Ask, name: string): Promise<number> => {
    const made = await Promise.all(
      clients.map(async (client, i) => {
        let count = 0
        for (let n = 0; n < share(i); n++) if (await ask(client, name)) count++
        return count
      }),
    )
    return sum(made)
  }
  const atOnce = async (ask: Ask, name: string): Promise<number> => {
    const asked = clients.flatMap((client, i) => Array.from({ length: share(i) }, () => ask(client, name)))
    return (await Promise.all(asked)).filter((may) => may).length
  }
  try {
    await Promise.all(clients.map((client) => client.connect()))
    const counts = {
      inTurn: await inTurn(checkThenWrite(cap), `${key}:in-turn`),
      atOnce: await atOnce(checkThenWrite(cap), `${key}:at-once`),
      atomic: await atOnce(countThenCompare(cap), `${key}:atomic`),
    }
    await clients[0]?.del(`${key}:in-turn`, `${key}:at-once`, `${key}:atomic`)
    return counts
  } finally {
    for (const client of clients) client.disconnect()
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
