/** Real Redis: one server, or a primary with its replica. */
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-ports.ts'
import { PartError } from './part-error.ts'
import { type RedisOptions, type RedisServer, startRedisServer, withRedis } from './redis-server.ts'

export type RedisPair = {
  readonly primary: RedisServer
  readonly replica: RedisServer
  /**
   * Stops replication; what the primary writes from now on stays there. Resolves when the replica has noticed: it is still a
   * replica and still answers reads.
   */
  cutReplication(): Promise<void>
  /** Resolves when the replica has all that the primary wrote. */
  caughtUp(): Promise<void>
  /** Lets the replica follow again and waits until it has caught up. What only the replica had is gone then. */
  restoreReplication(): Promise<void>
  /** The replica becomes a primary with what it has (`REPLICAOF NO ONE`); the old primary is not told. */
  promote(): Promise<void>
  /** Ends both and removes their folders. */
  stop(): Promise<void>
}

const followWithinMs = 10_000
const lookEveryMs = 20

/**
 * Starts one server; `appendonly no`, no snapshots, `noeviction` unless told otherwise.
 * @throws PartError `part_missing`, `part_failed`
 */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  return startRedisServer(options.port ?? (await freePort()), options)
}

/**
 * Starts a primary and a replica that has caught up with it. Options are for both.
 * @throws PartError `part_missing`, `part_failed`
 */
export async function startRedisPair(options: Omit<RedisOptions, 'port'> = {}): Promise<RedisPair> {
  // A replica asks for a first copy at once, not after the pause that spares disks in production.
  const config = { 'repl-diskless-sync-delay': '0', ...options.config }
  const primary = await startRedis({ ...options, config })
  const follow = { ...options, config: { ...config, replicaof: `127.0.0.1 ${primary.port}` } }
  const replica = await startRedis(follow).catch(async (cause: unknown) => {
    await primary.stop()
    throw cause
  })
  const pair: RedisPair = {
    primary,
    replica,
    caughtUp: () => until('the replica has caught up', () => hasCaughtUp(pair)),
    async cutReplication() {
      // To a port where nothing listens: the replica keeps its role and its data, and follows nobody.
      const nowhere = await freePort()
      await withRedis(replica.port, (redis) => redis.replicaof('127.0.0.1', nowhere))
      await until('the replica is cut off', async () => (await link(replica.port)) === 'down')
    },
    async restoreReplication() {
      await withRedis(replica.port, (redis) => redis.replicaof('127.0.0.1', primary.port))
      await pair.caughtUp()
    },
    async promote() {
      await withRedis(replica.port, (redis) => redis.replicaof('NO', 'ONE'))
    },
    async stop() {
      await Promise.all([primary.stop(), replica.stop()])
    },
  }
  await pair.caughtUp()
  return pair
}

async function hasCaughtUp({ primary, replica }: RedisPair): Promise<boolean> {
  const [wrote, copied] = await Promise.all([replication(primary.port), replication(replica.port)])
  return (
    copied.get('master_link_status') === 'up' && copied.get('slave_repl_offset') === wrote.get('master_repl_offset')
  )
}

async function link(port: number): Promise<string | undefined> {
  return (await replication(port)).get('master_link_status')
}

async function replication(port: number): Promise<ReadonlyMap<string, string>> {
  const text = await withRedis(port, (redis) => redis.info('replication'))
  return new Map([...text.matchAll(/^(\w+):(.*?)\r?$/gm)].map(([, name = '', value = '']) => [name, value]))
}

/** @throws PartError `part_failed` when it does not become true in time */
async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + followWithinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new PartError('part_failed', `Redis: not within 10 s: ${what}`)
    await sleep(lookEveryMs)
  }
}
