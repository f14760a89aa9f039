/**
 * Goal: a what-if under the pack that was in force meets what was decided, and what another pack changes is counted right. Method: shards over
 * real logs decide on a stream with everything that goes wrong in one; the machine goes through what the logs hold.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WhatIfMachine } from '../../../engine/whatif/machine.ts'
import { PastReader } from '../../../engine/whatif/read-past.ts'
import type { WhatIfReport } from '../../../engine/whatif/report.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { hashOf } from '../../../rules/pack-hash.ts'
import { ruleName } from '../../../rules/rule-names.ts'
import type { BatchForm } from '../../../sinks/batch.ts'
import { bankPack, epoch, type Folder, openFolder, partitions, salt } from '../shard/data-folder.ts'
import { streamRecord } from '../shard/event-stream.ts'
import { type Past, pastOfLogs } from './past-of-logs.ts'

const eventCount = 4_000
const customers = 200
let dir: string
let folder: Folder
let past: Past

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-whatif-'))
  let now = epoch
  const clock = { kind: 'wall' as const, now: () => now }
  folder = await openFolder(dir, { clock, pack: await bankPack('app_counts') })
  const shards = await folder.shards({ clock })
  await shards.start('')
  for (let n = 0; n < eventCount; n += 50) {
    for (let i = n; i < n + 50; i++) {
      const { partition, record } = streamRecord(i, customers)
      await folder.log.append(partition, [record])
    }
    now = epoch + (n + 50) * 250
    await shards.drained()
    for (let i = 0; i < 5; i++) {
      const customerId = `C${(n + i * 7) % customers}`
      const placement = i % 2 === 0 ? 'app_offers' : 'app_home_banner'
      await shards.decide({
        customerId,
        requestId: `q${n + i}`,
        placement,
        count: 1,
        deadlineAt: now + 60_000,
        after: null,
      })
    }
  }
  now += 60_000
  await shards.drained()
  await shards.stop(5_000)
  past = await pastOfLogs(folder)
}, 120_000)
afterAll(async () => {
  await folder.close()
  await rm(dir, { recursive: true, force: true })
})

async function whatIf(
  next: LoadedPack,
  options: { source?: Past; from?: number; bankBytes?: number } = {},
): Promise<WhatIfReport> {
  const { source = past, from = past.startsAt, bankBytes = 64 * 2 ** 20 } = options
  const machine = new WhatIfMachine({
    ...{ current: compilePack(folder.pack), next: compilePack(next), learned: null, salt, bankBytes },
    ...{ warmedFrom: past.startsAt, from, observedSince: 0, stockLeft: new Map() },
  })
  const after = Array.from({ length: partitions }, () => 0)
  const to = epoch + (eventCount + 1_000) * 250
  const reader = new PastReader(source, { after, from: past.startsAt, to, windowFrom: from, isFollowed: false })
  for await (const slice of reader.slices()) machine.take(slice)
  return machine.report(null)
}

function changed(model: Partial<LoadedPack['model']>): LoadedPack {
  const whole = { ...folder.pack.model, ...model }
  return { model: whole, hash: hashOf(whole) }
}

test('the pack that was in force all along meets every decision exactly, and the same pack changes nothing', async () => {
  const report = await whatIf(folder.pack)
  expect(past.decisions.length).toBeGreaterThan(500)
  expect(report.belief).toEqual({
    recorded: past.decisions.length,
    met: past.decisions.length,
    differed: 0,
    missing: 0,
    surplus: 0,
  })
  for (const { gained, lost, made } of report.offers)
    expect([gained, lost, made.current - made.next]).toEqual([0, 0, 0])
  expect(report.offers.length).toBeGreaterThan(3)
  for (const { count } of report.refusals) expect(count.current).toBe(count.next)
  expect(report.holes).toEqual([])
})

test('an offer that is taken away loses exactly the customers who got it', async () => {
  const made = new Map<string, Set<string>>()
  for (const { outcome, offers, customerId } of past.decisions)
    for (const { offer } of outcome === 'offered' ? offers : [])
      made.set(offer, (made.get(offer) ?? new Set()).add(customerId))
  const [offer = '', who] = [...made].sort((a, b) => b[1].size - a[1].size)[0] ?? []
  const never = folder.pack.model.offers.map((one) => (one.id === offer ? { ...one, eligible: 'false' } : one))
  const report = await whatIf(changed({ offers: never }))
  const line = report.offers.find((one) => one.offer === offer)
  expect(line).toMatchObject({
    lost: who?.size,
    gained: 0,
    made: { next: 0 },
    customers: { current: who?.size, next: 0 },
  })
  expect(report.belief).toMatchObject({ met: past.decisions.length })
  for (const id of line?.lostExamples ?? []) expect(who).toContain(id)
})

test('a cap of one message a month stops what it has to, and its pressure is told', async () => {
  const caps = folder.pack.model.caps.map((cap) => ({ ...cap, limit: 1, perMs: 30 * 86_400_000 }))
  const report = await whatIf(changed({ caps }))
  const stopped = (side: 'current' | 'next') =>
    report.refusals.filter(({ reason }) => reason === 'cap_reached').reduce((sum, { count }) => sum + count[side], 0)
  expect(stopped('next')).toBeGreaterThan(stopped('current'))
  const made = (side: 'current' | 'next') => report.offers.reduce((sum, line) => sum + line.made[side], 0)
  expect(made('next')).toBeLessThan(made('current'))
  // What was really made is what the pack in force is said to make.
  const really = past.decisions.filter(({ outcome }) => outcome === 'offered').flatMap(({ offers }) => offers).length
  expect(made('current')).toBe(really)
})

test('what came before the window is counted for the states and not in the report', async () => {
  const from = epoch + (eventCount / 2) * 250
  const report = await whatIf(folder.pack, { from })
  const within = past.decisions.filter(({ now }) => now >= from)
  expect(report.belief).toMatchObject({ recorded: within.length, met: within.length, surplus: 0 })
  expect(report.events).toBeLessThan(eventCount)
  expect(within.length).toBeLessThan(past.decisions.length)
})

test('batches that history lacks are told as a hole, and counting goes on', async () => {
  const lacks: Past = {
    ...past,
    batches: async (...asked) =>
      (await past.batches(...asked)).filter(({ seq, partition }) => partition > 0 || seq < 10 || seq > 13),
  }
  const report = await whatIf(folder.pack, { source: lacks })
  const [hole] = report.holes
  const [from, to] = [
    past.all[0]?.find(({ seq }) => seq === 10)?.from,
    past.all[0]?.find(({ seq }) => seq === 14)?.from,
  ]
  expect(hole).toMatchObject({ partition: 0, from, to })
  expect(report.belief.missing).toBeGreaterThan(0)
  expect(report.belief.met).toBeGreaterThan(past.decisions.length / 2)
})

/** The past as it would be recorded with more out of service. */
function without(out: { quarantined?: readonly string[]; revoked?: readonly string[] }): Past {
  const told = (form: BatchForm | null) => (form === null ? null : { ...form, ...out })
  return {
    ...past,
    batches: async (...asked) =>
      (await past.batches(...asked)).map((batch) => ({
        ...batch,
        steps: batch.steps.map((step) => ({ ...step, form: told(step.form) })),
      })),
  }
}

