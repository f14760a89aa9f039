import { afterEach, beforeEach, expect, test } from 'vitest'
import { cachedRegistry } from '../../../ingest/registry/cached-registry.ts'
import { createHttpRegistry } from '../../../ingest/registry/http-registry.ts'
import { type RegistryServer, startRegistryServer } from './registry-server.ts'

const schema = (name: string) => JSON.stringify({ type: 'record', name, fields: [{ name: 'text', type: 'string' }] })

let server: RegistryServer
let nowMs = 0
beforeEach(async () => {
  nowMs = 0
  server = await startRegistryServer()
})
afterEach(() => server.close())

function cached(limits: Parameters<typeof cachedRegistry>[1] = {}) {
  const registry = createHttpRegistry({ url: server.url, timeoutMs: 1_000, retry: { firstMs: 5, mostMs: 20 } })
  return cachedRegistry(registry, { now: () => nowMs, ...limits })
}

test('a schema is asked for once and kept for ever', async () => {
  server.put('a-value', schema('A'))
  const registry = cached()
  for (let i = 0; i < 3; i++) {
    expect(await registry.schemaOf(1, 1_000)).toEqual({ kind: 'schema', text: schema('A') })
    nowMs += 1e9
  }
  expect(server.calls).toHaveLength(1)
})

test('an unknown id is believed for ten seconds, then asked for again', async () => {
  const registry = cached()
  expect(await registry.schemaOf(1, 1_000)).toEqual({ kind: 'unknown' })
  server.put('a-value', schema('A'))
  nowMs = 9_999
  expect(await registry.schemaOf(1, 1_000)).toEqual({ kind: 'unknown' })
  expect(server.calls).toHaveLength(1)
  nowMs = 10_001
  expect(await registry.schemaOf(1, 1_000)).toEqual({ kind: 'schema', text: schema('A') })
  expect(server.calls).toHaveLength(2)
})

test('a thousand who ask for one id at the same time share one call', async () => {
  server.put('a-value', schema('A'))
  server.behaviour.delayMs = 50
  const registry = cached()
  const answers = await Promise.all(Array.from({ length: 1_000 }, () => registry.schemaOf(1, 1_000)))
  expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['schema']))
  expect(server.calls).toHaveLength(1)
})

test('each waits no longer than its own deadline, and the answer that comes later is kept', async () => {
  server.put('a-value', schema('A'))
  server.behaviour.delayMs = 150
  const registry = cached()
  const patient = registry.schemaOf(1, 1_000)
  await expect(registry.schemaOf(1, 20)).rejects.toMatchObject({ code: 'registry_unavailable', retryable: true })
  expect(await patient).toMatchObject({ kind: 'schema' })
  expect(await registry.schemaOf(1, 0)).toMatchObject({ kind: 'schema' })
  expect(server.calls).toHaveLength(1)
})

test('a failure is not kept', async () => {
  server.put('a-value', schema('A'))
  server.behaviour.authorization = 'Bearer other'
  const registry = cached()
  await expect(registry.schemaOf(1, 1_000)).rejects.toMatchObject({ code: 'registry_denied' })
  server.behaviour.authorization = undefined
  expect(await registry.schemaOf(1, 1_000)).toMatchObject({ kind: 'schema' })
})

test('beyond its bounds the cache forgets what was used longest ago', async () => {
  for (const name of ['A', 'B', 'C']) server.put('a-value', schema(name))
  const registry = cached({ idsMax: 2 })
  for (const id of [1, 2, 1, 3]) await registry.schemaOf(id, 1_000)
  expect(registry.counters()).toEqual({ calls: 3, ids: 2, unknown: 0 })
  await registry.schemaOf(1, 1_000)
  expect(server.calls).toHaveLength(3)
  await registry.schemaOf(2, 1_000)
  expect(server.calls).toHaveLength(4)

  const short = cached({ textMax: schema('A').length + 1 })
  for (const id of [1, 2, 3]) await short.schemaOf(id, 1_000)
  expect(short.counters()).toMatchObject({ ids: 1 })
})

test('unknown ids are bounded too', async () => {
  const registry = cached({ idsMax: 3 })
  for (let id = 100; id < 110; id++) await registry.schemaOf(id, 1_000)
  expect(registry.counters()).toEqual({ calls: 10, ids: 0, unknown: 3 })
})
