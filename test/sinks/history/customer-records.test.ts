/** Of a partition's batches a replay of one customer reads those that touch the customer, and still finds what is missing among the others. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Batch, BatchStep } from '../../../sinks/batch.ts'
import { encodeBatch } from '../../../sinks/batch-codec.ts'
import { type CustomerRecords, openCustomerRecords } from '../../../sinks/history/customer-records.ts'
import { nothing } from '../sample-batches.ts'
import { createWorld, purchase, type World } from './history-world.ts'

// A ClickHouse starts: on a busy machine that takes a while.
vi.setConfig({ hookTimeout: 120_000, testTimeout: 60_000 })

let world: World
let records: CustomerRecords

beforeAll(async () => {
  world = await createWorld()
  await events(0, ['ben', 'anna', 'undecodable', 'ben', 'ben', 'anna', 'ben', 'ben', 'anna', 'ben'])
  await batches(0, touched)
  await batches(1, [took(1, 0, 0), took(2, 0, 0), took(4, 0, 0), took(5, 0, 0)])
  await batches(2, [took(5, 0, 0), took(6, 0, 0)])
  await events(3, ['ben', 'ben', 'ben', 'ben', 'ben', 'ben'])
  // What an operator gave up is there and no batch took it: it does not stand for what is missing.
  await batches(3, [took(1, 0, 2), { ...took(2, 2, 4), kind: 'amend', events: 0 }, took(3, 4, 7), took(5, 7, 7)])
  const history = await world.started()
  expect(await history.flush(60_000)).toBe(true)
  const address = history.address()
  if (address === null) throw new Error('history runs')
  records = openCustomerRecords(address, { partitions: 4, customerId: 'anna' })
})
afterAll(async () => {
  await records.close()
  await world.dispose()
})

async function events(partition: number, customers: readonly string[]): Promise<void> {
  const rows = customers.map((customerId, i) => ({
    key: customerId,
    value: customerId === 'undecodable' ? new Uint8Array(3) : encodeEvent({ ...purchase(i), customerId }),
  }))
  await world.events.append(partition, rows)
}

async function batches(partition: number, all: readonly Batch[]): Promise<void> {
  // The first is told twice, as after a crash.
  const rows = [...all.slice(0, 1), ...all].map((batch) => ({
    key: String(partition),
    value: encodeBatch({ ...batch, partition }),
  }))
  await world.batches.append(partition, rows)
}

function took(seq: number, from: number, next: number, more: Partial<Batch> = {}): Batch {
  return { ...nothing, kind: 'step', seq, prev: seq - 1, from, next, events: next - from, ...more }
}

function asked(customerId: string): BatchStep {
  const request = { customerId, requestId: 'r', placement: 'app_home_banner', count: 1, personalised: true }
  const form = { pack: 'a1', learned: '', quarantined: [], revoked: [] }
  return { now: 1, turn: 0, form, series: null, requests: [request], stock: null }
}

const filled = { number: 1, from: 0, to: 1, offsets: [], limits: [] }
const touched = [
  took(1, 0, 1, { steps: [{ ...asked('ben'), series: { since: [0], renamed: [] } }] }),
  took(2, 1, 3),
  took(3, 3, 4),
  // The store lost these two: number 6 goes on behind 3.
  took(4, 4, 6),
  took(5, 6, 7),
  took(6, 4, 4, { prev: 3, kind: 'adopt', adopted: ['0f'.repeat(16)] }),
  took(7, 4, 5),
  took(8, 5, 6),
  took(9, 6, 6, { steps: [asked('ben'), asked('anna')] }),
  took(10, 6, 6, { steps: [asked('ben')] }),
  took(11, 6, 6, { due: ['ben', 'anna'] }),
  took(12, 6, 6, { kind: 'fill', filled }),
  took(13, 6, 8, { due: ['ben'] }),
  took(14, 8, 10),
]

test('batches are those with an event, a request or something due of the customer, and those that concern everybody', async () => {
  const found: Batch[] = []
  for (let after = 0; ; after = found.at(-1)?.seq ?? 0) {
    const page = await records.batches(0, after, 2)
    if (page.length === 0) break
    expect(page.length).toBeLessThanOrEqual(2)
    found.push(...page)
  }
  expect(found.map(({ seq }) => seq)).toEqual([1, 2, 4, 6, 8, 9, 11, 12, 14])
  const [nine, eleven] = [9, 11].map((one) => found.find(({ seq }) => seq === one))
  expect(nine?.steps.map(({ requests }) => requests[0]?.customerId)).toEqual(['', 'anna'])
  expect(eleven?.due).toEqual(['', 'anna'])
  expect((await records.events(0, 0, 10, 100)).map(({ offset }) => offset)).toEqual([1, 5, 8])
})

test('what is missing is found, the first of it, up to the batch that is asked for', async () => {
  expect(await records.gap(0, 14)).toBeNull()
  expect(await records.gap(1, 2)).toBeNull()
  expect(await records.gap(1, 4)).toEqual({ kind: 'batches', after: 2, before: 4 })
  expect(await records.gap(2, Number.MAX_SAFE_INTEGER)).toEqual({ kind: 'batches', after: 0, before: 5 })
  expect(await records.gap(3, 2)).toBeNull()
  expect(await records.gap(3, 5)).toEqual({ kind: 'events', from: 4, to: 7, count: 1 })
})
