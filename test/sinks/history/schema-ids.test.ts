/** History of logs whose schema ids are a registry's: it asks, waits while it cannot, and loses nothing. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createEventCodec } from '../../../ingest/avro-codec.ts'
import { schemaCatalogue } from '../../../ingest/event-types.ts'
import { createHttpRegistry } from '../../../ingest/registry/http-registry.ts'
import { registerEventSchemas } from '../../../ingest/registry/register-schemas.ts'
import { createDecisionCodec } from '../../../sinks/decision-codec.ts'
import { registerDecisionSchema } from '../../../sinks/register-decision-schema.ts'
import { ownSchema, withData, written } from '../../ingest/registry/foreign-schemas.ts'
import { type RegistryServer, startRegistryServer } from '../../ingest/registry/registry-server.ts'
import { createWorld, eventually, numberOf, offering, purchase, type World } from './history-world.ts'

let server: RegistryServer
let world: World
beforeEach(async () => {
  // Ids of our own schemas mean something else here.
  server = await startRegistryServer({ firstId: 3 })
  world = await createWorld()
})
afterEach(async () => {
  await world.dispose()
  await server.close()
})

test('records under the ids of a registry are copied, those of newer producers when it can be asked', async () => {
  const registry = createHttpRegistry({ url: server.url })
  const eventIds = await registerEventSchemas(registry, schemaCatalogue, 'events', 5_000)
  const decisionId = await registerDecisionSchema(registry, 'decisions', 5_000)
  const events = createEventCodec(schemaCatalogue, eventIds)
  const decisions = createDecisionCodec(decisionId)
  await world.events.append(0, [{ key: 'customer-1', value: events.encode(purchase(1)) }])
  await world.decisions.append(0, [{ key: 'customer-1', value: decisions.encode(offering(1)) }])
  const history = await world.start({
    schemas: {
      kind: 'registry',
      url: server.url,
      authorization: null,
      eventIds: Object.fromEntries(eventIds),
      decisionId,
    },
  })
  expect(await history.flush(15_000)).toBe(true)
  expect(await history.eventOf('customer-1', 'purchase-1')).toEqual(purchase(1))
  expect(await history.decision(offering(1).id)).toEqual(offering(1))

  server.behaviour.isDead = true
  const newer = withData(ownSchema('card.purchase'), (fields) => [
    ...fields,
    { name: 'memo', type: ['null', 'string'] },
  ])
  const id = server.put('events-newer', JSON.stringify(newer))
  const { type: _, ...record } = purchase(2)
  const value = written(newer, id, { ...record, data: { ...record.data, memo: 'x' } })
  await world.events.append(0, [{ key: 'customer-2', value }])
  await eventually('it says why it waits', () => history.status().state === 'failing')
  expect(history.status().sentence).toContain('schema registry')
  expect(await numberOf(history, 'SELECT count() FROM undecodable')).toBe(0)
  server.behaviour.isDead = false
  expect(await history.flush(25_000)).toBe(true)
  expect(await history.eventOf('customer-2', 'purchase-2')).toEqual(purchase(2))
  await world.events.append(0, [{ key: 'x', value: Uint8Array.of(0, 0, 0, 99, 99, 1) }])
  expect(await history.flush(15_000)).toBe(true)
  expect(await numberOf(history, "SELECT count() FROM undecodable WHERE reason = 'schema_unknown'")).toBe(1)
}, 60_000)
