import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { rejectsPath } from '../../../ingest/import/command.ts'
import { makeBerkaMini } from '../../fixtures/berka-mini/make.ts'
import { freshDirectory, keptRejects, runSample, sampleEngine, writeFiles } from './import-rig.ts'

const fixture = (name: string) => new URL(`../../fixtures/berka-mini/${name}`, import.meta.url).pathname
const shipped = (name: string) => new URL(`../../../ingest/import/mappings/${name}`, import.meta.url).pathname
const transactions = { file: fixture('trans.csv'), mapping: shipped('berka-transactions.yaml') }

test('the fixture is what its script draws', () => {
  for (const [name, text] of makeBerkaMini(1)) expect(readFileSync(fixture(name), 'utf8')).toBe(text)
})

test('every row of the sample bank is accounted for, the broken ones with line and reason', async () => {
  const directory = freshDirectory()
  const engine = sampleEngine()
  const result = await runSample([transactions], directory, engine.submit)
  expect(result).toEqual({
    kind: 'ok',
    summary: {
      rows: 171,
      accepted: 161,
      rejected: 9,
      duplicates: 1,
      rejectedBy: {
        time_invalid: 1,
        number_invalid: 1,
        join_missing: 1,
        row_unreadable: 2,
        no_case: 1,
        skipped_by_mapping: 1,
        value_unmapped: 1,
        column_empty: 1,
      },
      interrupted: false,
    },
  })
  expect(keptRejects(directory, 'berka-transactions')).toEqual([
    '162 time_invalid: the time is not of the declared format',
    '163 number_invalid: amount: is no amount',
    '164 join_missing: owner has no such row',
    '165 row_unreadable: quotes are not closed or out of place',
    '166 no_case: no case holds',
    '167 skipped_by_mapping: nothing was moved',
    '168 row_unreadable: has 4 columns, not 10',
    '169 value_unmapped: kind: the value map kind_of_cash does not have the value',
    '171 column_empty: trans_id is empty',
  ])
  expect(engine.events).toHaveLength(161)
})

test('a rejected row is kept as it stood in the file', async () => {
  const directory = freshDirectory()
  await runSample([transactions], directory, sampleEngine().submit)
  const first: unknown = JSON.parse(
    readFileSync(rejectsPath(directory, 'berka-transactions'), 'utf8').split('\n')[0] ?? '',
  )
  expect(first).toMatchObject({ file: 'trans.csv', row: '6000;101;930230;"PRIJEM";"VKLAD";100.00;0.00;"";;' })
})

test('the last row of the sample bank is a repayment of the client who owns the account', async () => {
  const engine = sampleEngine()
  await runSample([transactions], freshDirectory(), engine.submit)
  expect(engine.events.at(-1)).toEqual({
    id: 'berka-trans-6010',
    source: 'core-banking',
    type: 'repayment.made',
    customerId: 'berka-1',
    time: Date.parse('1993-03-10T08:00:50+01:00'),
    provenance: { via: 'import', consentId: null },
    data: { amount: 500_000, currency: 'CNY', product: 'loan' },
  })
})

test('a woman born in July 1955 gets her birthday in the zone of the bank', async () => {
  const engine = sampleEngine()
  const clients = { file: fixture('client.csv'), mapping: shipped('berka-clients.yaml') }
  const result = await runSample([clients], freshDirectory(), engine.submit)
  expect(result).toMatchObject({ summary: { rows: 14, accepted: 13, rejectedBy: { time_invalid: 1 } } })
  const event = engine.events.find((one) => one.customerId === 'berka-13')
  expect(event?.data['birthDate']).toBe(Date.parse('1970-05-12T00:00:00+01:00'))
})

test('a second import changes nothing', async () => {
  const directory = freshDirectory()
  const engine = sampleEngine()
  await runSample([transactions], directory, engine.submit)
  const before = keptRejects(directory, 'berka-transactions')
  const batches = engine.batches.length
  const again = await runSample([transactions], directory, engine.submit)
  expect(again).toMatchObject({ summary: { rows: 171, accepted: 0, rejected: 9, duplicates: 162 } })
  expect(engine.batches).toHaveLength(batches)
  expect(engine.events).toHaveLength(161)
  expect(keptRejects(directory, 'berka-transactions')).toEqual(before)
})

test('a row that is mended is imported the next time', async () => {
  const text = readFileSync(fixture('trans.csv'), 'utf8')
  const path = writeFiles({ 'trans.csv': text, 'disp.csv': readFileSync(fixture('disp.csv')) })
  const directory = freshDirectory()
  const engine = sampleEngine()
  const inputs = [{ file: path('trans.csv'), mapping: transactions.mapping }]
  await runSample(inputs, directory, engine.submit)
  const mended = writeFiles({
    'trans.csv': text.replace('1o0.00', '100.00'),
    'disp.csv': readFileSync(fixture('disp.csv')),
  })
  const again = await runSample([{ ...transactions, file: mended('trans.csv') }], directory, engine.submit)
  expect(again).toMatchObject({ summary: { accepted: 1, rejected: 8, duplicates: 162 } })
  expect(engine.events.at(-1)?.id).toBe('berka-trans-6001')
})

