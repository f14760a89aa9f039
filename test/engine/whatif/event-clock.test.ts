/**
 * Goal: what was really sent is known as sent, and lapses as it did, however long a batch is. Method: on an event clock a few batches cover days of
 * messages that nobody reports of, so that their contacts lapse; the slices of the what-if are hours at most.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WhatIfMachine } from '../../../engine/whatif/machine.ts'
import { PastReader } from '../../../engine/whatif/read-past.ts'
import type { WhatIfReport } from '../../../engine/whatif/report.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { NewRecord } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { bankPack, epoch, type Folder, openFolder, partitions, salt } from '../shard/data-folder.ts'
import { noise } from '../shard/event-stream.ts'
import { type Past, pastOfLogs } from './past-of-logs.ts'

const customers = 20
const eventCount = 3_000
/** Six days in all. */
const everyMs = (6 * 86_400_000) / eventCount
let dir: string
let folder: Folder
let past: Past

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-whatif-'))
  folder = await openFolder(dir, { clock: 'event', pack: await bankPack('app_counts') })
  const records: NewRecord[][] = Array.from({ length: partitions }, () => [])
  for (let n = 0; n < eventCount; n++) {
    const customerId = `C${Math.floor(noise(n, 1) * customers)}`
    const time = epoch + Math.floor(n * everyMs)
    const pageGroup = noise(n, 2) < 0.6 ? 'fx' : 'gold'
    const isConsent = n < customers
    const value = encodeEvent({
      id: `e${n}`,
      source: isConsent ? 'crm' : 'mobile-app',
      type: isConsent ? 'consent.updated' : 'page.viewed',
      customerId: isConsent ? `C${n}` : customerId,
      time,
      provenance: { via: 'demo', consentId: null },
      data: isConsent
        ? { channel: 'push', granted: true, purpose: 'marketing' }
        : { page: '/', pageGroup, dwellMs: 1_000 },
    })
    const key = isConsent ? `C${n}` : customerId
    records[partitionOf(key, partitions)]?.push({ key, value, appendTime: time })
  }
  for (const [partition, list] of records.entries()) await folder.log.append(partition, list)
  const shards = await folder.shards()
  await shards.start('')
  await shards.drained()
  await shards.stop(5_000)
  past = await pastOfLogs(folder)
}, 120_000)
afterAll(async () => {
  await folder.close()
  await rm(dir, { recursive: true, force: true })
})

async function whatIf(from: number): Promise<WhatIfReport> {
  const pack = compilePack(folder.pack)
  const machine = new WhatIfMachine({
    ...{ current: pack, next: pack, learned: null, salt, bankBytes: 64 * 2 ** 20 },
    ...{ warmedFrom: epoch, from, observedSince: 0, stockLeft: new Map() },
  })
  const after = Array.from({ length: partitions }, () => 0)
  const to = epoch + 7 * 86_400_000
  const reader = new PastReader(past, { after, from: epoch, to, windowFrom: from, isFollowed: false })
  for await (const slice of reader.slices()) machine.take(slice)
  return machine.report(null)
}

test('messages of batches that are longer than a slice were sent, and lapse', async () => {
  const longest = Math.max(
    ...past.all.flat().map(({ steps, now }) => now - Math.max(epoch, steps[0]?.now ?? Number.POSITIVE_INFINITY)),
  )
  expect(longest).toBeGreaterThan(12 * 3_600_000)
  const sent = past.decisions.filter(({ confirmBy }) => confirmBy > 0)
  expect(sent.filter(({ confirmBy }) => confirmBy < epoch + 5 * 86_400_000).length).toBeGreaterThan(20)
  const recorded = past.decisions.length
  expect((await whatIf(epoch)).belief).toEqual({ recorded, met: recorded, differed: 0, missing: 0, surplus: 0 })
})

test('the window begins at its instant, also in the middle of a batch', async () => {
  const from = epoch + 3 * 86_400_000
  const within = past.decisions.filter(({ now }) => now >= from).length
  const { belief, days } = await whatIf(from)
  expect(belief).toEqual({ recorded: within, met: within, differed: 0, missing: 0, surplus: 0 })
  expect(days.reduce((sum, { decisions }) => sum + decisions.current, 0)).toBe(within)
})
