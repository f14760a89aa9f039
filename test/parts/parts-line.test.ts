/** What a run says about its real parts, and what it does without one. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { partsLine } from './parts-line.ts'
import type { PartAnswer, PartNeed } from './shared-parts.ts'

const run = promisify(execFile)
const vitest = 'node_modules/vitest/vitest.mjs'
/** All but one of its tests need a Redis. */
const redisTests = 'test/bench/parts/redis.test.ts'
const serverTests = 'test/sinks/history/server.conformance.test.ts'

const ready = (version: string, how: string): PartAnswer => ({ kind: 'ready', version, how, address: '' })
const lineOf = (answers: Partial<Record<PartNeed, PartAnswer>>, skipped = 0) => {
  const list: [PartNeed, PartAnswer][] = []
  for (const need of ['clickhouse', 'own-kafka', 'kafka', 'redis'] as const) {
    const answer = answers[need]
    if (answer !== undefined) list.push([need, answer])
  }
  return partsLine(new Map(list), () => skipped)
}

test('the line names each part once, and nothing that no test asked for', () => {
  expect(lineOf({})).toBeNull()
  const kafka = ready('4.4.0', 'started')
  expect(lineOf({ kafka, clickhouse: ready('26.7', 'embedded engine') })).toBe(
    'real parts: Kafka 4.4.0 (started), ClickHouse 26.7 (embedded engine)',
  )
  expect(lineOf({ kafka, 'own-kafka': ready('4.4.0', 'started by tests') })).toContain('(started by tests, started)')
  const redis = { kind: 'missing', why: 'apt-get install redis-server' } as const
  expect(lineOf({ kafka, redis }, 34)).toBe(
    'real parts: Kafka 4.4.0 (started), Redis is missing: apt-get install redis-server; 34 tests were skipped',
  )
})

/** One run of Vitest on one file, in a process with this environment. */
async function runVitest(file: string, env: NodeJS.ProcessEnv): Promise<{ code: number; said: string }> {
  const args = [vitest, 'run', file, '--reporter=default']
  return run(process.execPath, args, { env: { ...env, NO_COLOR: '1' } }).then(
    ({ stdout }) => ({ code: 0, said: stdout }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, said: stdout + stderr }),
  )
}

const { HOME, TMPDIR } = process.env
const withoutRedis = { HOME, TMPDIR, PATH: '/nowhere' }

test('without Redis its tests are skipped and counted, the others run', async () => {
  const { code, said } = await runVitest(redisTests, withoutRedis)
  expect(said).toMatch(/Tests\s+1 passed \| 5 skipped/)
  expect(said).toContain('real parts: Redis is missing: apt-get install redis-server; 5 tests were skipped')
  expect(code).toBe(0)
})

test('with CI=true a missing part fails the run, and so does one that was promised and does not answer', async () => {
  const missing = await runVitest(redisTests, { ...withoutRedis, CI: 'true' })
  expect(missing.said).toContain('Redis: apt-get install redis-server')
  expect(missing.code).toBe(1)
  const nobody = 'http://127.0.0.1:9/x'
  const away = await runVitest(serverTests, { ...process.env, PROFFER_TEST_CLICKHOUSE_URL: nobody })
  expect(away.said).toContain('the server of PROFFER_TEST_CLICKHOUSE_URL does not answer')
  expect(away.code).toBe(1)
})
