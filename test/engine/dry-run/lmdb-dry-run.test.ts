/** Goal: a dry run touches nothing. Method: every byte of an engine's folder before and after; and the edges, through the API and the command. */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { packFilesOf } from '../../../rules/pack-texts.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'
import { expectNothingTouched } from './nothing-touched.ts'

let dir: string
let engine: RunningEngine

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-dry-run-'))
  engine = await runEngine({ dataDir: join(dir, 'data'), settings: { SHARD_MODE: 'worker' } })
}, 60_000)
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
}, 60_000)

/** Hashes of all files but those of LMDB's readers, who come and go. */
async function bytesOf(): Promise<Record<string, string>> {
  const files = await readdir(join(dir, 'data'), { recursive: true, withFileTypes: true })
  const hashes: Record<string, string> = {}
  for (const file of files.filter((one) => one.isFile() && !/lock/.test(one.name))) {
    const path = join(file.parentPath, file.name)
    hashes[path] = createHash('sha256')
      .update(await readFile(path))
      .digest('hex')
  }
  return hashes
}

test('all files are the same behind dry runs that would have taken stock and a contact', { timeout: 180_000 }, () =>
  expectNothingTouched(engine, bytesOf),
)

test('what cannot be tried is said', { timeout: 60_000 }, async () => {
  const tried = async (body: object) => {
    const { status, body: answer } = await engine.call('POST', '/v1/dry-runs', body)
    return { status, code: Object(answer).code, detail: String(Object(answer).detail) }
  }
  const customerId = 'C-edges'
  expect(await tried({ customerId, placement: 'nowhere' })).toMatchObject({ status: 422, code: 'placement_unknown' })
  expect((await tried({ customerId, placement: 'sms_message' })).detail).toContain('give the event that leads to it')
  expect(await tried({ customerId })).toMatchObject({ status: 400, code: 'body_invalid' })
  expect(await tried({ customerId, placement: 'app_offers', version: 'f'.repeat(64) })).toMatchObject({ status: 404 })
  const refused = await tried({ customerId, placement: 'app_offers', files: { 'pack.yaml': 'name: x' } })
  expect(refused).toMatchObject({ status: 400 })
  expect(refused.detail).toContain('offers.yaml')
  const event = { type: 'repayment.made', source: 'core-banking', data: { amount: -1 } }
  expect((await tried({ customerId, event })).detail).toContain('would be refused at the door')
  const stranger = await engine.call('POST', '/v1/dry-runs', { customerId: 'C-nobody', placement: 'app_offers' })
  expect(stranger.body).toMatchObject({ customer: { known: false }, decisions: [{ reason: 'cold_start' }] })

  await engine.call('POST', '/v1/events', [cloudEvent('C-gone', 'profile.updated', { hasChildren: true })])
  expect((await engine.call('POST', '/v1/customers/C-gone/erase', {})).status).toBe(200)
  expect(await tried({ customerId: 'C-gone', placement: 'app_offers' })).toMatchObject({ code: 'customer_erased' })
})

/** What the command prints. */
async function printed(words: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ['engine/main.ts', ...words], {
    env: { ...process.env, DATA_DIR: join(dir, 'elsewhere'), ENGINE_URL: engine.url, API_KEY: engine.engine.key },
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  return out
}

const ran = z.looseObject({
  decisions: z.array(z.looseObject({ features: z.array(z.looseObject({ name: z.string() })) })),
  customer: z.looseObject({ variables: z.array(z.looseObject({ name: z.string() })) }),
})

test('the command prints the values that were read, and all of them when asked', { timeout: 120_000 }, async () => {
  const [customerId, placement] = ['C-values', 'app_home_banner']
  const { decisions, customer } = ran.parse((await engine.call('POST', '/v1/dry-runs', { customerId, placement })).body)
  const read = new Set(decisions.flatMap(({ features }) => features.map(({ name }) => name)))
  const all = customer.variables.map(({ name }) => name)
  const shown = all.filter((name) => read.has(name))
  expect(shown.length).toBeGreaterThan(0)
  expect(shown.length).toBeLessThan(all.length / 2)
  const words = ['dry-run', customerId, '--placement', placement]
  const valuesIn = (text: string) => all.filter((name) => new RegExp(`^${name.replace('.', '\\.')} `, 'm').test(text))
  const usual = await printed(words)
  expect(valuesIn(usual)).toEqual(shown)
  expect(usual).toContain(`${all.length - shown.length} more values were not read; --values prints all ${all.length}.`)
  const whole = await printed([...words, '--values'])
  expect(valuesIn(whole)).toEqual(all)
  expect(whole).not.toContain('--values')
})

test('the files of another pack are tried, by the command too', { timeout: 120_000 }, async () => {
  const problems: never[] = []
  const files = await packFilesOf('rules/packs/retail-bank', problems)
  const renamed = { ...files, 'pack.yaml': (files['pack.yaml'] ?? '').replace(/^name: .*$/m, 'name: tried-bank') }
  const answer = await engine.call('POST', '/v1/dry-runs', {
    ...{ customerId: 'C-files', placement: 'app_offers', files: renamed },
  })
  expect(answer.status).toBe(200)
  const inForce = await engine.call('POST', '/v1/dry-runs', { customerId: 'C-files', placement: 'app_offers' })
  expect(Object(answer.body).packHash).not.toBe(Object(inForce.body).packHash)

  const event = JSON.stringify(repayment('C-files', 500_000))
  const words = ['dry-run', 'C-files', '--event', event]
  const out = await printed(words)
  expect(out).toContain('A dry run: nothing was counted')
  expect(out).toContain('repayment.made of customer C-files')
  expect(out).toMatch(/offer +stage +reason +score/)
})
