/**
 * Goal: a shadow says who would gain and lose on live traffic and lets nothing out. Method: a whole engine with history and a seeded change;
 * the logs and the stock beside an engine that had the same traffic and no shadow.
 */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../../../engine/cli/client.ts'
import { startShadow } from '../../../engine/cli/shadow.ts'
import { packFilesOf } from '../../../rules/pack-texts.ts'
import { cloudEvent, type RunningEngine, repayment, runEngine } from '../running-engine.ts'

let dir: string
let engine: RunningEngine
const waiting = { timeout: 90_000, interval: 300 }

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-shadow-'))
  engine = await runEngine({ dataDir: join(dir, 'data'), history: true })
}, 60_000)
afterEach(async () => {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
}, 60_000)

/** The pack without thanks below fifty thousand. */
async function silentFiles(): Promise<Record<string, string>> {
  const files = { ...(await packFilesOf('rules/packs/retail-bank', [])) }
  const seeded = (files['triggers.yaml'] ?? '').replace(
    'event.amount >= money("5000.00")\n    offers: [repayment_thanks]',
    'event.amount >= money("50000.00")\n    offers: [repayment_thanks]',
  )
  expect(seeded).not.toBe(files['triggers.yaml'])
  return {
    ...Object.fromEntries(Object.entries(files).filter(([name]) => !name.includes('/'))),
    'triggers.yaml': seeded,
  }
}

const consent = { channel: 'sms', granted: true, purpose: 'marketing' }

async function thank(customers: readonly string[]): Promise<void> {
  const events = customers.flatMap((id) => [cloudEvent(id, 'consent.updated', consent), repayment(id, 500_000)])
  expect((await engine.call('POST', '/v1/events', events)).body).toMatchObject({ accepted: events.length })
}

async function ends(): Promise<readonly number[]> {
  const logs = [engine.engine.events, engine.engine.decisions]
  const bounds = logs.flatMap((log) => Array.from({ length: log.partitions }, (_, one) => log.bounds(one)))
  return (await Promise.all(bounds)).map(({ end }) => end)
}

async function until(
  check: (report: { offers: Record<string, unknown>[]; state: string; decisions: number }) => void,
): Promise<void> {
  await vi.waitFor(async () => {
    const { status, body } = await engine.call('GET', '/v1/shadow/report')
    expect(status).toBe(200)
    check(Object(body))
  }, waiting)
}

test('a pack that is not sound, or not proven, is refused at once with its problems, while history starts; nothing is kept of it', {
  timeout: 120_000,
}, async () => {
  const sound = await silentFiles()
  const unsound = {
    ...sound,
    'triggers.yaml': (sound['triggers.yaml'] ?? '').replace('study_abroad_views_7d', 'study_views'),
  }
  const refused = await engine.call('POST', '/v1/shadow', { files: unsound })
  expect(refused.status).toBe(422)
  const problem = { file: 'triggers.yaml', rule: 'study-abroad-reading', code: 'feature_unknown' }
  expect(refused.body).toMatchObject({ code: 'pack_refused', report: { kind: 'refused', problems: [problem] } })

  // Savings are opened by an allow while a payment is in dispute: with this they are under that red line.
  const packYaml = (sound['pack.yaml'] ?? '').replace('- id: savings\n    guardedBy: [', '$&open_dispute, ')
  const leaking = await engine.call('POST', '/v1/shadow', { files: { ...sound, 'pack.yaml': packYaml } })
  expect(leaking.status).toBe(422)
  const forbidden = expect.stringContaining('wealth_r1_deposit')
  expect(leaking.body).toMatchObject({
    code: 'pack_refused',
    report: { kind: 'unproven', counterexamples: expect.arrayContaining([forbidden]) },
  })

  expect((await engine.call('GET', '/v1/shadow')).status).toBe(404)
  expect(await readdir(join(dir, 'data'))).not.toContain('shadow.json')
  expect((await engine.call('POST', '/v1/shadow', { version: '0'.repeat(64) })).status).toBe(404)

  const pack = join(dir, 'unsound')
  await mkdir(pack)
  for (const [name, text] of Object.entries(unsound)) await writeFile(join(pack, name), text)
  let told = ''
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    told += String(text)
    return true
  })
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  try {
    expect(await startShadow(createClient(engine.url, engine.engine.key), pack, false)).toBe(1)
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
  expect(told).toMatch(/^triggers\.yaml:\d+ .*study_views/)
})

test('it counts who loses on live traffic, lets nothing out, goes on after a restart, and ends when told', {
  timeout: 300_000,
}, async () => {
  await thank(['C-before'])
  await vi.waitFor(async () => expect((await engine.call('GET', '/readyz')).status).toBe(200), waiting)
  const files = await silentFiles()
  const begun = await engine.call('POST', '/v1/shadow', { files })
  expect(begun.body).toMatchObject({ state: 'starting', by: 'owner', version: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect((await engine.call('POST', '/v1/shadow', { files })).status).toBe(409)
  await vi.waitFor(async () => {
    const { body } = await engine.call('GET', '/v1/shadow')
    expect(Object(body)).toMatchObject({ state: 'following', sentence: null })
  }, waiting)

  const before = await ends()
  await thank(['C1', 'C2', 'C3'])
  const lost = { offer: 'repayment_thanks', made_version: 0, gained: 0 }
  await until(({ offers }) => expect(offers).toMatchObject([{ ...lost, made_current: 3, lost: 3 }]))
  // Six events and their three decisions, and not one record more.
  const after = await ends()
  expect(after.reduce((sum, end) => sum + end, 0) - before.reduce((sum, end) => sum + end, 0)).toBe(9)

  await engine.stop()
  engine = await runEngine({ dataDir: join(dir, 'data'), history: true })
  await thank(['C4'])
  await until(({ offers, state }) => {
    expect(state).toBe('following')
    expect(offers).toMatchObject([{ ...lost, made_current: 4, lost: 4 }])
  })
  expect((await engine.call('POST', '/v1/shadow/stop')).body).toMatchObject({ state: 'stopped' })
  await engine.stop()
  engine = await runEngine({ dataDir: join(dir, 'data'), history: true })
  expect((await engine.call('GET', '/v1/shadow')).status).toBe(404)
})