test('a rule that was quarantined then and a source that was revoked are out of service on both sides', async () => {
  const counts = new Map<string, number>()
  for (const { outcome, offers } of past.decisions)
    for (const { offer } of outcome === 'offered' ? offers : []) counts.set(offer, (counts.get(offer) ?? 0) + 1)
  const [most = ''] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? []
  expect(most).not.toBe('')
  const withheld = await whatIf(folder.pack, { source: without({ quarantined: [ruleName('offer', most)] }) })
  expect(withheld.offers.find(({ offer }) => offer === most)).toBeUndefined()
  expect(withheld.belief.met).toBeLessThan(past.decisions.length)
  const revoked = folder.pack.model.sources.map(({ id }) => id)
  const { offers } = await whatIf(folder.pack, { source: without({ revoked }) })
  const made = offers.reduce((sum, line) => sum + line.made.current, 0)
  expect(made).toBeLessThan([...counts.values()].reduce((sum, count) => sum + count, 0) / 2)
  for (const line of offers) expect(line.made.next).toBe(line.made.current)
})

test('customers who do not fit into memory are said to, and nothing is reported of the rest', async () => {
  await expect(whatIf(folder.pack, { bankBytes: 96 * 1_024 })).rejects.toMatchObject({ code: 'customers_do_not_fit' })
})
