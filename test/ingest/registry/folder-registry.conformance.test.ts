import { expect, test } from 'vitest'
import { createFolderRegistry } from '../../../ingest/registry/folder-registry.ts'
import { decisionSchema, decisionSchemaId } from '../../../sinks/decision-codec.ts'
import { schemaRegistryConformance } from '../../conformance/schema-registry.ts'

const folders = [
  new URL('../../../ingest/schemas/', import.meta.url),
  new URL('../../../sinks/schemas/', import.meta.url),
]

schemaRegistryConformance('folders', async () => ({
  registry: createFolderRegistry(folders),
  unknownId: 999_999,
  topic: 'events',
  grows: false,
  dispose: async () => {},
}))

test('the ids of the folders are those that bytes in logs name', async () => {
  const registry = createFolderRegistry(folders)
  expect(await registry.schemaOf(2, 0)).toMatchObject({ kind: 'schema', text: expect.stringContaining('CardPurchase') })
  expect(await registry.register('decisions-value', decisionSchema, 0)).toBe(decisionSchemaId)
})

test('two folders that use one id are refused', () => {
  expect(() => createFolderRegistry([...folders, ...folders])).toThrow('listed in two folders')
})
