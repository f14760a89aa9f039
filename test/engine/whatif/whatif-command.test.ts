/** Goal: a business user asks what a pack would have done. Method: a whole engine with a day's decisions, the API and the command. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { packFilesOf } from '../../../rules/pack-texts.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

let dir: string
let engine: RunningEngine
let files: Record<string, string>
const customers = Array.from({ length: 20 }, (_, i) => `C${i}`)

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-whatif-'))
  engine = await runEngine({
    dataDir: join(dir, 'data'),
    history: true,
    // What a node answers without its shard is no evidence.
    settings: { DECISION_DEADLINE_MS: '10000' },
  })
  files = { ...(await packFilesOf('rules/packs/retail-bank', [])) }
  const consent = { channel: 'sms', granted: true, purpose: 'marketing' }
  const events = customers.flatMap((id) => [cloudEvent(id, 'consent.updated', consent), repayment(id, 500_000)])
  expect((await engine.call('POST', '/v1/events', events)).body).toMatchObject({ accepted: 40 })
  for (const customerId of customers)
    await engine.call('POST', '/v1/decisions', { customerId, placement: 'app_offers' })
  // Answers that change nothing leave with the next commit.
  await engine.call('POST', '/v1/events', [repayment('C-last', 1)])
  expect(await engine.engine.history?.flush(60_000)).toBe(true)
  // The window ends so long before a what-if is asked for.
  await new Promise((resolve) => setTimeout(resolve, 2_100))
}, 120_000)
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
}, 60_000)

/** The pack without the trigger for large repayments. */
function silentFiles(): Record<string, string> {
  const triggers = (files['triggers.yaml'] ?? '').replace(
    'event.amount >= money("5000.00")\n    offers: [repayment_thanks]',
    'event.amount >= money("50000.00")\n    offers: [repayment_thanks]',
  )
  const { 'triggers.yaml': _, ...rest } = Object.fromEntries(
    Object.entries(files).filter(([name]) => !name.startsWith('scenarios/')),
  )
  return { ...rest, 'triggers.yaml': triggers }
}

async function ended(): Promise<{
  state: string
  report: Record<string, unknown>
  refusal: { code: string; message: string }
}> {
  return vi.waitFor(
    async () => {
      const { body } = await engine.call('GET', '/v1/what-ifs?examples=yes')
      expect(Object(body).state).not.toBe('running')
      return Object(body)
    },
    { timeout: 120_000, interval: 300 },
  )
}

test('who would not have been thanked is lost, in numbers and by example', { timeout: 180_000 }, async () => {
  const started = await engine.call('POST', '/v1/what-ifs', { files: silentFiles(), days: 1 })
  expect(started.body).toMatchObject({ state: 'running', by: 'owner' })
  expect(await engine.call('POST', '/v1/what-ifs', { files: silentFiles(), days: 1 })).toMatchObject({ status: 409 })
  const { state, report, refusal } = await ended()
  expect({ state, refusal }).toEqual({ state: 'done', refusal: null })
  expect(report['belief']).toMatchObject({ differed: 0, missing: 0 })
  expect(Object(report['belief']).met).toBeGreaterThanOrEqual(customers.length * 2)
  const line = Object(report)['offers'].find(({ offer }: { offer: string }) => offer === 'repayment_thanks')
  expect(line).toMatchObject({ made: { current: 20, next: 0 }, lost: 20, gained: 0 })
  expect(customers).toEqual(expect.arrayContaining(line.lostExamples))
  const { body } = await engine.call('GET', '/v1/what-ifs')
  expect(JSON.stringify(body)).not.toContain('lostExamples')
})

test('a pack that is refused, or one that is not there, is not tried', { timeout: 180_000 }, async () => {
  const broken = { ...silentFiles(), 'offers.yaml': 'offers: []' }
  await engine.call('POST', '/v1/what-ifs', { files: broken, days: 1 })
  expect(await ended()).toMatchObject({ state: 'refused', refusal: { code: 'pack_refused' } })
  expect((await engine.call('POST', '/v1/what-ifs', { days: 1 })).status).toBe(404)
  expect((await engine.call('POST', '/v1/what-ifs', { version: 'f'.repeat(64), days: 1 })).status).toBe(404)
})

test('the command follows it to the end and prints what a person can read', { timeout: 180_000 }, async () => {
  const child = spawn(process.execPath, ['engine/main.ts', 'whatif', 'rules/packs/retail-bank', '--days', '1'], {
    env: { ...process.env, DATA_DIR: join(dir, 'elsewhere'), ENGINE_URL: engine.url, API_KEY: engine.engine.key },
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0)
  expect(out).toMatch(/decisions that were really made, the simulation of the pack in force meets 100\.00 % exactly/)
  expect(out).toMatch(/repayment_thanks +20 +20 +20 +20 +0 +0/)
  expect(out).toContain('count as sent at once')
  // What is in force is its own candidate here.
  expect(out).toContain('Both are the same pack: it was stepped once')
})

test('it stops when it is told to', { timeout: 60_000 }, async () => {
  await engine.call('POST', '/v1/what-ifs', { files: silentFiles(), days: 1 })
  expect((await engine.call('POST', '/v1/what-ifs/stop')).body).toMatchObject({ state: 'stopped', report: null })
  expect(await ended()).toMatchObject({ state: 'stopped' })
})
