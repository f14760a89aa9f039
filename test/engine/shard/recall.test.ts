/**
 * Goal: once the event that forbids a message is acknowledged, its recall is on the decisions log and no permit is given, through the real
 * logs and store, and after another owner took over. Method: one bank in a folder; an SMS gateway that sends receipts.
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
import { loadBank, reportedChannels } from '../step/bank-pack.ts'
import { type Folder, openFolder, partitions, readAll } from './data-folder.ts'

let dir = ''
let folder: Folder
let running: LocalShards[] = []

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-recall-'))
  running = []
  const channels = reportedChannels
  folder = await openFolder(dir, { clock: 'wall', pack: await loadBank({ channels }) })
})
afterEach(async () => {
  for (const shards of running) await shards.stop(3_000)
  await folder.close()
  await rm(dir, { recursive: true, force: true })
})

async function started(mode: 'inline' | 'worker'): Promise<LocalShards> {
  const shards = await folder.shards({ mode })
  running.push(shards)
  await shards.start('')
  return shards
}

async function append(customerId: string, type: string, id: string, data: Event['data']): Promise<void> {
  const provenance = { via: 'http', consentId: null } as const
  const event: Event = { id, source: 'core-banking', type, customerId, time: Date.now(), provenance, data }
  await folder.log.append(partitionOf(customerId, partitions), [{ key: customerId, value: encodeEvent(event) }])
}

async function published(customerId: string): Promise<Decision[]> {
  const records = await readAll(folder.decisions, partitionOf(customerId, partitions))
  return records.map(({ value }) => decodeDecision(value)).filter((decision) => decision.customerId === customerId)
}

/** A message to each of them is decided and waits at the gateway. */
async function thanked(shards: LocalShards, customers: readonly string[]): Promise<Map<string, Decision>> {
  for (const customer of customers) {
    await append(customer, 'consent.updated', 'e1', { channel: 'sms', granted: true, purpose: 'marketing' })
    await append(customer, 'repayment.made', 'e2', { amount: 600_000, currency: 'CNY', product: 'loan' })
  }
  await shards.drained()
  const sent = new Map<string, Decision>()
  for (const customer of customers) {
    const [decision] = await published(customer)
    if (decision?.outcome !== 'offered') throw new Error('a repayment is thanked for')
    sent.set(customer, decision)
  }
  return sent
}

const mourning = { kind: 'bereavement', resolved: false, occurredAt: null }

test.each(['inline', 'worker'] as const)(
  'one of many messages is recalled and nobody else is touched, %s',
  async (mode) => {
    const shards = await started(mode)
    const customers = Array.from({ length: 50 }, (_, i) => `C${i}`)
    const sent = await thanked(shards, customers)
    const permits = async (of: LocalShards) => {
      const granted: string[] = []
      for (const [customerId, { id }] of sent)
        if ((await of.permit({ customerId, decisionId: id, channel: 'sms' })).permitted) granted.push(customerId)
      return granted
    }
    expect(await permits(shards)).toEqual(customers)

    const partition = partitionOf('C7', partitions)
    const { end } = await folder.log.bounds(partition)
    await append('C7', 'life_event.reported', 'death', mourning)
    expect(await shards.applied({ partition, offset: end }, Date.now() + 10_000)).toBe('accepted')
    const id = sent.get('C7')?.id ?? ''
    const asked = { customerId: 'C7', decisionId: id, channel: 'sms' }
    expect(await shards.permit(asked)).toEqual({ permitted: false, reason: 'recalled', until: 0 })
    expect(await permits(shards)).toEqual(customers.filter((customer) => customer !== 'C7'))

    await shards.drained()
    const recalls = (await Promise.all(customers.map(published))).flat().filter(({ reason }) => reason === 'recalled')
    expect(recalls.map(({ customerId, recalls }) => [customerId, recalls])).toEqual([['C7', [id.slice(0, 13)]]])

    // Another owner reads it from the store.
    running = []
    await shards.stop(3_000)
    const next = await started(mode)
    await append('C7', 'life_event.reported', 'death', mourning)
    await next.drained()
    expect(await next.permit(asked)).toMatchObject({ permitted: false, reason: 'recalled' })
    expect((await published('C7')).filter(({ reason }) => reason === 'recalled')).toHaveLength(1)
  },
)

test('permits that are asked for all the time hold no event up', async () => {
  const shards = await started('inline')
  const sent = await thanked(shards, ['C1'])
  const asked = { customerId: 'C1', decisionId: sent.get('C1')?.id ?? '', channel: 'sms' }
  let done = false
  const askOn = async (): Promise<number> => {
    let refused = 0
    while (!done) if (!(await shards.permit(asked)).permitted) refused++
    return refused
  }
  const askers = Array.from({ length: 16 }, askOn)
  const partition = partitionOf('C1', partitions)
  const { end } = await folder.log.bounds(partition)
  await append('C1', 'life_event.reported', 'death', mourning)
  expect(await shards.applied({ partition, offset: end }, Date.now() + 5_000)).toBe('accepted')
  await shards.permit(asked)
  done = true
  for (const refused of await Promise.all(askers)) expect(refused).toBeGreaterThan(0)
})

test('a partition that is not run here gives no permit', async () => {
  const shards = await folder.shards()
  running.push(shards)
  const asked = { customerId: 'C1', decisionId: 'f'.repeat(32), channel: 'sms' }
  await expect(shards.permit(asked)).rejects.toMatchObject({ name: 'Error' })
})
