import { randomUUID } from 'node:crypto'
import { cachedRegistry } from '../../../ingest/registry/cached-registry.ts'
import { createHttpRegistry } from '../../../ingest/registry/http-registry.ts'
import { schemaRegistryConformance } from '../../conformance/schema-registry.ts'
import { startRegistryServer } from './registry-server.ts'

schemaRegistryConformance('HTTP', async () => {
  const server = await startRegistryServer({ firstId: 100_001 })
  const registry = createHttpRegistry({ url: server.url })
  return { registry, unknownId: 7, topic: 'events', grows: true, dispose: server.close }
})

schemaRegistryConformance('HTTP behind a cache', async () => {
  const server = await startRegistryServer()
  const registry = cachedRegistry(createHttpRegistry({ url: server.url }))
  return { registry, unknownId: 999_999, topic: 'events', grows: true, dispose: server.close }
})

// Any other registry that speaks the API: its address, and compatibility BACKWARD as the default of its subjects.
const url = process.env['REGISTRY_UNDER_TEST']
if (url !== undefined) {
  schemaRegistryConformance('the registry under test', async () => {
    const registry = createHttpRegistry({ url })
    return { registry, unknownId: 2_000_000_000, topic: randomUUID(), grows: true, dispose: async () => {} }
  })
}
