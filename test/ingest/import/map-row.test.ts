import { describe, expect, test } from 'vitest'
import type { Event } from '../../../ingest/event.ts'
import { freshDirectory, keptRejects, runSample, sampleEngine, writeFiles } from './import-rig.ts'

/** Imports one file under one mapping and returns the data of its events, or the rejected rows as `line reason`. */
async function imported(
  mapping: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<{ events: readonly Event[]; rejected: readonly string[] }> {
  const path = writeFiles({ ...files, 'm.yaml': mapping })
  const file = Object.keys(files)[0] ?? ''
  const directory = freshDirectory()
  const engine = sampleEngine()
  const result = await runSample([{ file: path(file), mapping: path('m.yaml') }], directory, engine.submit)
  expect(result).toMatchObject({ kind: 'ok' })
  return { events: engine.events, rejected: keptRejects(directory, 'sample') }
}

function purchases(data: string, more = ''): string {
  return `name: sample
input: { format: csv }
zone: Asia/Shanghai
money: { from: USD, to: CNY, rate: '7.2' }
event: { id: 'p-{id}', source: cards, customerId: '{who}' }
time: { column: at, format: 'yyyy-MM-dd HH:mm:ss' }
${more}cases:
  - type: card.purchase
    data:
      amount: { column: amount }
      currency: { constant: CNY }
      merchantCategory: { column: mcc, map: mcc, otherwise: other }
      channel: { constant: pos }
      country: { constant: US }
${data}`
}

const mcc = "maps:\n  mcc: { '5641': maternity, '5411': grocery }\n"

describe('a mapping can express', () => {
  test('constants, value maps with a rest, money at a declared rate, optional fields', async () => {
    const { events, rejected } = await imported(purchases("      merchantId: { template: 'm-{shop}' }\n", mcc), {
      'p.csv':
        'id,who,at,amount,mcc,shop\n1,C-1,2024-05-01 09:30:00,10.01,5641,77\n2,C-1,2024-05-01 09:31:00,1,9999,78\n3,C-1,2024-05-01 09:31:00,1,,\n',
    })
    expect(rejected).toEqual(['4 column_empty: merchantId: shop is empty'])
    expect(events.map((event) => event.data)).toEqual([
      {
        amount: 7207,
        currency: 'CNY',
        merchantCategory: 'maternity',
        merchantId: 'm-77',
        channel: 'pos',
        country: 'US',
      },
      { amount: 720, currency: 'CNY', merchantCategory: 'other', merchantId: 'm-78', channel: 'pos', country: 'US' },
    ])
    expect(events[0]?.time).toBe(Date.parse('2024-05-01T09:30:00+08:00'))
  })

  test('JSON lines with nested columns, where no amount passes through a float', async () => {
    const mapping = purchases('      merchantId: { column: shop.id }\n', mcc)
      .replace('{ format: csv }', '{ format: jsonl }')
      .replace('{ column: amount }', '{ column: payment.amount, sign: absolute }')
      .replace("rate: '7.2'", 'rate: 1')
    const { events, rejected } = await imported(mapping, {
      'p.jsonl': [
        '{"id":1,"who":"C-1","at":"2024-05-01 09:30:00","payment":{"amount":-4999.9900},"mcc":"5411","shop":{"id":"s"}}',
        '{"id":2,"who":"C-1","at":"2024-05-01 09:30:00","payment":{"amount":70368744177.07},"mcc":null,"shop":null}',
        '{"id":3,"who":"C-1","at":"2024-05-01 09:30:00","payment":{"amount":1e3},"mcc":"5411"}',
        // As a float it would be 1.015 and round to 1.02.
        '{"id":4,"who":"C-1","at":"2024-05-01 09:30:00","payment":{"amount":1.0149999999999999999},"mcc":"5411"}',
        '[1]',
        'not json',
        '',
      ].join('\n'),
    })
    expect(events.map((event) => [event.data['amount'], event.data['merchantId']])).toEqual([
      [499_999, 's'],
      [7_036_874_417_707, null],
    ])
    expect(rejected).toEqual([
      '3 number_invalid: amount: is no amount',
      '4 number_invalid: amount: is no amount',
      '5 row_unreadable: is not a JSON object',
      '6 row_unreadable: is not a JSON object',
    ])
  })

  test('joins of several hops, and a join that may be missing', async () => {
    const mapping = `name: sample
input: { format: csv, delimiter: ';' }
zone: UTC
lookups:
  card: { file: card.csv, key: card, columns: [disp] }
  disp: { file: disp.csv, input: { format: jsonl }, key: disp, where: { type: OWNER, since: { atLeast: 2 } }, columns: [client] }
  region: { file: region.csv, key: code, columns: [name] }
joins:
  - { lookup: card, by: '{card}' }
  - { lookup: disp, by: '{card.disp}', as: holder }
  - { lookup: region, by: 'R{holder.client}', missing: empty }
event: { id: 'x-{id}', source: cards, customerId: 'c-{holder.client}' }
time: { column: at, format: epoch_s }
cases:
  - type: profile.updated
    data: { residenceRegion: { column: region.name }, cleared: { constant: tier } }
`
    const { events, rejected } = await imported(mapping, {
      'x.csv': 'id;card;at\n1;k1;86400\n2;k2;86400\n3;k3;86400\n4;k4;86400\n',
      'card.csv': 'card;disp\nk1;d1\nk2;d2\nk3;d3\n',
      'disp.csv':
        '{"disp":"d1","client":7,"type":"OWNER","since":2}\n{"disp":"d2","client":8,"type":"OWNER","since":10}\n{"disp":"d3","client":9,"type":"OWNER","since":1.9}\n',
      'region.csv': 'code;name\nR7;north\n',
    })
    expect(
      events.map((event) => [event.customerId, event.data['residenceRegion'], event.data['cleared'], event.time]),
    ).toEqual([
      ['c-7', 'north', ['tier'], 86_400_000],
      ['c-8', null, ['tier'], 86_400_000],
    ])
    expect(rejected).toEqual(['4 join_missing: holder has no such row', '5 join_missing: card has no such row'])
  })

  test('the first case that holds, by lists, exclusions, emptiness and comparisons', async () => {
    const page = (name: string, when: string) =>
      `  - when: ${when}\n    type: page.viewed\n    data: { page: { constant: ${name} }, pageGroup: { constant: other }, dwellMs: { constant: 0 } }\n`
    const mapping = `name: sample
input: { format: csv, header: false, columns: [id, a, n] }
zone: UTC
event: { id: 'x-{id}', source: web, customerId: 'c' }
time: { constant: '2024-01-01T00:00:00Z' }
cases:
${page('list', '{ a: [x, y] }')}${page('both', '{ a: z, n: { above: 1, atMost: "2.5" } }')}${page('below', '{ n: { below: 0 } }')}${page('none', '{ a: { empty: true } }')}${page('rest', '{ a: { not: [q, z] } }')}`
    const { events, rejected } = await imported(mapping, {
      'x.csv': '1,x,9\n2,y,-1\n3,z,1\n4,z,2.50\n5,z,2.51\n6,w,-0.01\n7, ,\n8,q,\n9,w,many\n',
    })
    expect(events.map((event) => `${event.id} ${String(event.data['page'])}`)).toEqual([
      'x-1 list',
      'x-2 list',
      'x-4 both',
      'x-6 below',
      'x-7 none',
      'x-9 rest',
    ])
    expect(rejected.map((row) => row.split(':')[0])).toEqual(['3 no_case', '5 no_case', '8 no_case'])
  })

  test('files in other encodings, and bytes that are not of theirs', async () => {
    const mapping = `name: sample
input: { format: csv, encoding: windows-1250 }
zone: UTC
event: { id: 'x-{id}', source: web, customerId: 'c' }
time: { constant: '2024-01-01T00:00:00Z' }
cases:
  - type: nps.answered
    data: { score: { column: score }, topic: { column: 'město' } }
`
    const bytes = Buffer.from('id,score,m\xecsto\n1,10,Plze\xf2\n2,11,Brno\n', 'latin1')
    const { events, rejected } = await imported(mapping, { 'x.csv': bytes })
    expect(events.map((event) => event.data)).toEqual([{ score: 10, topic: 'Plzeň' }])
    expect(rejected).toEqual(['3 field_invalid: score'])
    const utf = await imported(mapping.replace('windows-1250', 'utf-8'), {
      'x.csv': Buffer.concat([
        Buffer.from('\ufeffid,score,město\n1,1,'),
        Buffer.from([0xe9]),
        Buffer.from('\n2,2,Brno\n'),
      ]),
    })
    expect(utf.events.map((event) => event.id)).toEqual(['x-2'])
    expect(utf.rejected).toEqual(['2 row_unreadable: has bytes that are not of the encoding'])
  })
})

test('an event the engine would refuse is rejected here, with the field that is wrong', async () => {
  const { events, rejected } = await imported(purchases('', mcc), {
    'p.csv':
      'id,who,at,amount,mcc\n1,C 1,2024-05-01 09:30:00,1,5641\n2,C-2,2024-05-01 09:30:00,-1,5641\n3,C-3,1969-05-01 09:30:00,1,5641\n',
  })
  expect(events).toEqual([])
  expect(rejected).toEqual(['2 customer_invalid: customerId', '3 field_invalid: amount', '4 time_invalid: time'])
})
