import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonSchemas } from '../../rules/json-schemas.ts'
import { originals, retailBank } from './patched-pack.ts'

const folder = join(import.meta.dirname, '../../rules/schema')

test('the published JSON Schemas are those of this release', async () => {
  const schemas = jsonSchemas()
  expect((await readdir(folder)).sort()).toEqual([...schemas.keys()].sort())
  for (const [name, text] of schemas)
    expect(await readFile(join(folder, name), 'utf8'), `run node rules/write-json-schemas.ts`).toBe(text)
})

test('every file of the shipped pack names its schema on the first line', async () => {
  for (const [name, text] of await originals()) {
    const path = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)?.[1] ?? ''
    expect(join(retailBank, path)).toBe(join(folder, name.replace('.yaml', '.schema.json')))
  }
})

test('a JSON Schema refuses unknown keys at every level', () => {
  for (const text of jsonSchemas().values()) {
    const open = [...text.matchAll(/"properties": \{/g)].length
    expect([...text.matchAll(/"additionalProperties": false/g)]).toHaveLength(open)
  }
})
