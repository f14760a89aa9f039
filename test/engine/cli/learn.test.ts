/** From outcomes to propensities in force: decide, hear what became of it, `proffer learn`, start with what was learned. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../../../engine/cli/client.ts'
import { learn } from '../../../engine/cli/learn.ts'
import { readLearned } from '../../../rules/learned-table.ts'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'
import { bank as pieces, writeBank } from '../step/bank-pack.ts'

const app = { source: 'app' }
/** The first copy waits until the history process has started ClickHouse and made its tables, which takes a busy machine long. */
const copiedWithinMs = 60_000
let dir = ''
const running: RunningEngine[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-learn-'))
  const offers = pieces.offers.map((offer) =>
    offer.id === 'study-loan'
      ? { ...offer, value: 99, propensity: { learned: { model: 'banners', prior: [9, 1], floor: 0.5 } } }
      : offer,
  )
  await writeBank(dir, { offers, models: [{ id: 'banners', outcome: 'offer.accepted', window: '1s' }] })
})
afterEach(async () => {
  for (const engine of running.splice(0)) await engine.stop()
  await rm(dir, { recursive: true, force: true })
})

async function started(settings: Record<string, string> = {}): Promise<RunningEngine> {
  const engine = await runEngine({
    history: true,
    dataDir: join(dir, 'data'),
    settings: { PACK: dir, PACK_CHANGES: 'at_start', ...settings },
  })
  running.push(engine)
  return engine
}

async function ask(engine: RunningEngine, customerId: string): Promise<string> {
  const { body } = await engine.call('POST', '/v1/decisions', {
    customerId,
    placement: 'home-banner',
    count: 1,
    deadlineMs: 10_000,
  })
  expect(body).toMatchObject({ outcome: 'offered', offers: [{ offer: 'study-loan' }] })
  return String(Object(body).decisionId)
}

async function output(work: () => Promise<number>): Promise<string> {
  let text = ''
  const spy = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  try {
    expect(await work()).toBe(0)
  } finally {
    spy.mockRestore()
  }
  return text
}

test('what was learned from the outcomes is in force after the next start, and every decision says so', async () => {
  const first = await started()
  const profile = { studentStatus: false, cleared: [] }
  for (let i = 0; i < 10; i++) {
    await first.call('POST', '/v1/events', cloudEvent(`c${i}`, 'profile.updated', profile, app))
    const decisionId = await ask(first, `c${i}`)
    const outcome = { decisionId, offerId: 'study-loan', placement: 'home-banner' }
    if (i < 3) await first.call('POST', '/v1/events', cloudEvent(`c${i}`, 'offer.accepted', outcome, app))
  }
  await sleep(1_200)
  await first.call('POST', '/v1/events', cloudEvent('c0', 'search.made', { category: 'other' }, app))
  expect(await first.engine.history?.flush(copiedWithinMs)).toBe(true)

  const out = join(dir, 'learned', 'banners.json')
  const client = createClient(first.url, first.engine.key)
  const text = await output(() => learn(client, first.config, { days: 30, out, json: false }))
  expect(text).toMatch(/banners +study-loan +all +10 +3 +0/)
  expect(text).toContain(`LEARNED=${out}`)
  const read = readLearned(await readFile(out, 'utf8'))
  if (read.kind === 'refused') throw new Error(read.problem)
  expect(read.learned.table.cells).toMatchObject([{ offer: 'study-loan', segment: 'all', successes: 3, failures: 7 }])
  const same = JSON.parse(await output(() => learn(client, first.config, { days: 30, out, json: true })))
  expect(same).toMatchObject({ file: out, hash: read.learned.hash })
  await first.stop()
  running.splice(0)

  const second = await started({ LEARNED: out })
  expect(second.engine.facts.join()).toContain(`learned propensities ${read.learned.hash.slice(0, 12)}: 1 of offers`)
  const decisionId = await ask(second, 'c5')
  // The record of an answer that reserved nothing leaves within a second.
  const recorded = async (): Promise<string> => {
    const { body } = await second.call('GET', `/v1/decisions/${decisionId}`)
    return JSON.stringify(body)
  }
  await expect.poll(recorded, { timeout: 20_000, interval: 200 }).toContain(read.learned.hash)
}, 120_000)

test('an engine does not start without the propensities it was told of', async () => {
  await expect(started({ LEARNED: join(dir, 'none.json') })).rejects.toMatchObject({ code: 'learned_refused' })
})

test('outcomes are learned for the version in force, whatever the folder holds by now', async () => {
  const engine = await started({ PACK_CHANGES: 'governed' })
  expect(await engine.engine.history?.flush(copiedWithinMs)).toBe(true)
  const inForce = engine.engine.installation.pack.loaded.hash
  await writeBank(dir, {})
  const client = createClient(engine.url, engine.engine.key)
  const out = join(dir, 'learned.json')
  const text = await output(() => learn(client, engine.config, { days: 30, out, json: true }))
  expect(JSON.parse(text)).toMatchObject({ file: out, rows: [] })
  expect(JSON.parse(await readFile(out, 'utf8'))).toMatchObject({ packHash: inForce })
}, 120_000)
