/**
 * Groups of tests that need a real part. Without it they are skipped, and the line at the end of the run says so; with
 * `CI=true` the run fails. Each is awaited at the top level of a test file:
 *
 *     await describeWithRedis('the store in Redis', (url) => { test('...', ...) })
 *
 * All test files of a run share the part, so each uses names of its own (`uniqueName`).
 */
import { randomUUID } from 'node:crypto'
import { describe, inject } from 'vitest'
import { missingMark, partTitles } from './parts-line.ts'
import { PartAnswer, type PartNeed } from './shared-parts.ts'

/** With the brokers of a Kafka that all files share: `PROFFER_TEST_KAFKA_BROKERS`, else one that is started for the run. */
export async function describeWithKafka(name: string, body: (brokers: readonly string[]) => void): Promise<void> {
  await describeWith('kafka', name, (address) => body(address.split(',')))
}

/** With a Redis that all files share: `PROFFER_TEST_REDIS_URL`, else one that is started for the run. */
export async function describeWithRedis(name: string, body: (url: string) => void): Promise<void> {
  await describeWith('redis', name, body)
}

/**
 * With a ClickHouse that all files share: `PROFFER_TEST_CLICKHOUSE_URL`, else the embedded engine as a server, started for
 * the run. `urlOf` makes the URL of a database on it, which need not be there yet.
 */
export async function describeWithClickHouse(
  name: string,
  body: (urlOf: (database: string) => string) => void,
): Promise<void> {
  await describeWith('clickhouse', name, (address) =>
    body((database) => {
      const url = new URL(address)
      url.pathname = `/${database}`
      return url.href
    }),
  )
}

/** Where `startKafka` works; for tests that stop, starve or configure a broker of their own. */
export async function describeWithOwnKafka(name: string, body: () => void): Promise<void> {
  await describeWith('own-kafka', name, body)
}

/** Where `startRedis` and its relatives work; a server of one's own is there in 50 ms. */
export async function describeWithOwnRedis(name: string, body: () => void): Promise<void> {
  await describeWith('own-redis', name, body)
}

/** With the Kafka that all files share, and where `startRedis` and its relatives work. */
export async function describeWithKafkaAndOwnRedis(
  name: string,
  body: (brokers: readonly string[]) => void,
): Promise<void> {
  const redis = await answerOf('own-redis')
  const withBrokers = (address: string): void => body(address.split(','))
  if (redis.kind === 'ready') await describeWith('kafka', name, withBrokers)
  else openOrSkip('own-redis', redis, name, withBrokers)
}

/** A name that no other test uses, made of letters, digits, `_` and a beginning that says whose it is. */
export function uniqueName(beginning: string): string {
  return `${beginning}_${randomUUID().slice(0, 8)}`
}

async function describeWith(need: PartNeed, name: string, body: (address: string) => void): Promise<void> {
  await openOrSkip(need, await answerOf(need), name, body)
}

async function answerOf(need: PartNeed): Promise<PartAnswer> {
  const response = await fetch(`${inject('partsHost')}/${need}`)
  return PartAnswer.parse(await response.json())
}

function openOrSkip(need: PartNeed, answer: PartAnswer, name: string, body: (address: string) => void): void {
  if (answer.kind === 'ready') {
    describe(name, () => body(answer.address))
    return
  }
  const title = partTitles[need]
  if (answer.kind === 'failed' || process.env['CI'] === 'true') throw new Error(`${title}: ${answer.why}`)
  // The body runs so that its tests are counted; none of them, and none of its hooks, does.
  describe.skip(`${name} ${missingMark(title)}`, () => body('http://missing'))
}
