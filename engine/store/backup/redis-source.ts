/** The store in Redis as a backup reads it, server by server, while engines commit to it. */
import { randomBytes } from 'node:crypto'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { openRedisIdentityMap } from '../../identity/redis-identity-map.ts'
import { aliasSecret } from '../../nodes/node-key.ts'
import { decodeCluster } from '../redis/cluster-record.ts'
import { connectRedis } from '../redis/connect-redis.ts'
import { defaultPrefix, KeyNames } from '../redis/key-names.ts'
import type { RedisNode } from '../redis/redis-node.ts'
import { textOf } from '../redis/redis-reply.ts'
import { openRedisResources } from '../redis/redis-resources.ts'
import type { RedisServers } from '../redis/redis-servers.ts'
import type { RedisOptions } from '../redis/redis-target.ts'
import { patiently, scanKeys } from '../redis/scan-keys.ts'
import { serverIdentity } from '../redis/server-identity.ts'
import { torn } from './backup-error.ts'
import { textRecord } from './backup-record.ts'
import type { BackupSource, RecordPieces } from './backup-source.ts'
import { identityRecords } from './identity-records.ts'
import { resourceRecords } from './resource-records.ts'
import { ServerCopy } from './server-copy.ts'

/**
 * Opens the store of the servers and the prefix for a backup.
 * @throws StoreError `store_unavailable`
 */
export async function openRedisSource(options: RedisOptions): Promise<BackupSource> {
  const keys = new KeyNames(options.prefix ?? defaultPrefix)
  const servers = await connectRedis(options)
  return {
    store: servers.isCluster ? 'Redis Cluster' : 'Redis',
    installation: () => textAt(servers, keys.cluster),
    sections: [
      { name: 'partitions', records: () => allPartitions(servers, keys) },
      { name: 'identity', records: () => identities(servers, keys, options) },
      { name: 'shared', records: () => ofOneRun(servers, shared(servers, keys, options)) },
    ],
    close: async () => servers.close(),
  }
}

async function* allPartitions(servers: RedisServers, keys: KeyNames): RecordPieces {
  const { partitions } = decodeCluster((await textAt(servers, keys.cluster)) ?? '')
  const byServer = new Map<RedisNode, number[]>()
  for (let partition = 0; partition < partitions; partition++) {
    const node = servers.nodeOf(keys.meta(partition))
    byServer.set(node, [...(byServer.get(node) ?? []), partition])
  }
  const id = randomBytes(8).toString('hex')
  for (const [node, own] of byServer) {
    yield* new ServerCopy({ id, servers, node, keys, partitions: own }).records()
  }
}

async function* identities(servers: RedisServers, keys: KeyNames, options: RedisOptions): RecordPieces {
  const { salt } = decodeCluster((await textAt(servers, keys.cluster)) ?? '')
  const map = await openRedisIdentityMap({ ...options, seal: createAliasSeal(aliasSecret(salt)) })
  try {
    yield* ofOneRun(servers, identityRecords(map))
  } finally {
    await map.close()
  }
}

/** What was found by looking through the servers; refused when keys may have gone from one to the other meanwhile. */
async function* ofOneRun(servers: RedisServers, records: RecordPieces): RecordPieces {
  const identity = async () => {
    const all = servers.nodes().map((node) => patiently(() => serverIdentity(node, servers.isCluster)))
    return (await Promise.all(all)).map((one) => one ?? randomBytes(8).toString('hex')).join('\n')
  }
  const before = await identity()
  yield* records
  if ((await identity()) === before) return
  throw torn('a server was started anew, another one took over, or a hash slot was moved')
}

async function* shared(servers: RedisServers, keys: KeyNames, options: RedisOptions): RecordPieces {
  for (const node of servers.nodes()) {
    for await (const page of scanKeys(node, keys.pattern('packs'))) {
      for (const key of page) {
        const parsed = keys.parse(key)
        const json = parsed?.kind === 'pack' ? await textAt(servers, key) : null
        if (parsed?.kind === 'pack' && json !== null) yield [textRecord('pack', parsed.hash, json)]
      }
    }
  }
  const resources = await openRedisResources(options)
  try {
    yield* resourceRecords(resources)
  } finally {
    await resources.close()
  }
}

async function textAt(servers: RedisServers, key: string): Promise<string | null> {
  const [value = null] = await patiently(() => servers.nodeOf(key).read([['GET', key]]))
  return textOf(value)
}
