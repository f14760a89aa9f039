/** The store in Redis as a backup is put into it. */
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import type { IdentityMap } from '../../../ingest/identity/identity-map.ts'
import { openRedisIdentityMap } from '../../identity/redis-identity-map.ts'
import { aliasSecret } from '../../nodes/node-key.ts'
import { connectRedis } from '../redis/connect-redis.ts'
import { defaultPrefix, KeyNames } from '../redis/key-names.ts'
import { type LuaScript, readScript } from '../redis/lua-script.ts'
import type { RedisCommand } from '../redis/redis-connection.ts'
import { unavailable } from '../redis/redis-errors.ts'
import type { RedisNode } from '../redis/redis-node.ts'
import { textOf } from '../redis/redis-reply.ts'
import { openRedisResources } from '../redis/redis-resources.ts'
import type { RedisServers } from '../redis/redis-servers.ts'
import type { RedisOptions } from '../redis/redis-target.ts'
import { patiently, scanKeys } from '../redis/scan-keys.ts'
import type { Resources } from '../resource.ts'
import type { BackupRecord } from './backup-record.ts'
import { dueInstantOf } from './due-records.ts'
import { headerOf } from './header-json.ts'
import { IdentityRestorer } from './identity-records.ts'
import { ResourceRestorer } from './resource-records.ts'
import type { RestoreTarget } from './restore-target.ts'

/** Most partitions an installation may have. */
const partitionsMax = 512

/**
 * The store of the servers and the prefix.
 * @throws StoreError `store_unavailable`
 */
export async function openRedisTarget(options: RedisOptions & { readonly salt: string }): Promise<RestoreTarget> {
  const keys = new KeyNames(options.prefix ?? defaultPrefix)
  const servers = await connectRedis(options)
  const opened: { close(): void | Promise<void> }[] = [servers]
  try {
    const resources = await openRedisResources(options)
    opened.push(resources)
    const map = await openRedisIdentityMap({ ...options, seal: createAliasSeal(aliasSecret(options.salt)) })
    return new RedisTarget({ servers, keys, resources, map, salt: options.salt })
  } catch (error) {
    for (const one of opened) await one.close()
    throw error
  }
}

type RedisTargetParts = {
  readonly servers: RedisServers
  readonly keys: KeyNames
  readonly resources: Resources
  readonly map: IdentityMap
  readonly salt: string
}

class RedisTarget implements RestoreTarget {
  readonly #servers: RedisServers
  readonly #keys: KeyNames
  readonly #resources: Resources
  readonly #map: IdentityMap
  readonly #restorers: readonly [ResourceRestorer, IdentityRestorer]
  readonly #create: LuaScript = readScript('create.lua')
  readonly #putOnce: LuaScript = readScript('put-once.lua')
  readonly #putCluster: LuaScript = readScript('put-cluster.lua')

  constructor({ servers, keys, resources, map, salt }: RedisTargetParts) {
    this.#servers = servers
    this.#keys = keys
    this.#resources = resources
    this.#map = map
    this.#restorers = [new ResourceRestorer(resources), new IdentityRestorer(map, salt)]
  }

  async isEmpty(): Promise<boolean> {
    for (const node of this.#servers.nodes()) {
      for await (const page of scanKeys(node, this.#keys.pattern('all'))) {
        if (page.some((key) => this.#keys.parse(key) !== null)) return false
      }
    }
    return true
  }

  async clear(): Promise<void> {
    // Without these no engine can start, and one that runs can commit nothing any more.
    const first = [this.#keys.cluster, ...Array.from({ length: partitionsMax }, (_, p) => this.#keys.meta(p))]
    await this.#send(first.map((key) => [key, ['DEL', key]] as const))
    for (const node of this.#servers.nodes()) {
      for await (const page of scanKeys(node, this.#keys.pattern('all'))) {
        const own = page.filter((key) => this.#keys.parse(key) !== null)
        await this.#send(own.map((key) => [key, ['UNLINK', key]] as const))
      }
    }
  }

  async write(records: readonly BackupRecord[]): Promise<void> {
    await this.#send(records.flatMap((record) => this.#commandsFor(record)))
    for (const { kind, key, value } of records) {
      if (kind === 'pack') await this.#run(this.#putOnce, this.#keys.pack(key), [Buffer.from(value)])
    }
    for (const restorer of this.#restorers) await restorer.take(records)
  }

  identities(): IdentityMap {
    return this.#map
  }

  async finish(headers: ReadonlyMap<number, string>, cluster: string): Promise<void> {
    await this.#restorers[0].finish()
    for (const [partition, json] of headers) {
      const { seq, rest } = headerOf(json)
      // The WAIT behind it waits for all that was written to the server before.
      await this.#run(this.#create, this.#keys.meta(partition), [JSON.stringify(rest), String(seq)])
    }
    await this.#run(this.#putCluster, this.#keys.cluster, [cluster])
    const [stored = null] = await patiently(() =>
      this.#servers.nodeOf(this.#keys.cluster).read([['GET', this.#keys.cluster]]),
    )
    if (textOf(stored) !== cluster) throw unavailable('Another process wrote to the store during the restore.')
  }

  async close(): Promise<void> {
    await this.#resources.close()
    await this.#map.close()
    this.#servers.close()
  }

  #commandsFor(record: BackupRecord): (readonly [string, RedisCommand])[] {
    const { kind, partition, key, value } = record
    const names = this.#keys
    const of = (name: string, ...[command, ...args]: RedisCommand) => [[name, [command, name, ...args]] as const]
    switch (kind) {
      case 'state':
        return of(names.state(partition, key), 'SET', asBuffer(value))
      case 'gone':
        return of(names.state(partition, key), 'DEL')
      case 'outbox':
        return of(names.outbox(partition), 'HSET', key, asBuffer(value))
      case 'tombstone':
        return of(names.tombstones(partition), 'HSET', key, asBuffer(value))
      case 'due': {
        const at = dueInstantOf(record)
        return at === 0 ? of(names.due(partition), 'ZREM', key) : of(names.due(partition), 'ZADD', String(at), key)
      }
      default:
        return []
    }
  }

  /** Sends commands to the servers of their keys, one after the other. Sent again when in doubt: they may be carried out twice. */
  async #send(commands: readonly (readonly [key: string, command: RedisCommand])[]): Promise<void> {
    const byServer = new Map<RedisNode, RedisCommand[]>()
    for (const [key, command] of commands) {
      const node = this.#servers.nodeOf(key)
      const some = byServer.get(node)
      if (some === undefined) byServer.set(node, [command])
      else some.push(command)
    }
    for (const [node, some] of byServer) await patiently(() => node.read(some))
  }

  #run(script: LuaScript, key: string, args: readonly (string | Buffer)[]): Promise<unknown> {
    return patiently(() => this.#servers.nodeOf(key).write({ script, keys: [key], args, hasWritten: () => true }))
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
