import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventTypes } from '../../../ingest/event-types.ts'
import { loadMapping, parseMapping } from '../../../ingest/import/load-mapping.ts'
import { mappingJsonSchema } from '../../../ingest/import/mapping.ts'

const folder = new URL('../../../ingest/import/', import.meta.url)

const sound = `name: sample
input: { format: csv }
zone: Europe/Prague
money: { from: CZK, to: CNY, rate: 1 }
lookups:
  owner: { file: disp.csv, key: account, columns: [client] }
joins:
  - { lookup: owner, by: '{account}' }
maps:
  ways: { PRIJEM: in, VYDAJ: out }
event:
  id: 'a-{id}'
  source: core-banking
  customerId: 'c-{owner.client}'
time: { column: date, format: yymmdd, century: 1900, timeOfDay: '12:00:00' }
cases:
  - when: { amount: { below: 0 } }
    skip: negative
  - type: transfer.made
    data:
      amount: { column: amount }
      currency: { constant: CNY }
      direction: { column: way, map: ways }
      kind: { constant: cash }
`

function problems(text: string): readonly string[] {
  const result = parseMapping(text, 'm.yaml', eventTypes)
  return result.kind === 'ok' ? [] : result.problems.map((p) => `${p.line} ${p.reason}`)
}

test('a sound mapping is accepted with its defaults filled in', () => {
  const result = parseMapping(sound, 'm.yaml', eventTypes)
  expect(result.kind).toBe('ok')
  if (result.kind !== 'ok') return
  expect(result.mapping.input).toMatchObject({ delimiter: ',', quote: '"', header: true, encoding: 'utf-8' })
  expect(result.mapping.money).toMatchObject({ rate: '1', minorDigits: 2 })
  expect(result.mapping.joins[0]?.missing).toBe('reject')
})

describe('a column that a bank may not hold is refused with its line, wherever the mapping names it', () => {
  test.each([
    ['read', '      amount: { column: amount }', '      amount: { column: heartRate }', 21],
    ['in a text', "  id: 'a-{id}'", "  id: 'a-{brain_wave}'", 12],
    ['as the customer', "  customerId: 'c-{owner.client}'", "  customerId: '{fingerprint}'", 14],
    ['tested', '  - when: { amount: { below: 0 } }', '  - when: { eegAlpha: { below: 0 } }', 17],
    ['as a time', 'time: { column: date,', 'time: { column: diagnosisDate,', 15],
    ['of a lookup', 'columns: [client]', 'columns: [client, voiceprints]', 6],
    ['by which a lookup is found', 'key: account,', 'key: irisCode,', 6],
    ['by which a lookup is joined', "by: '{account}'", "by: '{retina}'", 8],
    ['in a nested member', 'column: way,', "column: 'watch.heart_rate',", 23],
    [
      'not read at all',
      'input: { format: csv }',
      'input: { format: csv, header: false, columns: [id, account, date, amount, way, dna] }',
      2,
    ],
  ])('%s', (_, from, to, line) => {
    expect(sound.split(from)).toHaveLength(2)
    const result = parseMapping(sound.replace(from, to), 'm.yaml', eventTypes)
    const found = result.kind === 'ok' ? [] : result.problems.filter(({ code }) => code === 'unholdable')
    expect(found).toMatchObject([{ file: 'm.yaml', line, reason: expect.stringContaining('a bank may not hold a') }])
  })
})

