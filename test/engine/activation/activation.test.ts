/** Putting packs in force while a whole engine works, embedded, its shard in a thread. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Log } from '../../../ingest/log.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision } from '../../../sinks/decision-codec.ts'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'
import { keepPacks, newOffer, oldOffer, type TwoPacks, twoPacks } from './two-packs.ts'

const threaded = { SHARD_MODE: 'worker', ACTIVATION_PREPARE_MS: '20000' }
const activations = 30

let packs: TwoPacks
let dir: string
let running: RunningEngine | null = null

beforeAll(async () => {
  packs = await twoPacks()
})
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-activation-'))
  await keepPacks({ kind: 'lmdb', dir: join(dir, 'store') }, [packs.second])
})
afterEach(async () => {
  await running?.stop()
  running = null
  await rm(dir, { recursive: true, force: true })
})
afterAll(() => {
  expect(packs.first.hash).not.toBe(packs.second.hash)
})

async function start(options: NonNullable<Parameters<typeof runEngine>[0]> = {}): Promise<RunningEngine> {
  running = await runEngine({ ...options, dataDir: dir, settings: { ...threaded, ...options.settings } })
  return running
}

const purchase = (customer: string) =>
  cloudEvent(
    customer,
    'card.purchase',
    { amount: 100, currency: 'CNY', merchantCategory: 'fuel', merchantId: null, channel: 'online', country: 'CN' },
    { source: 'card-system' },
  )

async function decided(engine: RunningEngine, customerId = 'C-one'): Promise<string> {
  const { status, body } = await engine.call('POST', '/v1/decisions', { customerId, placement: 'app_home_banner' })
  expect(status).toBe(200)
  const answer: { packHash: string } = JSON.parse(JSON.stringify(body))
  return answer.packHash
}

async function decisionsIn(log: Log): Promise<Decision[]> {
  const found: Decision[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    for (let at = (await log.bounds(partition)).start; ; ) {
      const records = await log.read(partition, at, { maxRecords: 1_000, maxBytes: 8_000_000 })
      if (records.length === 0) break
      for (const { offset, value } of records) {
        at = offset + 1
        found.push(decodeDecision(value))
      }
    }
  }
  return found
}

test('under load no request fails and no decision mixes two packs, however often they change', async () => {
  const engine = await start()
  const seen = { decisions: 0, events: 0, failures: 0, packs: new Set<string>() }
  let isOver = false
  const ask = async (worker: number): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const customerId = `C-${worker}-${i % 50}`
      const posted = await engine.call('POST', '/v1/events', [purchase(customerId), purchase(customerId)])
      if (posted.status === 200) seen.events += 2
      else seen.failures++
      const body = { customerId, placement: 'app_home_banner', deadlineMs: 5_000 }
      const { status, text } = await engine.call('POST', '/v1/decisions', body)
      if (status !== 200) seen.failures++
      const { packHash, reason }: { packHash: string; reason: string } = JSON.parse(text)
      seen.packs.add(packHash)
      if (reason === 'deadline_exceeded' || reason === 'worker_failed') seen.failures++
      seen.decisions++
    }
  }
  const load = Promise.all([0, 1, 2, 3].map(ask))
  for (let i = 0; i < activations; i++) {
    const { hash } = i % 2 === 0 ? packs.second : packs.first
    const result = await engine.engine.activator.activate(hash)
    expect(result).toMatchObject({ kind: 'activated', packHash: hash, activation: i + 1 })
    // From the answer on nothing is decided under the pack before.
    expect(await decided(engine)).toBe(hash)
  }
  isOver = true
  await load
  await engine.engine.shards.drained()
  expect(seen.failures).toBe(0)
  expect(seen.packs).toEqual(new Set([packs.first.hash, packs.second.hash]))
  expect((await engine.engine.shards.totals()).accepted).toBe(seen.events)
  expect((await engine.engine.shards.totals()).duplicates).toBe(0)
  const logged = await decisionsIn(engine.engine.decisions)
  expect(logged.length).toBeGreaterThanOrEqual(seen.decisions)
  const mixed = logged.filter(({ packHash, fates, offers }) => {
    const other = packHash === packs.first.hash ? newOffer : oldOffer
    return fates.some(({ offer }) => offer === other) || offers.some(({ offer }) => offer === other)
  })
  expect(mixed).toEqual([])
  const named = (offer: string) => logged.filter(({ fates }) => fates.some((fate) => fate.offer === offer)).length
  // Both versions were looked at, else nothing could have been mixed.
  expect(named(oldOffer)).toBeGreaterThan(0)
  expect(named(newOffer)).toBeGreaterThan(0)
}, 120_000)

test('a shard that does not say that it is ready leaves the pack in force everywhere, and is named', async () => {
  const engine = await start({
    settings: { ACTIVATION_PREPARE_MS: '1000' },
    shards: { deaf: { shard: 0, to: 'prepare' } },
  })
  const result = await engine.engine.activator.activate(packs.second.hash)
  expect(result).toMatchObject({
    kind: 'refused',
    code: 'not_confirmed',
    missing: [expect.stringMatching(/ shard 0$/)],
  })
  expect(await decided(engine)).toBe(packs.first.hash)
  expect(await engine.engine.activator.status()).toMatchObject({
    packHash: packs.first.hash,
    activation: 0,
    shards: [{ packHash: packs.first.hash }],
  })
}, 60_000)

test('a shard that does not confirm the switch is begun anew with the pack, and is named while it stays silent', async () => {
  const engine = await start({
    settings: { ACTIVATION_SWITCH_MS: '3000' },
    shards: { deaf: { shard: 0, to: 'switch' } },
  })
  const result = await engine.engine.activator.activate(packs.second.hash)
  expect(result).toMatchObject({ kind: 'activation_incomplete', missing: [expect.stringMatching(/ shard 0$/)] })
  await expect.poll(() => decided(engine), { timeout: 10_000 }).toBe(packs.second.hash)
}, 60_000)

test('a version that is not kept, or not proven, is not put in force', async () => {
  const engine = await start()
  expect(await engine.engine.activator.activate('0'.repeat(64))).toMatchObject({
    kind: 'refused',
    code: 'pack_unknown',
  })
  expect(await decided(engine)).toBe(packs.first.hash)
})

test('an engine that dies behind the record, before any shard was told, comes back under the new pack', async () => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'die-recorded.ts'), dir, packs.second.hash])
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
  const engine = await start()
  expect(await decided(engine)).toBe(packs.second.hash)
  expect(await engine.engine.activator.status()).toMatchObject({ packHash: packs.second.hash, activation: 1 })
}, 60_000)

test('a later start keeps the version in force, whatever PACK holds, and says so', async () => {
  const engine = await start()
  expect(await engine.engine.activator.activate(packs.second.hash)).toMatchObject({ kind: 'activated' })
  await engine.stop()
  const again = await start()
  expect(await decided(again)).toBe(packs.second.hash)
  expect(again.engine.facts.join('\n')).toContain('is not what is in force')
  await again.stop()
  // For trials: PACK is put in force at the start.
  const trial = await start({ settings: { PACK_CHANGES: 'at_start' } })
  expect(await decided(trial)).toBe(packs.first.hash)
}, 60_000)

test('the API tells which pack every shard runs, and since when', async () => {
  const engine = await start()
  await engine.engine.activator.activate(packs.second.hash)
  const { status, body } = await engine.call('GET', '/v1/packs/active')
  expect(status).toBe(200)
  expect(body).toMatchObject({
    packHash: packs.second.hash,
    activation: 1,
    shards: [{ shard: 0, activation: 1 }],
    silent: [],
  })
})
