/**
 * A source is revoked on a running engine, as an operator does it: over HTTP and on the command line, with a history beside. What it
 * brought opens nothing any more and still closes, at the next request, after a restart, and until it is restored.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type Client, createClient } from '../../../engine/cli/client.ts'
import { showInfluenced, showSources } from '../../../engine/cli/sources.ts'
import { cloudEvent, type RunningEngine, runEngine } from '../running-engine.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The source that is revoked, and one that is not. */
const partner = 'tax-office-data'
const own = 'core-banking'
const birthDate = Date.UTC(1985, 5, 15)
/** Above what the banner of private banking asks for. */
const wealth = { totalAssets: 150_000_000, currency: 'CNY' }
const settings = { PARTITIONS: '2' }

let dir: string
let running: RunningEngine
let client: Client
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-origins-'))
  await start()
}, 120_000)
afterAll(async () => {
  await running.stop()
  await rm(dir, { recursive: true, force: true })
})

async function start(): Promise<void> {
  running = await runEngine({ dataDir: dir, settings, history: true })
  client = createClient(running.url, running.engine.key)
}

const decided = z.looseObject({ decisionId: z.string(), offers: z.array(z.looseObject({ offer: z.string() })) })
const recorded = z.looseObject({
  features: z.array(z.looseObject({ name: z.string(), class: z.string() })),
  fates: z.array(z.looseObject({ offer: z.string(), reason: z.string(), rule: z.string().nullable() })),
})

async function tell(customer: string, type: string, data: Record<string, unknown>, extra: object): Promise<void> {
  expect((await running.call('POST', '/v1/events', [cloudEvent(customer, type, data, { ...extra })])).status).toBe(200)
  await running.engine.shards.drained()
}

async function ask(customer: string): Promise<{ readonly id: string; readonly offers: readonly string[] }> {
  const answer = await running.call('POST', '/v1/decisions', { customerId: customer, placement: 'app_home_banner' })
  expect(answer.status).toBe(200)
  const { decisionId, offers } = decided.parse(answer.body)
  return { id: decisionId, offers: offers.map(({ offer }) => offer) }
}

/** How the record says that the banner fared, and what was known of assets. */
async function record(
  id: string,
): Promise<{ readonly reason: string | undefined; readonly assets: string | undefined }> {
  await running.engine.shards.drained()
  expect(await running.engine.history?.flush(60_000)).toBe(true)
  const { body } = await running.call('GET', `/v1/decisions/${id}`)
  const { features, fates } = recorded.parse(Object(body).record ?? body)
  return {
    reason: fates.find(({ offer }) => offer === 'banner_private_banking')?.reason,
    assets: features.find(({ name }) => name === 'profile.totalAssets')?.class,
  }
}

