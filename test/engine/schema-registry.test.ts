/** An engine whose schemas have the ids of a registry. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { partitionOf } from '../../ingest/partition.ts'
import { ownSchema, withData, written } from '../ingest/registry/foreign-schemas.ts'
import { type RegistryServer, startRegistryServer } from '../ingest/registry/registry-server.ts'
import { type RunningEngine, repayment, runEngine } from './running-engine.ts'

let registry: RegistryServer
let dataDir: string
let running: RunningEngine | null
beforeEach(async () => {
  registry = await startRegistryServer({ firstId: 700 })
  dataDir = await mkdtemp(join(tmpdir(), 'proffer-schemas-'))
  running = null
})
afterEach(async () => {
  await running?.stop()
  await registry.close()
  await rm(dataDir, { recursive: true, force: true })
})

async function started(): Promise<RunningEngine> {
  running = await runEngine({ dataDir, settings: { SCHEMA_REGISTRY_URL: registry.url, SHARD_MODE: 'worker' } })
  return running
}

/** Puts a record of a producer ahead of us on the log, as one that writes to the topic itself. */
async function produce({ engine }: RunningEngine, id: number, customerId: string, eventId: string): Promise<void> {
  const record = {
    id: eventId,
    source: 'cards',
    customerId,
    time: Date.now(),
    provenance: { via: 'stream', consentId: null },
    data: { amount: 500, currency: 'CNY', product: 'credit_card', memo: 'new' },
  }
  const partition = partitionOf(customerId, engine.events.partitions)
  await engine.events.append(partition, [{ key: customerId, value: written(newer, id, record) }])
}
const newer = withData(ownSchema('repayment.made'), (fields) => [...fields, { name: 'memo', type: ['null', 'string'] }])

async function eventually(claim: string, holds: () => Promise<boolean>): Promise<void> {
  const until = Date.now() + 15_000
  while (!(await holds())) {
    if (Date.now() > until) throw new Error(`not in time: ${claim}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function accepted({ call }: RunningEngine): Promise<number> {
  const { text } = await call('GET', '/v1/partitions')
  return JSON.parse(text).totals.accepted
}

test('what leaves and what is logged has the ids of the registry, and is read back by them', async () => {
  const engine = await started()
  await engine.call('POST', '/v1/events', repayment('R-1', 500_000))
  const partition = partitionOf('R-1', 8)
  await eventually('a decision left', async () => (await engine.engine.decisions.bounds(partition)).end > 0)
  const limit = { maxBytes: 1e6, maxRecords: 1 }
  const [event] = await engine.engine.events.read(partition, 0, limit)
  const [decision] = await engine.engine.decisions.read(partition, 0, limit)
  expect(Buffer.from(event?.value ?? []).readUInt32BE(1)).toBeGreaterThanOrEqual(700)
  expect(Buffer.from(decision?.value ?? []).readUInt32BE(1)).toBeGreaterThanOrEqual(700)
  const tail = await engine.call('GET', '/v1/tail?cursor=start')
  expect(tail.text).toContain('"customerId":"R-1"')
})

test('an event of a producer ahead of us counts, its schema fetched once', async () => {
  const engine = await started()
  const id = registry.put('proffer.events-proffer.RepaymentMade', JSON.stringify(newer))
  await produce(engine, id, 'R-2', 'n-1')
  await produce(engine, id, 'R-2', 'n-2')
  await eventually('both count', async () => (await accepted(engine)) === 2)
  expect(registry.calls.filter((call) => call === `GET /schemas/ids/${id}`)).toHaveLength(1)
})

test('while the registry is away its events wait, requests do not, and nothing is lost', async () => {
  const engine = await started()
  const id = registry.put('proffer.events-proffer.RepaymentMade', JSON.stringify(newer))
  registry.behaviour.isDead = true
  await produce(engine, id, 'R-3', 'n-1')
  await eventually('the partition says why', async () =>
    /schema/.test((await engine.call('GET', '/v1/partitions')).text),
  )
  const answered = await engine.call('POST', '/v1/decisions', { customerId: 'R-3', placement: 'app_offers' })
  expect(answered.status).toBe(200)
  expect(await accepted(engine)).toBe(0)
  registry.behaviour.isDead = false
  await eventually('it counts', async () => (await accepted(engine)) === 1)
})

test('a schema that the registry does not have makes a dead letter and holds nothing up', async () => {
  const engine = await started()
  await produce(engine, 999_999, 'R-4', 'n-1')
  await engine.call('POST', '/v1/events', repayment('R-4', 500))
  expect(await accepted(engine)).toBe(1)
  await eventually('it is kept', async () =>
    (await engine.call('GET', '/v1/dead-letters')).text.includes('schema_unknown'),
  )
})

test('a log of other ids is refused with a sentence', async () => {
  await (await started()).stop()
  running = null
  await expect(runEngine({ dataDir })).rejects.toMatchObject({ code: 'log_changed' })
})

test('a registry that is away at the start is an error that says so', async () => {
  await registry.close()
  await expect(runEngine({ dataDir, settings: { SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9' } })).rejects.toMatchObject({
    code: 'registry_unavailable',
  })
  registry = await startRegistryServer()
}, 60_000)
