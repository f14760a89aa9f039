/** A node is killed between the record of the installation and that of the control log; a roll-back need not wait for the end of its time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { describeWithKafka, describeWithRedis } from '../../parts/describe-with-parts.ts'
import { type RunningEngine, runEngine } from '../running-engine.ts'
import { smallPack, writePack } from './small-pack.ts'

let dir: string
let killed: ChildProcess | null = null
const running: RunningEngine[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-killed-'))
  await writePack(join(dir, 'pack'), smallPack())
})
afterEach(async () => {
  killed?.kill('SIGKILL')
  killed = null
  for (const engine of running.splice(0)) await engine.stop()
  await rm(dir, { recursive: true, force: true })
}, 60_000)

type Node = { readonly port: number; readonly key: string }

async function dying(settings: Record<string, string>): Promise<Node> {
  const data = join(dir, settings['NODE_NAME'] ?? 'data')
  const child = spawn(process.execPath, [join(import.meta.dirname, 'die-governed.ts'), data, JSON.stringify(settings)])
  killed = child
  child.stderr.pipe(process.stderr)
  const [line] = await once(child.stdout, 'data')
  return z.object({ port: z.number(), key: z.string() }).parse(JSON.parse(String(line)))
}

async function call({ port, key }: Node, path: string, body: unknown) {
  const reply = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer: unknown = await reply.json()
  return { status: reply.status, body: answer }
}

/** Version 2 is proposed and approved; the node that puts it in force dies. */
async function activatedToDeath(node: Node): Promise<void> {
  const made = await call(node, '/v1/keys', { name: 'bob', roles: ['approver'] })
  const { key } = z.looseObject({ key: z.string() }).parse(made.body)
  const why = 'a test'
  expect(await call(node, '/v1/versions', { files: smallPack({ priority: 20 }), why })).toMatchObject({ status: 200 })
  expect(await call({ ...node, key }, '/v1/versions/2/approve', { why })).toMatchObject({ status: 200 })
  const dead = once(killed ?? expect.fail('it runs'), 'exit')
  await call(node, '/v1/versions/2/activate', { why }).catch(() => undefined)
  expect(await dead).toEqual([null, 'SIGKILL'])
}

async function told(engine: RunningEngine): Promise<readonly string[]> {
  const { body } = await engine.call('GET', '/v1/audit?limit=3')
  const { records } = z.looseObject({ records: z.array(z.looseObject({ action: z.string() })) }).parse(body)
  return records.map(({ action }) => action).reverse()
}

test('alone: started anew, the node says how it went, and goes back at once', { timeout: 120_000 }, async () => {
  const settings = { PACK: join(dir, 'pack') }
  await activatedToDeath(await dying(settings))
  const engine = await runEngine({ dataDir: join(dir, 'data'), settings })
  running.push(engine)
  expect(await engine.call('POST', '/v1/versions/rollback', { why: 'a test' })).toMatchObject({
    status: 200,
    body: { version: 1, status: 'in_force' },
  })
  expect(await told(engine)).toEqual(['activated', 'activating', 'activated'])
})

await describeWithKafka('on a broker', async (brokers) => {
  await describeWithRedis('and a Redis', (redis) => {
    test('beside another node: refused while the dead one is still counted in, then at once', {
      timeout: 240_000,
    }, async () => {
      const prefix = `${randomUUID()}.`
      const settings = {
        ...{ KAFKA_BROKERS: brokers.join(','), KAFKA_TOPIC_PREFIX: prefix, KAFKA_SESSION_TIMEOUT_MS: '6000' },
        ...{ REDIS_URL: redis, REDIS_KEY_PREFIX: prefix, PARTITIONS: '4', PACK: join(dir, 'pack') },
      }
      const a = await runEngine({ settings: { ...settings, NODE_NAME: 'a' } })
      running.push(a)
      const b = await dying({ ...settings, NODE_NAME: 'b' })
      await vi.waitFor(async () => {
        const { partitions } = Object((await a.call('GET', '/v1/partitions')).body)
        expect(new Set(partitions.map(({ addr }: { addr: string }) => addr)).size).toBe(2)
      }, 60_000)
      await activatedToDeath(b)
      const diedAt = performance.now()
      const back = () => a.call('POST', '/v1/versions/rollback', { why: 'a test' })
      expect(await back()).toMatchObject({ status: 409 })
      await vi.waitFor(
        async () => expect(await back()).toMatchObject({ status: 200, body: { version: 1, status: 'in_force' } }),
        { timeout: 120_000, interval: 500 },
      )
      // The session of the dead node ends after six seconds, then the group settles: far below the ten minutes of before.
      expect(performance.now() - diedAt).toBeLessThan(120_000)
      expect(await told(a)).toEqual(['activated', 'activating', 'activated'])
    })
  })
})
