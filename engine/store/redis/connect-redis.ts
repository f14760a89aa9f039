import { StoreError } from '../store.ts'
import { autoReplicas } from './auto-replicas.ts'
import { connectCluster } from './cluster-servers.ts'
import { infoField } from './info-field.ts'
import { askOnce } from './redis-connection.ts'
import { translated, unavailable } from './redis-errors.ts'
import { RedisNode } from './redis-node.ts'
import { textOf } from './redis-reply.ts'
import type { RedisServers } from './redis-servers.ts'
import { type RedisOptions, type RedisTarget, redisTargets } from './redis-target.ts'

/**
 * Connects to the server, or, when that belongs to a Redis Cluster, to all its primaries.
 * @throws StoreError `store_unavailable`; not retryable when the options cannot be right
 */
export async function connectRedis(options: RedisOptions): Promise<RedisServers> {
  const targets = redisTargets(options)
  const replicas = options.waitReplicas === 'auto' ? null : (options.waitReplicas ?? null)
  const info = await firstInfo(targets)
  if (infoField(info, 'cluster_enabled') === '1') {
    if (targets.some(({ db }) => db !== 0))
      throw refused('A Redis Cluster has only database 0: leave it out of the URL.')
    return connectCluster(targets, replicas)
  }
  if (targets.length > 1) {
    throw refused('Several Redis URLs are for the nodes of one Redis Cluster, and this server does not belong to one.')
  }
  return connectSingle(targets[0], replicas ?? (await autoReplicas([targets[0]])))
}

/** What the first server says of itself that can be reached. */
async function firstInfo(targets: readonly RedisTarget[]): Promise<string> {
  for (const target of targets) {
    const reply = await askOnce(target, ['INFO', 'cluster'])
    if (reply === null) continue
    if (reply.error !== null) throw translated(reply.error)
    return textOf(reply.value) ?? ''
  }
  const at = targets.map(({ host, port }) => `${host}:${port}`).join(', ')
  throw unavailable(
    `Redis cannot be reached at ${at}, or it refuses us. Check address, user, password and TLS: REDIS_URL and what goes with it.`,
  )
}

async function connectSingle(target: RedisTarget, waitReplicas: number): Promise<RedisServers> {
  const node = new RedisNode(target, {
    replicas: waitReplicas,
    // After a failover the same name leads to another server, but not on connections that are up.
    onSuspicion: (suspect, suspicion) => {
      if (suspicion === 'elsewhere') suspect.reconnect()
    },
  })
  try {
    await node.open()
  } catch (error) {
    node.close()
    throw error
  }
  return {
    isCluster: false,
    waitReplicas,
    nodes: () => [node],
    nodeOf: () => node,
    close: () => node.close(),
  }
}

function refused(message: string): StoreError {
  return new StoreError('store_unavailable', message, { retryable: false })
}
