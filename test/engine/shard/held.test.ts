/**
 * Goal: what quiet hours hold is in the store, leaves by itself when it is due, once, and also under another owner. Method: a clock that
 * the test sets forward; the hours are around the moment the test runs.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision } from '../../../sinks/decision-codec.ts'
import { loadBank } from '../step/bank-pack.ts'
import { type Folder, openFolder, partitions, readAll } from './data-folder.ts'

const hourMs = 3_600_000
let dir = ''
let folder: Folder
let ahead = 0
let running: LocalShards[] = []
const clock = { kind: 'wall' as const, now: () => Date.now() + ahead }
const timeOfDay = (at: number): string => new Date(at).toISOString().slice(11, 16)

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-held-'))
  ahead = 0
  running = []
  const night = { from: timeOfDay(Date.now() - hourMs), to: timeOfDay(Date.now() + 2 * hourMs) }
  const text = { en: 'Not now', zh: '现在不发' }
  const applies = { categories: 'all', channels: ['sms'] }
  const contact = { quietHours: [{ id: 'night', ...night, applies, instead: 'hold', text }], releaseSpread: '1s' }
  folder = await openFolder(dir, { clock: 'wall', pack: await loadBank({ contact }) })
})
afterEach(async () => {
  for (const shards of running) await shards.stop(3_000)
  await folder.close()
  await rm(dir, { recursive: true, force: true })
})

async function started(mode: 'inline' | 'worker'): Promise<LocalShards> {
  const shards = await folder.shards({ clock, mode })
  running.push(shards)
  await shards.start('')
  return shards
}

async function stopped(shards: LocalShards): Promise<void> {
  running = running.filter((one) => one !== shards)
  await shards.stop(3_000)
}

async function append(type: string, id: string, data: Event['data']): Promise<void> {
  const event: Event = {
    id,
    source: 'core-banking',
    type,
    customerId: 'C1',
    time: Date.now(),
    provenance: { via: 'http', consentId: null },
    data,
  }
  await folder.log.append(partitionOf('C1', partitions), [{ key: 'C1', value: encodeEvent(event) }])
}

const consent = () => append('consent.updated', 'e1', { channel: 'sms', granted: true, purpose: 'marketing' })
const repayment = () => append('repayment.made', 'e2', { amount: 600_000, currency: 'CNY', product: 'loan' })

async function published(): Promise<Decision[]> {
  const records = await readAll(folder.decisions, partitionOf('C1', partitions))
  return records.map(({ value }) => decodeDecision(value))
}

test.each(['inline', 'worker'] as const)('a message waits in the store and leaves once, %s', async (mode) => {
  const first = await started(mode)
  await consent()
  await repayment()
  await first.drained()
  expect((await published()).map(({ reason }) => reason)).toEqual(['held_back'])
  await stopped(first)

  // Another owner, three hours later.
  ahead = 3 * hourMs
  const second = await started(mode)
  await expect.poll(async () => (await published()).length, { timeout: 10_000 }).toBe(2)
  const [held, sent] = await published()
  expect(sent).toMatchObject({ outcome: 'offered', cause: { id: held?.id, type: 'hold.released' } })
  expect((await second.customer('C1')).contacts).toHaveLength(1)

  // And nobody lets it out once more.
  await stopped(second)
  ahead = 6 * hourMs
  const third = await started(mode)
  await append('page.viewed', 'e3', { page: '/', pageGroup: 'home', dwellMs: 1 })
  await third.drained()
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(await published()).toHaveLength(2)
})

test('an owner lets it out by itself, without an event', async () => {
  const shards = await started('inline')
  await consent()
  await repayment()
  await shards.drained()
  expect(await published()).toHaveLength(1)
  ahead = 2 * hourMs - 1_000
  // A timer is as long as it was when it was set: only an owner that begins now counts from the new time on.
  await stopped(shards)
  await started('inline')
  expect(await published()).toHaveLength(1)
  await expect.poll(async () => (await published()).length, { timeout: 70_000 }).toBe(2)
}, 80_000)