/** What a command prints, and its exit code. */
async function said(command: () => Promise<number>): Promise<{ readonly code: number; readonly text: string }> {
  let text = ''
  const write = (chunk: string | Uint8Array): boolean => {
    text += String(chunk)
    return true
  }
  const out = vi.spyOn(process.stdout, 'write').mockImplementation(write)
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(write)
  try {
    return { code: await command(), text }
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
}

const change = (name: 'revoke' | 'restore', as = client) =>
  said(() => showSources(as, { id: partner, change: name, why: 'the agreement was ended' }, false))

const influenced = async (): Promise<readonly string[]> => {
  const { code, text } = await said(() => showInfluenced(client, { id: partner, days: 1, now: Date.now() }, true))
  expect(code).toBe(0)
  const lines = text.split('\n').filter((line) => line !== '')
  return lines.map((line) => z.looseObject({ decision_id: z.string() }).parse(JSON.parse(line)).decision_id)
}

test('a source is revoked: what it brought is unknown at once, listed for before, closed where it closed', async () => {
  for (const customer of ['anna', 'mourner', 'own'])
    await tell(customer, 'profile.updated', { birthDate }, { source: own })
  await tell('anna', 'profile.updated', wealth, { source: partner })
  // In this order: what a source brings may touch all of its type that was set before.
  await tell('child', 'profile.updated', { birthDate }, { source: partner })
  for (const customer of ['own', 'mourner', 'child']) await tell(customer, 'profile.updated', wealth, { source: own })
  await tell('mourner', 'life_event.reported', { kind: 'bereavement', resolved: false }, { source: partner })
  const before = {
    anna: await ask('anna'),
    own: await ask('own'),
    mourner: await ask('mourner'),
    child: await ask('child'),
  }
  const offered = ['banner_private_banking']
  expect({ anna: before.anna.offers, own: before.own.offers, child: before.child.offers }).toEqual({
    anna: offered,
    own: offered,
    child: offered,
  })
  expect(await record(before.anna.id)).toEqual({ reason: 'offered', assets: 'exact' })
  expect(await record(before.mourner.id)).toMatchObject({ reason: 'bereavement' })

  const app = await running.call('POST', '/v1/keys', { name: 'app', roles: ['app'] })
  const { key } = z.looseObject({ key: z.string() }).parse(app.body)
  const headers = { Authorization: `Bearer ${key}` }
  const body = { why: 'not mine to say' }
  expect((await running.call('POST', `/v1/sources/${partner}/revoke`, body, headers)).status).toBe(403)
  expect((await change('revoke', createClient(running.url, key))).code).toBe(1)
  expect((await ask('anna')).offers).toEqual(offered)

  const revoked = await change('revoke')
  expect(revoked).toMatchObject({ code: 0, text: expect.stringMatching(/tax-office-data.*the agreement was ended/) })
  const after = {
    anna: await ask('anna'),
    own: await ask('own'),
    mourner: await ask('mourner'),
    child: await ask('child'),
  }
  expect(after.own.offers).toEqual(offered)
  expect(after.anna.offers).not.toContain('banner_private_banking')
  expect(await record(after.anna.id)).toEqual({ reason: 'eligibility_unknown', assets: 'unknown' })
  // What it closed stays closed; and an age that is not known any more closes what minors are kept from.
  expect(await record(after.mourner.id)).toMatchObject({ reason: 'bereavement' })
  expect(await record(after.child.id)).toMatchObject({ reason: 'minor' })

  const listed = await influenced()
  expect(listed).toEqual(expect.arrayContaining([before.anna.id, before.child.id]))
  for (const other of [before.own, after.own, after.anna, after.child]) expect(listed).not.toContain(other.id)
  expect(await said(() => showInfluenced(client, { id: 'mistyped', days: 1, now: Date.now() }, true))).toEqual({
    code: 1,
    text: expect.stringContaining('no such source'),
  })
  expect((await running.call('GET', '/v1/audit?limit=1')).body).toMatchObject({
    records: [{ action: 'source_revoked', outcome: 'done', why: 'the agreement was ended' }],
  })
})

test('it stays revoked after a restart, opens nothing by what it says then, and counts again once restored', async () => {
  await running.stop()
  await start()
  expect((await ask('anna')).offers).not.toContain('banner_private_banking')
  await tell('anna', 'profile.updated', wealth, { source: partner })
  expect(await record((await ask('anna')).id)).toEqual({ reason: 'eligibility_unknown', assets: 'unknown' })
  expect((await change('restore')).code).toBe(0)
  expect((await ask('anna')).offers).toEqual(['banner_private_banking'])
  expect((await ask('child')).offers).toEqual(['banner_private_banking'])
  expect(await record((await ask('mourner')).id)).toMatchObject({ reason: 'bereavement' })
})

test.each([
  ['the consent', 'bea', { consentId: 'C-1' }],
  ['the source', 'carl', { dataSource: partner }],
])('a customer takes %s back: theirs alone is unknown, until new data come under it', async (_, customer, by) => {
  const under = { source: partner, consentid: 'C-1' }
  for (const one of [customer, `${customer}-2`]) {
    await tell(one, 'profile.updated', { birthDate }, { source: own })
    await tell(one, 'profile.updated', wealth, under)
    expect((await ask(one)).offers).toEqual(['banner_private_banking'])
  }
  const consent = (granted: boolean) => ({ channel: 'all', purpose: 'data_use', granted, ...by })
  await tell(customer, 'consent.updated', consent(false), { source: own })
  expect(await record((await ask(customer)).id)).toEqual({ reason: 'eligibility_unknown', assets: 'unknown' })
  expect((await ask(`${customer}-2`)).offers).toEqual(['banner_private_banking'])
  await tell(customer, 'profile.updated', wealth, under)
  expect(await record((await ask(customer)).id)).toMatchObject({ reason: 'eligibility_unknown' })
})
