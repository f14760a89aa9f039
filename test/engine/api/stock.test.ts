/** Stock as operators and customers meet it: a whole engine with the sample pack, the API, the metrics and the command. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'

let dir: string
let engine: RunningEngine

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-stock-'))
  engine = await runEngine({ dataDir: join(dir, 'data') })
})
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

function proffer(words: readonly string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, ['engine/main.ts', 'stock', ...words], {
    env: { ...process.env, DATA_DIR: join(dir, 'elsewhere'), ENGINE_URL: engine.url, API_KEY: engine.engine.key },
  })
  let out = ''
  child.stdout.on('data', (chunk) => {
    out += chunk
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })))
}

test('what is left is told by the API, the metrics and the command, from the offer to its acceptance', async () => {
  const profile = { hasChildren: true }
  expect((await engine.call('POST', '/v1/events', [cloudEvent('C1', 'profile.updated', profile)])).body).toMatchObject({
    accepted: 1,
  })
  // Nothing is promised before the engine has looked what there is.
  let answer = await engine.call('POST', '/v1/decisions', { customerId: 'C1', placement: 'app_offers' })
  await expect
    .poll(
      async () => {
        answer = await engine.call('POST', '/v1/decisions', { customerId: 'C1', placement: 'app_offers' })
        return answer.body
      },
      { timeout: 20_000 },
    )
    .toMatchObject({ outcome: 'offered', offers: [{ offer: 'child_health_check' }] })
  const left = async () => (await engine.call('GET', '/v1/stock')).body
  const line = { resource: 'child-health-checks', kind: 'stock', units: 100, oversold: 0 }
  expect(await left()).toMatchObject({ stock: [{ ...line, left: 99, reserved: 1, confirmed: 0 }] })

  const { decisionId }: { decisionId: string } = JSON.parse(answer.text)
  const accepted = { decisionId, offerId: 'child_health_check', placement: 'app_offers', channel: 'in_app' }
  const told = await engine.call('POST', '/v1/events', [cloudEvent('C1', 'offer.accepted', accepted)])
  expect(told.body).toMatchObject({ accepted: 1 })
  await expect
    .poll(left, { timeout: 20_000 })
    .toMatchObject({ stock: [{ ...line, left: 99, reserved: 0, confirmed: 1 }] })

  const metrics = (await engine.call('GET', '/metrics')).text
  expect(metrics).toContain('resource_units_count{resource="child-health-checks",state="left"} 99')
  expect(metrics).toContain('resource_oversold_units{resource="child-health-checks"} 0')
  expect(metrics).toContain('resource_unknown{resource="child-health-checks"} 0')
  const shown = await proffer([])
  expect(shown.code).toBe(0)
  expect(shown.out).toMatch(/child-health-checks +100 +99 +0 +1 +0 +health checks for children/)
})
