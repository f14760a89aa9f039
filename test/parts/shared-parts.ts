/** The real parts of one test run: each is started when a test file first asks for it, and shared by all that ask. */
import { Kafka, logLevel } from 'kafkajs'
import { z } from 'zod'
import { clickHouseVersion, startClickHouse } from '../../bench/parts/clickhouse.ts'
import { startKafka } from '../../bench/parts/kafka.ts'
import { findJava, kafkaJars, pinnedKafkaVersion } from '../../bench/parts/kafka-jars.ts'
import { messageOf, PartError } from '../../bench/parts/part-error.ts'
import { startRedis } from '../../bench/parts/redis.ts'
import { installedRedis, withRedisAt } from '../../bench/parts/redis-server.ts'

/** What a test can ask for: a shared part, or only whether it could start one of its own. */
export const partNeeds = ['kafka', 'own-kafka', 'redis', 'own-redis', 'clickhouse'] as const
export type PartNeed = (typeof partNeeds)[number]

export const PartAnswer = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('ready'),
    version: z.string(),
    /** In words, for the line at the end of the run. */
    how: z.string(),
    /** Brokers, or a URL; empty where tests start their own. */
    address: z.string(),
  }),
  /** Something has to be installed. */
  z.strictObject({ kind: z.literal('missing'), why: z.string() }),
  /** It is there, or was promised by the environment, and does not work. */
  z.strictObject({ kind: z.literal('failed'), why: z.string() }),
])
export type PartAnswer = z.infer<typeof PartAnswer>

export type SharedParts = {
  /** Starts the part unless it was asked for before; never rejects. */
  answer(need: PartNeed): Promise<PartAnswer>
  /** All that was asked for so far, settled. */
  answers(): Promise<ReadonlyMap<PartNeed, PartAnswer>>
  /** Ends what was started. */
  stop(): Promise<void>
}

type Ready = Omit<Extract<PartAnswer, { kind: 'ready' }>, 'kind'> & { readonly stop?: () => Promise<void> }

/** @param env where `PROFFER_TEST_*` is looked up */
export function createSharedParts(env: Readonly<Record<string, string | undefined>>): SharedParts {
  const asked = new Map<PartNeed, Promise<PartAnswer>>()
  const stops: (() => Promise<void>)[] = []
  const find = finders(env)

  async function settle(need: PartNeed): Promise<PartAnswer> {
    try {
      const { stop, ...ready } = await find[need]()
      if (stop !== undefined) stops.push(stop)
      return { kind: 'ready', ...ready }
    } catch (cause) {
      const missing = cause instanceof PartError && cause.code === 'part_missing'
      return { kind: missing ? 'missing' : 'failed', why: messageOf(cause) }
    }
  }
  return {
    answer(need) {
      const answer = asked.get(need) ?? settle(need)
      asked.set(need, answer)
      return answer
    },
    async answers() {
      return new Map(await Promise.all([...asked].map(async ([need, answer]) => [need, await answer] as const)))
    },
    async stop() {
      await Promise.all(asked.values())
      await Promise.all(stops.splice(0).map((stop) => stop()))
    },
  }
}

const started = 'started'
const own = 'started by tests'

function finders(env: Readonly<Record<string, string | undefined>>): Readonly<Record<PartNeed, () => Promise<Ready>>> {
  const version = env['PROFFER_TEST_KAFKA_VERSION']
  return {
    async kafka() {
      const given = env['PROFFER_TEST_KAFKA_BROKERS']
      if (given !== undefined) {
        await reach('PROFFER_TEST_KAFKA_BROKERS', () => askKafka(given.split(',')))
        return { version: 'of unknown version', how: 'given', address: given }
      }
      const kafka = await startKafka(version === undefined ? {} : { version })
      return { version: kafka.version, how: started, address: kafka.brokers.join(','), stop: () => kafka.stop() }
    },
    async 'own-kafka'() {
      const chosen = version ?? (await pinnedKafkaVersion())
      await findJava()
      await kafkaJars(chosen, (line) => void process.stderr.write(`${line}\n`))
      return { version: chosen, how: own, address: '' }
    },
    async redis() {
      const given = env['PROFFER_TEST_REDIS_URL']
      if (given !== undefined) {
        const info = await reach('PROFFER_TEST_REDIS_URL', () => withRedisAt(given, (redis) => redis.info('server')))
        return { version: /redis_version:(\S+)/.exec(info)?.[1] ?? '', how: 'given', address: given }
      }
      const redis = await startRedis()
      return { version: redis.version, how: started, address: redis.url, stop: () => redis.stop() }
    },
    async 'own-redis'() {
      return { version: await installedRedis(), how: own, address: '' }
    },
    async clickhouse() {
      const given = env['PROFFER_TEST_CLICKHOUSE_URL']
      if (given !== undefined) {
        const told = await reach('PROFFER_TEST_CLICKHOUSE_URL', () => clickHouseVersion(given))
        return { version: told, how: 'given', address: given }
      }
      const server = await startClickHouse()
      const address = server.urlOf('default')
      return { version: server.version, how: 'embedded engine', address, stop: () => server.stop() }
    },
  }
}

async function reach<Result>(variable: string, ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask()
  } catch (cause) {
    throw new Error(`the server of ${variable} does not answer: ${messageOf(cause)}`, { cause })
  }
}

async function askKafka(brokers: string[]): Promise<void> {
  const retry = { retries: 0 }
  const admin = new Kafka({ brokers, logLevel: logLevel.NOTHING, connectionTimeout: 3_000, retry }).admin()
  try {
    await admin.connect()
  } finally {
    await admin.disconnect()
  }
}
