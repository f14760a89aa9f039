/** Schemas whose fields hold marks of the body or signals of health are refused before any record is read. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { schemaCatalogue } from '../../ingest/event-types.ts'
import { readWriterSchema } from '../../ingest/registry/writer-schema.ts'
import { loadSchemaCatalogue } from '../../ingest/schema-catalogue.ts'
import { unholdableWord } from '../../ingest/unholdable.ts'

const schema = (field: string) =>
  JSON.stringify({
    type: 'record',
    name: 'proffer.CardPurchase',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'data', type: { type: 'record', name: 'D', fields: [{ name: field, type: ['null', 'double'] }] } },
    ],
  })

test.each(['fingerprint', 'brainWave', 'brain_waves', 'eegAlpha', 'customerHeartRate', 'irisCode', 'VOICEPRINT'])(
  'a schema with the field %s is refused, and the field is named',
  (field) => {
    const outcome = readWriterSchema(schema(field))
    expect(outcome).toMatchObject({ kind: 'refused', code: 'unholdable', detail: expect.stringContaining(field) })
  },
)

test.each(['amount', 'irishBranch', 'ecgonine', 'preDiagnosed', 'facelift'])('%s is a field like others', (field) => {
  expect(readWriterSchema(schema(field)).kind).toBe('schema')
})

test('a schema of our own with such a field, at any depth and of any version, is not loaded, so that none is registered', () => {
  const folder = pathToFileURL(`${mkdtempSync(join(tmpdir(), 'proffer-schemas-'))}/`)
  const file = (name: string, field: string) =>
    writeFileSync(
      new URL(name, folder),
      JSON.stringify({ ...JSON.parse(schema(field)), name: 'CardPurchase', namespace: 'proffer' }),
    )
  file('old.avsc', 'brainWave')
  file('new.avsc', 'amount')
  const ids = ['old.avsc', 'new.avsc'].map((one, i) => ({ id: 2_000 + i, type: 'card.purchase', file: one }))
  writeFileSync(new URL('ids.json', folder), JSON.stringify(ids))
  const refusal = {
    code: 'unholdable',
    message: 'card.purchase has the field brainWave: a bank may not hold a brainwave for offers',
  }
  expect(() => loadSchemaCatalogue(folder)).toThrow(expect.objectContaining(refusal))
})

test('none of our own events has such a field', () => {
  const names = [...schemaCatalogue.types.values()].flatMap(({ rules }) => rules.map(({ name }) => name))
  expect(names.length).toBeGreaterThan(50)
  expect(names.map(unholdableWord).filter((word) => word !== null)).toEqual([])
})
