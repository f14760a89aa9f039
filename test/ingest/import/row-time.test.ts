import { describe, expect, test } from 'vitest'
import { isoDate, readDate, rowTimes, zoneInstants } from '../../../ingest/import/row-time.ts'

function instant(text: string, zone: string): string {
  const date = readDate(text, 'yyyy-MM-dd HH:mm:ss', undefined)
  return date === null ? 'none' : new Date(zoneInstants(zone)(date)).toISOString()
}

describe('each declared date format is read', () => {
  test.each([
    ['930103', 'yymmdd', 1900, '1993-01-03'],
    ['930103', 'yymmdd', 2000, '2093-01-03'],
    ['706213', 'yymmdd_month50', 1900, '1970-12-13'],
    ['451204', 'yymmdd_month50', 1900, '1945-12-04'],
    ['20240229', 'yyyyMMdd', undefined, '2024-02-29'],
    ['2024-02-29', 'yyyy-MM-dd', undefined, '2024-02-29'],
    ['1.3.2024', 'dd.MM.yyyy', undefined, '2024-03-01'],
    ['931107 00:00:00', 'yymmdd HH:mm:ss', 1900, '1993-11-07'],
    ['1709164800', 'epoch_s', undefined, '2024-02-29'],
    ['1709164800000', 'epoch_ms', undefined, '2024-02-29'],
    ['2024-02-29T08:00:00+08:00', 'rfc3339', undefined, '2024-02-29'],
  ] as const)('%s as %s', (text, format, century, day) => {
    const date = readDate(text, format, century)
    expect(date === null ? null : isoDate(date, 'UTC')).toBe(day)
  })

  test.each([
    ['930229', 'yymmdd'],
    ['931301', 'yymmdd'],
    ['936301', 'yymmdd_month50'],
    ['935001', 'yymmdd_month50'],
    ['2023-02-29', 'yyyy-MM-dd'],
    ['2023-2-1', 'yyyy-MM-dd'],
    ['32.1.2024', 'dd.MM.yyyy'],
    ['2024-01-01 24:00:00', 'yyyy-MM-dd HH:mm:ss'],
    ['2024-01-01T08:00:00', 'rfc3339'],
    ['2024-02-30T08:00:00Z', 'rfc3339'],
    ['1e9', 'epoch_s'],
    ['999999999999999', 'epoch_s'],
  ] as const)('%s is no %s', (text, format) => {
    expect(readDate(text, format, 1900)).toBeNull()
  })
})

describe('a local time is an instant of its zone', () => {
  test.each([
    ['2024-01-15 12:00:00', 'Asia/Shanghai', '2024-01-15T04:00:00.000Z'],
    ['2024-01-15 12:00:00', 'Europe/Prague', '2024-01-15T11:00:00.000Z'],
    ['2024-07-15 12:00:00', 'Europe/Prague', '2024-07-15T10:00:00.000Z'],
    // The hour that a spring day skips moves forward by the gap.
    ['2024-03-31 01:59:59', 'Europe/Prague', '2024-03-31T00:59:59.000Z'],
    ['2024-03-31 02:30:00', 'Europe/Prague', '2024-03-31T01:30:00.000Z'],
    ['2024-03-31 03:00:00', 'Europe/Prague', '2024-03-31T01:00:00.000Z'],
    // The hour that an autumn day has twice is the first of the two.
    ['2024-10-27 02:30:00', 'Europe/Prague', '2024-10-27T00:30:00.000Z'],
    ['2024-10-27 03:30:00', 'Europe/Prague', '2024-10-27T02:30:00.000Z'],
    // A day whose midnight does not exist.
    ['2018-11-04 12:00:00', 'America/Sao_Paulo', '2018-11-04T14:00:00.000Z'],
    ['1993-01-03 08:00:00', 'Europe/Prague', '1993-01-03T07:00:00.000Z'],
  ])('%s in %s', (text, zone, expected) => {
    expect(instant(text, zone)).toBe(expected)
  })

  test('a day asked for again gives the same instants', () => {
    const instants = zoneInstants('Europe/Prague')
    const date = readDate('2024-01-15 12:00:00', 'yyyy-MM-dd HH:mm:ss', undefined)
    expect(date).not.toBeNull()
    if (date === null) return
    expect(instants(date)).toBe(instants(date))
    expect(new Date(instants(date)).toISOString()).toBe('2024-01-15T11:00:00.000Z')
  })
})

test('rows of one date are spread over the day in file order and never leave it', () => {
  const spread = { from: '23:59:58', stepMs: 900 }
  const time = rowTimes({ column: 'date', format: 'yymmdd', century: 1900, timeOfDay: spread }, 'UTC')
  const at = (text: string) => new Date(time(text) ?? Number.NaN).toISOString()
  expect([at('930103'), at('930103'), at('930104'), at('930103')]).toEqual([
    '1993-01-03T23:59:58.000Z',
    '1993-01-03T23:59:58.900Z',
    '1993-01-04T23:59:58.000Z',
    '1993-01-03T23:59:59.800Z',
  ])
  expect(at('930103')).toBe('1993-01-03T23:59:59.999Z')
  expect(at('930103')).toBe('1993-01-03T23:59:59.999Z')
})
