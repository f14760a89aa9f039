/** A whole engine whose control log, pack folder or workshop is not as one would like it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Client } from '../../../engine/cli/client.ts'
import { withClient } from '../../../engine/cli/session.ts'
import { openLogEnvironment } from '../../../ingest/lmdb-log.ts'
import { packFilesOf } from '../../../rules/pack-texts.ts'
import { type RunningEngine, runEngine, testConfig } from '../running-engine.ts'
import { largePack } from '../workshop/large-pack.ts'
import { smallPack, writePack } from './small-pack.ts'

let dir: string
let engine: RunningEngine
const start = async (settings: Record<string, string> = {}) => {
  engine = await runEngine({ dataDir: join(dir, 'data'), settings: { PACK: join(dir, 'pack'), ...settings } })
}
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-governed-'))
  await writePack(join(dir, 'pack'), smallPack())
  await start()
})
afterEach(async () => {
  await engine.stop()
  await rm(dir, { recursive: true })
})

const decide = () => engine.call('POST', '/v1/decisions', { customerId: 'C1', placement: 'home' })
const versions = async () => Object((await engine.call('GET', '/v1/versions')).body).versions

test('a record that nobody of the installation wrote closes governance, and decisions go on', async () => {
  await engine.stop()
  const logs = openLogEnvironment(join(dir, 'data', 'log'))
  const rest = { partitions: 1, now: Date.now, retentionMs: Number.POSITIVE_INFINITY, maxBytes: 64_000_000 }
  const log = await logs.openLog({ name: 'control', ...rest })
  const forged = { action: 'key_created', name: 'eve', keyRoles: ['approver'], digest: '0'.repeat(64) }
  await log.append(0, [{ key: 'control', value: Buffer.from(JSON.stringify({ control: 1, number: 2, what: forged })) }])
  await logs.close()
  await start()
  const broken = { status: 503, body: { code: 'control_broken' } }
  expect(await engine.call('POST', '/v1/keys', { name: 'anna', roles: ['author'] })).toMatchObject(broken)
  expect(await engine.call('POST', '/v1/versions', { files: smallPack({ priority: 2 }), why: 'x' })).toMatchObject(
    broken,
  )
  expect(await engine.call('POST', '/v1/versions/rollback', { why: 'x' })).toMatchObject({ status: 409 })
  expect(await engine.call('GET', '/v1/audit/verify')).toMatchObject({ body: { intact: false, broken: { number: 2 } } })
  expect(await engine.call('GET', '/readyz')).toMatchObject({ status: 200, body: { governance: 'broken' } })
  expect(await decide()).toMatchObject({ status: 200, body: { outcome: 'offered' } })
})

test('another PACK at a later start is nothing but a remark, and what is asked for at start is in the audit', async () => {
  await engine.stop()
  await writePack(join(dir, 'pack'), smallPack({ priority: 30 }))
  await start()
  expect(engine.engine.facts.join(' ')).toContain('Propose it')
  expect((await versions()).length).toBe(1)
  await engine.stop()
  await start({ PACK_CHANGES: 'at_start' })
  expect(await versions()).toMatchObject([
    { version: 2, status: 'in_force', author: 'start' },
    { version: 1, status: 'was_in_force' },
  ])
  expect((await engine.call('GET', '/v1/versions/2/files')).body).toEqual({ files: smallPack({ priority: 30 }) })
  expect(Object((await decide()).body).packHash).toBe((await versions())[0].hash)
  const { body } = await engine.call('GET', '/v1/audit?limit=1')
  expect(body).toMatchObject({ records: [{ action: 'version_at_start', outcome: 'done' }] })
})

test('decisions go on while a pack of ten thousand rules is checked', async () => {
  const files = largePack(await packFilesOf('rules/packs/retail-bank', []), 10_000)
  const checked = engine.call('POST', '/v1/packs/check', { files })
  const state = { isDone: false }
  checked.then(
    () => {
      state.isDone = true
    },
    () => {},
  )
  const times: number[] = []
  while (!state.isDone) {
    const startedAt = performance.now()
    expect((await decide()).status).toBe(200)
    times.push(performance.now() - startedAt)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  expect(await checked).toMatchObject({ status: 200, body: { kind: 'ok' } })
  times.sort((a, b) => a - b)
  // The body of three megabytes is taken in once; no decision waits for the work, which takes seconds.
  expect(times.length).toBeGreaterThan(20)
  expect(times[Math.floor(times.length / 2)] ?? 0).toBeLessThan(250)
}, 300_000)

test('a command without an engine puts no PACK in force, whatever its shell says', async () => {
  await engine.stop()
  await writePack(join(dir, 'pack'), smallPack({ priority: 30 }))
  const shell = testConfig(join(dir, 'data'), { PACK: join(dir, 'pack'), PACK_CHANGES: 'at_start' })
  const listed = async (client: Client) => {
    const { body } = await client.get('/v1/versions')
    expect(body).toMatchObject({ versions: [{ version: 1, status: 'in_force' }] })
    return 0
  }
  expect(await withClient(shell, {}, listed)).toBe(0)
  await start()
  expect((await versions()).length).toBe(1)
})

test('a reason that is longer than the control log takes is refused, and governance goes on', async () => {
  const revoke = (why: string) => engine.call('POST', '/v1/sources/core-banking/revoke', { why })
  expect(await revoke('x'.repeat(1_001))).toMatchObject({ status: 400, body: { code: 'body_invalid' } })
  expect(await revoke('x'.repeat(1_000))).toMatchObject({ status: 200 })
  expect(await engine.call('GET', '/v1/audit/verify')).toMatchObject({ body: { intact: true } })
})
