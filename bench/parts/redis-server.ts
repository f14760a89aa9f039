/** One `redis-server` of this machine, however it is used: alone, as one of a pair, as a node of a cluster. */
import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { PartError } from './part-error.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

export type RedisOptions = {
  /** A free one when absent. */
  readonly port?: number
  /** `none` (default), `everysec` (append-only file, synced each second), `always` (synced before each answer). */
  readonly persistence?: 'none' | 'everysec' | 'always'
  /** Further settings of `redis.conf`, stronger than ours, such as `maxmemory` or `maxmemory-policy`. */
  readonly config?: Readonly<Record<string, string>>
}

export type RedisServer = ServerProcess & {
  /** Such as `7.0.15`. */
  readonly version: string
  readonly port: number
  /** `redis://127.0.0.1:port` */
  readonly url: string
}

const run = promisify(execFile)
const startWithinMs = 10_000
const stopWithinMs = 5_000

/**
 * Starts a server on 127.0.0.1 with a folder of its own and waits until it answers; about 50 ms.
 * @throws PartError `part_missing` when Redis is not installed; `part_failed`
 */
export async function startRedisServer(port: number, options: RedisOptions = {}): Promise<RedisServer> {
  const version = await installedRedis()
  const dir = await mkdtemp(join(tmpdir(), 'proffer-redis-'))
  const { persistence = 'none' } = options
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: persistence === 'none' ? 'no' : 'yes',
    appendfsync: persistence === 'none' ? 'everysec' : persistence,
    'maxmemory-policy': 'noeviction',
    ...options.config,
  }
  const server = await startServerProcess({
    name: 'Redis',
    command: 'redis-server',
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    dir,
    answers: () => withRedis(port, async (redis) => void (await redis.ping())),
    startWithinMs,
    stopWithinMs,
  })
  return { ...server, version, port, url: `redis://127.0.0.1:${port}` }
}

/** Does something over a connection to a port of 127.0.0.1 that tries nothing twice, and closes it. */
export function withRedis<Result>(port: number, use: (redis: Redis) => Promise<Result>): Promise<Result> {
  return withRedisAt(`redis://127.0.0.1:${port}`, use)
}

/** As `withRedis`, for a server anywhere. */
export async function withRedisAt<Result>(url: string, use: (redis: Redis) => Promise<Result>): Promise<Result> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 1_000,
    commandTimeout: 5_000,
    maxRetriesPerRequest: 0,
    retryStrategy: () => null,
  })
  // What goes wrong is told by the call that it went wrong in.
  redis.on('error', () => redis.disconnect())
  try {
    await redis.connect()
    return await use(redis)
  } finally {
    redis.disconnect()
  }
}

/**
 * The version of the `redis-server` on the path.
 * @throws PartError `part_missing` when there is none
 */
export async function installedRedis(): Promise<string> {
  const said = await run('redis-server', ['--version']).catch((cause: unknown) => {
    throw new PartError('part_missing', 'apt-get install redis-server', cause)
  })
  return /v=(\S+)/.exec(said.stdout)?.[1] ?? 'unknown'
}
