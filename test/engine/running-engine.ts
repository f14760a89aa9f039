/** A whole engine in a temporary DATA_DIR, for tests of its edges. Embedded parts, free port, inline shard. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { wallClock } from '../../engine/clock.ts'
import { type Engine, type EngineOptions, startEngine } from '../../engine/compose.ts'
import { type Config, readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'
import { copyMigratedHistory } from '../parts/migrated-history.ts'

export type RunningEngine = {
  readonly engine: Engine
  readonly config: Config
  readonly url: string
  /** A call with the key; `body` is sent as it is when it is text, else as JSON. */
  call(method: 'GET' | 'POST', path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  stop(): Promise<void>
}

export type Answer = {
  readonly status: number
  readonly body: unknown
  readonly text: string
  readonly headers: Headers
}

/** Settings of a test's engine. */
export function testConfig(dataDir: string, settings: Record<string, string> = {}): Config {
  const read = readConfig({ DATA_DIR: dataDir, SHARD_MODE: 'inline', CACHE_MB: '32', PORT: '0', ...settings })
  if (read.kind === 'refused') throw new Error(read.problems.join('; '))
  return read.config
}

/** Settings of a node that shares a broker and a Redis with others; `prefix` keeps their topics and keys apart from those of other tests. */
export function sharedSettings(at: {
  readonly brokers: readonly string[]
  readonly redis: string
  readonly prefix: string
  readonly name: string
}): Record<string, string> {
  return {
    KAFKA_BROKERS: at.brokers.join(','),
    KAFKA_TOPIC_PREFIX: at.prefix,
    KAFKA_SESSION_TIMEOUT_MS: '6000',
    REDIS_URL: at.redis,
    REDIS_KEY_PREFIX: at.prefix,
    PARTITIONS: '4',
    NODE_NAME: at.name,
  }
}

export async function runEngine(
  options: {
    readonly settings?: Record<string, string>
    readonly history?: boolean
    readonly dataDir?: string
    readonly shards?: NonNullable<EngineOptions['shards']>
  } = {},
): Promise<RunningEngine> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'proffer-api-')))
  const config = testConfig(dataDir, options.settings)
  if (options.history === true && config.CLICKHOUSE_URL === undefined) await copyMigratedHistory(dataDir)
  const engine = await startEngine({
    config,
    clock: wallClock,
    completeSince: 0,
    serve: { host: '127.0.0.1', port: 0 },
    history: options.history === true,
    logger: createLogger('silent', 'stderr'),
    ...(options.shards === undefined ? {} : { shards: options.shards }),
  })
  const url = `http://127.0.0.1:${engine.port}`
  return {
    engine,
    config,
    url,
    call: async (method, path, body, headers = {}) => {
      const response = await fetch(url + path, {
        method,
        headers: { Authorization: `Bearer ${engine.key}`, 'Content-Type': 'application/json', ...headers },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      const isJson = (response.headers.get('content-type') ?? '').includes('json')
      return { status: response.status, body: isJson ? JSON.parse(text) : null, text, headers: response.headers }
    },
    stop: async () => {
      await engine.stop()
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** What the replay that was begun found. */
export async function replayed({ call }: Pick<RunningEngine, 'call'>): Promise<unknown> {
  for (;;) {
    const { body } = await call('GET', '/v1/replays')
    if (Object(body).state !== 'running') return body
    await sleep(100)
  }
}

let serial = 0
/** A sound CloudEvent of now; a new id unless given. */
export function cloudEvent(
  subject: string,
  type: string,
  data: Record<string, unknown>,
  extra: Record<string, unknown> = {},
): Record<string, unknown> {
  serial += 1
  return {
    specversion: '1.0',
    id: `t-${process.pid}-${serial}`,
    source: 'core-banking',
    type,
    subject,
    time: new Date().toISOString(),
    data,
    ...extra,
  }
}

/** A repayment of an amount in minor units. */
export function repayment(
  subject: string,
  amount: number,
  extra: Record<string, unknown> = {},
): Record<string, unknown> {
  return cloudEvent(subject, 'repayment.made', { amount, currency: 'CNY', product: 'credit_card' }, extra)
}
