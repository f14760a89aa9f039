import { StoreError } from '../store.ts'
import { connectRedis } from './connect-redis.ts'
import { type RedisFact, redisFacts } from './redis-facts.ts'
import type { RedisNode } from './redis-node.ts'
import { listOf, textOf } from './redis-reply.ts'
import type { RedisOptions } from './redis-target.ts'

/** What the servers are, as found at start. */
export type RedisCheck = {
  /** For each server, several facts. */
  readonly facts: readonly (RedisFact & { readonly server: string })[]
  /** Sentences; while there is one, the engine must not start. */
  readonly refusals: readonly string[]
  readonly isCluster: boolean
  /** What `auto` comes to now; the number to open the store with. */
  readonly waitReplicas: number
}

/** Settings asked for; INFO says some of them too, where CONFIG is forbidden. */
const settings = [
  'maxmemory-policy',
  'appendfsync',
  'save',
  'min-replicas-to-write',
  'cluster-require-full-coverage',
] as const

/**
 * Asks every primary whether it is fit to keep customers. Changes nothing.
 * @throws StoreError `store_unavailable` when one cannot be asked, or the options cannot be right
 */
export async function checkRedis(options: RedisOptions): Promise<RedisCheck> {
  const servers = await connectRedis(options)
  try {
    const { isCluster, waitReplicas } = servers
    const facts: (RedisFact & { readonly server: string })[] = []
    for (const node of servers.nodes()) {
      const [info, cluster = null] = await node.read([['INFO'], ...(isCluster ? [['CLUSTER', 'INFO'] as const] : [])])
      const says = { info: textOf(info) ?? '', cluster: textOf(cluster), config: await configOf(node), waitReplicas }
      for (const fact of redisFacts(says)) facts.push({ ...fact, server: node.address })
    }
    const refusals = facts
      .filter(({ verdict }) => verdict === 'refused')
      .map(({ server, text }) => `${server}: ${text}`)
    return { facts, refusals, isCluster, waitReplicas }
  } finally {
    servers.close()
  }
}

/** Settings of a server; null where it does not let us ask. */
async function configOf(node: RedisNode): Promise<ReadonlyMap<string, string> | null> {
  const config = new Map<string, string>()
  try {
    const replies = await node.read(settings.map((name) => ['CONFIG', 'GET', name]))
    for (const reply of replies) {
      const [name = null, value = null] = listOf(reply)
      config.set(textOf(name) ?? '', textOf(value) ?? '')
    }
    return config
  } catch (error) {
    // NOPERM, or a command that the service has taken away. A server that is gone fails the next question.
    if (error instanceof StoreError) return null
    throw error
  }
}
