import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { schemaCatalogue } from '../../ingest/event-types.ts'
import { registerEventSchemas } from '../../ingest/registry/register-schemas.ts'
import type { SchemaRegistry } from '../../ingest/registry/schema-registry.ts'
import { decisionSchema } from '../../sinks/decision-codec.ts'
import { registerDecisionSchema } from '../../sinks/register-decision-schema.ts'

/** One registry under test. */
export type SchemaRegistryFixture = {
  readonly registry: SchemaRegistry
  /** An id the registry gave to nothing. */
  readonly unknownId: number
  /** A prefix that no other run uses, so that one registry can be asked many times. */
  readonly topic: string
  /** Whether schemas are added by registering; else only what is there has an id. */
  readonly grows: boolean
  dispose(): Promise<void>
}

const DEADLINE_MS = 10_000

/** The suite every adapter of the schema registry port passes. */
export function schemaRegistryConformance(name: string, makeFixture: () => Promise<SchemaRegistryFixture>): void {
  describe(`schema registry port on ${name}`, () => {
    let fixture: SchemaRegistryFixture
    beforeEach(async () => {
      fixture = await makeFixture()
    })
    afterEach(() => fixture.dispose())

    test('each event type and the decision get an id of their own, which means their schema', async () => {
      const { registry, topic } = fixture
      const ids = await registerEventSchemas(registry, schemaCatalogue, topic, DEADLINE_MS)
      const decisionId = await registerDecisionSchema(registry, `${topic}-decisions`, DEADLINE_MS)
      expect([...ids.keys()]).toEqual([...schemaCatalogue.types.keys()])
      expect(new Set([...ids.values(), decisionId]).size).toBe(ids.size + 1)
      for (const { type, avro, current } of schemaCatalogue.versions) {
        if (current) expect(await textOf(registry, ids.get(type) ?? 0)).toEqual(avro)
      }
      expect(await textOf(registry, decisionId)).toEqual(JSON.parse(decisionSchema))
    })

    test('a schema registered again keeps its id', async () => {
      const { registry, topic } = fixture
      const first = await registerEventSchemas(registry, schemaCatalogue, topic, DEADLINE_MS)
      expect(await registerEventSchemas(registry, schemaCatalogue, topic, DEADLINE_MS)).toEqual(first)
    })

    test('engines that start at the same time get the same ids', async () => {
      const { registry, topic } = fixture
      const start = () => registerEventSchemas(registry, schemaCatalogue, topic, DEADLINE_MS)
      const [first, second] = await Promise.all([start(), start()])
      expect(second).toEqual(first)
    })

    test('an id that means nothing is unknown', async () => {
      const { registry, unknownId } = fixture
      expect(await registry.schemaOf(unknownId, DEADLINE_MS)).toEqual({ kind: 'unknown' })
    })

    test('what is no Avro schema is refused for good', async () => {
      const { registry, topic } = fixture
      await expect(registry.register(`${topic}-broken`, '{"type": "record"}', DEADLINE_MS)).rejects.toMatchObject({
        code: 'schema_refused',
        retryable: false,
      })
    })

    test('a second version of a subject is added only when it can read the first, and the error names the subject', async () => {
      const { registry, topic, grows } = fixture
      const subject = `${topic}-proffer.Note`
      const register = (fields: readonly object[]) =>
        registry.register(
          subject,
          JSON.stringify({ type: 'record', name: 'Note', namespace: 'proffer', fields }),
          DEADLINE_MS,
        )
      const text = { name: 'text', type: 'string' }
      if (!grows) {
        await expect(register([text])).rejects.toMatchObject({
          code: 'schema_refused',
          message: expect.stringContaining(subject),
        })
        return
      }
      const first = await register([text])
      const second = await register([text, { name: 'author', type: ['null', 'string'], default: null }])
      expect(second).not.toBe(first)
      await expect(register([text, { name: 'page', type: 'int' }])).rejects.toMatchObject({
        code: 'schema_incompatible',
        retryable: false,
        message: expect.stringContaining(subject),
      })
    })
  })
}

async function textOf(registry: SchemaRegistry, id: number): Promise<unknown> {
  const answer = await registry.schemaOf(id, DEADLINE_MS)
  if (answer.kind !== 'schema') throw new Error(`id ${id} is ${answer.kind}`)
  return JSON.parse(answer.text)
}