test('what the engine refused is counted with its reason, and not sent again', async () => {
  const directory = freshDirectory()
  let sent = 0
  const submit = async (events: readonly unknown[]) => {
    sent += events.length
    return events.map(() => 'wrong_currency' as const)
  }
  const first = await runSample([transactions], directory, submit)
  expect(first).toMatchObject({ summary: { accepted: 0, rejected: 170, rejectedBy: { wrong_currency: 161 } } })
  const again = await runSample([transactions], directory, submit)
  expect(again).toMatchObject({ summary: { rejected: 170, duplicates: 1 } })
  expect(sent).toBe(161)
})

test('a file that does not fit its mapping is refused before anything is sent', async () => {
  const engine = sampleEngine()
  const lacking = writeFiles({
    'trans.csv': '"trans_id";"account_id"\n1;2\n',
    'disp.csv': readFileSync(fixture('disp.csv')),
  })
  const result = await runSample(
    [transactions, { ...transactions, file: lacking('trans.csv') }],
    freshDirectory(),
    engine.submit,
  )
  expect(result).toEqual({
    kind: 'refused',
    problems: [{ code: 'wrong', file: 'trans.csv', line: 1, reason: 'the file has no column date' }],
  })
  const alone = writeFiles({ 'trans.csv': readFileSync(fixture('trans.csv')) })
  expect(await runSample([{ ...transactions, file: alone('trans.csv') }], freshDirectory(), engine.submit)).toEqual({
    kind: 'refused',
    problems: [{ code: 'wrong', file: 'disp.csv', line: 1, reason: 'can not be read (ENOENT)' }],
  })
  expect(engine.batches).toEqual([])
})

test('a file or a lookup with a column that a bank may not hold is refused before anything is sent, though nothing reads it', async () => {
  const engine = sampleEngine()
  const more = (name: string) => {
    const [head = '', ...rows] = readFileSync(fixture(name), 'utf8').trimEnd().split(/\r?\n/)
    return [`${head};heartRate`, ...rows.map((row) => `${row};70`)].join('\r\n')
  }
  for (const name of ['trans.csv', 'disp.csv']) {
    const files = ['trans.csv', 'disp.csv'].map((one) => [one, one === name ? more(one) : readFileSync(fixture(one))])
    const path = writeFiles(Object.fromEntries(files))
    const result = await runSample([{ ...transactions, file: path('trans.csv') }], freshDirectory(), engine.submit)
    const reason = 'the file has the column heartRate: a bank may not hold a heartrate for offers'
    expect(result).toEqual({ kind: 'refused', problems: [{ code: 'unholdable', file: name, line: 1, reason }] })
  }
  expect(engine.batches).toEqual([])
})

test('an account with two owners is refused, not given to one of them', async () => {
  const disp = `${readFileSync(fixture('disp.csv'), 'utf8')}14;14;101;"OWNER"\r\n`
  const path = writeFiles({ 'trans.csv': readFileSync(fixture('trans.csv')), 'disp.csv': disp })
  const result = await runSample(
    [{ ...transactions, file: path('trans.csv') }],
    freshDirectory(),
    sampleEngine().submit,
  )
  expect(result).toEqual({
    kind: 'refused',
    problems: [{ code: 'wrong', file: 'disp.csv', line: 15, reason: 'the key account_id came before' }],
  })
})

describe('on an event clock', () => {
  test('rows of several files go in the order of their time, ties in file order', async () => {
    const engine = sampleEngine()
    const advanced: number[] = []
    const inputs = [
      transactions,
      { file: fixture('account.csv'), mapping: shipped('berka-accounts.yaml') },
      { file: fixture('client.csv'), mapping: shipped('berka-clients.yaml') },
    ]
    const more = { clock: 'event' as const, advanceClock: (to: number) => advanced.push(to) }
    const result = await runSample(inputs, freshDirectory(), engine.submit, more)
    expect(result).toMatchObject({ summary: { rows: 171 + 12 + 14, accepted: 161 + 12 + 13 } })
    const times = engine.events.map((event) => event.time)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    expect(engine.events.slice(0, 13).map((event) => event.customerId)).toEqual(
      Array.from({ length: 13 }, (_, i) => `berka-${i + 1}`),
    )
    expect(advanced).toEqual([times.at(-1)])
  })

  test('an import that is interrupted ends after the batch under way, and goes on later', async () => {
    const rows = Array.from({ length: 1200 }, (_, i) => `${i},2024-01-01T00:00:00Z,${i}`)
    const mapping = `name: sample
input: { format: csv }
zone: UTC
event: { id: 'n-{id}', source: web, customerId: 'c-{id}' }
time: { column: at, format: rfc3339 }
cases:
  - type: page.viewed
    data: { page: { constant: home }, pageGroup: { constant: home }, dwellMs: { column: dwell } }
`
    const path = writeFiles({ 'rows.csv': ['id,at,dwell', ...rows, ''].join('\n'), 'm.yaml': mapping })
    const inputs = [{ file: path('rows.csv'), mapping: path('m.yaml') }]
    const directory = freshDirectory()
    const engine = sampleEngine()
    const controller = new AbortController()
    const stopping: typeof engine.submit = (events) => {
      controller.abort()
      return engine.submit(events)
    }
    const first = await runSample(inputs, directory, stopping, { clock: 'event', signal: controller.signal })
    expect(first).toMatchObject({ summary: { accepted: 500, interrupted: true } })
    const second = await runSample(inputs, directory, engine.submit, { clock: 'event' })
    expect(second).toMatchObject({ summary: { rows: 1200, accepted: 700, duplicates: 500, interrupted: false } })
    expect(engine.events).toHaveLength(1200)
  })
})
