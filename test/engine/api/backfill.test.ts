/** The backfill as operators meet it: the API of a whole engine, and the command that asks it. */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'

let dir: string
let engine: RunningEngine

const data = {
  amount: 100,
  currency: 'CNY',
  merchantCategory: 'fuel',
  merchantId: null,
  channel: 'online',
  country: 'CN',
}
const purchases = (count: number) =>
  Array.from({ length: count }, () => cloudEvent('C-fill', 'card.purchase', data, { source: 'card-system' }))

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-fill-'))
  const dataDir = join(dir, 'data')
  const before = await runEngine({ dataDir })
  expect((await before.call('POST', '/v1/events', purchases(30))).body).toMatchObject({ accepted: 30 })
  expect((await before.call('GET', '/v1/backfill')).body).toMatchObject({ state: 'nothing', features: [] })
  await before.stop()

  const pack = join(dir, 'pack')
  await cp('rules/packs/retail-bank', pack, { recursive: true })
  const file = join(pack, 'features.yaml')
  const feature = '{ id: online_30d, kind: count, event: card.purchase, where: event.channel == "online", window: 30d }'
  await writeFile(file, `${await readFile(file, 'utf8')}\n  - ${feature}\n`)
  engine = await runEngine({ dataDir, settings: { PACK: pack, PACK_CHANGES: 'at_start' } })
})
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

function proffer(words: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, ['engine/main.ts', 'backfill', ...words], {
    env: { ...process.env, DATA_DIR: join(dir, 'elsewhere'), ENGINE_URL: engine.url, API_KEY: engine.engine.key },
  })
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    said.err += chunk
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...said })))
}

async function online(): Promise<object> {
  const { body } = await engine.call('GET', '/v1/customers/C-fill')
  const text = JSON.stringify(body)
  const { variables }: { variables: { name: string; lo: number; hi: number | null }[] } = JSON.parse(text)
  const { lo, hi } = variables.find(({ name }) => name === 'online_30d') ?? { lo: -1, hi: -1 }
  return { lo, hi }
}

test('an added feature is unknown and told to be open; one command fills it, with progress, and it counts what came before', async () => {
  expect((await engine.call('POST', '/v1/events', purchases(2))).body).toMatchObject({ accepted: 2 })
  expect(await online()).toEqual({ lo: 2, hi: null })
  const open = await proffer(['--status'])
  expect(open.code).toBe(1)
  expect(open.out).toMatch(/online_30d +open .* are not counted yet; it is complete by itself from /)

  const filled = await proffer([])
  expect(filled.err).toContain('partitions done')
  expect(filled.out).toMatch(/online_30d +filled .* nothing/)
  expect(filled.code).toBe(0)
  await expect.poll(online).toEqual({ lo: 32, hi: 32 })
  expect((await proffer(['--status'])).code).toBe(0)
  expect((await engine.call('GET', '/metrics')).text).toContain('backfill_records_count{what="added"} 30')
})

test('hours that are none are refused, and what is done cannot be halted or begun again', async () => {
  expect((await engine.call('POST', '/v1/backfill?hours=0', {})).body).toMatchObject({ code: 'query_invalid' })
  expect((await engine.call('POST', '/v1/backfill?hours=721', {})).body).toMatchObject({ code: 'query_invalid' })
  expect((await engine.call('POST', '/v1/backfill/halt', {})).body).toMatchObject({ state: 'nothing' })
  expect((await engine.call('POST', '/v1/backfill', {})).body).toMatchObject({ state: 'nothing' })
  expect(await online()).toEqual({ lo: 32, hi: 32 })
})