describe('a wrong mapping is refused with line and reason', () => {
  test.each([
    ['an unknown key', 'zone: Europe/Prague', 'zone: Europe/Prague\ncolour: red', '4 colour: is no key here'],
    ['a zone that is none', 'Europe/Prague', 'Europe/Plzen', '3 zone: is not an IANA zone'],
    ['a rate as a float', 'rate: 1 }', 'rate: 0.2 }', /^4 money\.rate: /],
    ['an unknown lookup', '{ lookup: owner,', '{ lookup: owners,', '8 joins.0.lookup: is no lookup of this mapping'],
    ['an unused lookup', "  - { lookup: owner, by: '{account}' }", '  []', '6 lookups.owner: is used by no join'],
    [
      'an unknown joined column',
      '{owner.client}',
      '{owner.name}',
      '14 event.customerId: there is no column owner.name',
    ],
    ['an open brace', "'a-{id}'", "'a-{id'", '12 event.id: has an open brace or an empty column name'],
    ['a date without a time of day', ", timeOfDay: '12:00:00'", '', /^15 time\.timeOfDay: is needed exactly when/],
    ['two-digit years without a century', ', century: 1900', '', /^15 time\.century: is needed exactly when/],
    ['an unknown date format', 'format: yymmdd', 'format: mmddyy', /^15 time\.format: /],
    [
      'an unknown event type',
      'type: transfer.made',
      'type: transfer.mad',
      '19 cases.1.type: there is no event type transfer.mad',
    ],
    ['a field left out', '      kind: { constant: cash }\n', '', '20 cases.1.data: transfer.made needs the field kind'],
    [
      'a field it does not have',
      'kind: { constant',
      'sort: { constant',
      /cases\.1\.data\.sort: transfer\.made has no such field/,
    ],
    [
      'a constant out of the closed list',
      'constant: cash',
      'constant: cheque',
      /^24 cases\.1\.data\.kind: must be one of salary/,
    ],
    [
      'a map onto a value out of the list',
      'VYDAJ: out',
      'VYDAJ: away',
      /^23 cases\.1\.data\.direction: must be one of in, out/,
    ],
    ['an unknown value map', 'map: ways', 'map: way', '23 cases.1.data.direction: there is no value map way'],
    [
      'an amount without a currency rule',
      'money: { from: CZK, to: CNY, rate: 1 }\n',
      '',
      /is an amount, so `money` must be declared/,
    ],
    [
      'a case after one that always holds',
      '  - when: { amount: { below: 0 } }\n    skip: negative',
      '  - skip: negative',
      '17 cases.0: holds always, so the cases after it never do',
    ],
    ['a condition that tests nothing', '{ below: 0 }', '{}', '17 cases.0.when.amount: tests nothing'],
    [
      'no header and no columns',
      '{ format: csv }',
      '{ format: csv, header: false }',
      /^2 input\.columns: is needed exactly/,
    ],
    ['a key given twice', 'zone: Europe/Prague', 'zone: Europe/Prague\nzone: UTC', /^4 Map keys must be unique/],
  ])('%s', (_name, from, to, expected) => {
    expect(sound).toContain(from)
    const found = problems(sound.replace(from, to))
    expect(
      found.some((problem) => (typeof expected === 'string' ? problem === expected : expected.test(problem))),
      found.join('\n'),
    ).toBe(true)
  })

  test('text that is no YAML', () => {
    expect(problems('name: [').length).toBeGreaterThan(0)
    expect(problems('').length).toBeGreaterThan(0)
  })

  test('a file that is not there', async () => {
    expect(await loadMapping('/nowhere/m.yaml')).toEqual({
      kind: 'refused',
      problems: [{ code: 'wrong', file: 'm.yaml', line: 1, reason: 'can not be read (ENOENT)' }],
    })
  })
})

test.each(readdirSync(new URL('mappings/', folder)))(
  'the shipped mapping %s is sound and names its schema',
  async (file) => {
    const path = new URL(`mappings/${file}`, folder).pathname
    expect(await loadMapping(path)).toMatchObject({ kind: 'ok', mapping: { name: file.replace('.yaml', '') } })
    expect(readFileSync(path, 'utf8').split('\n')[0]).toBe('# yaml-language-server: $schema=../mapping.schema.json')
  },
)

test('the published JSON Schema is that of this release', () => {
  const published: unknown = JSON.parse(readFileSync(new URL('mapping.schema.json', folder), 'utf8'))
  expect(published).toEqual(JSON.parse(mappingJsonSchema()))
})
