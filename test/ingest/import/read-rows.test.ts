import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { InputMapping } from '../../../ingest/import/mapping.ts'
import { maxLineChars, readLines } from '../../../ingest/import/read-lines.ts'
import { type BrokenRow, type Row, readRows } from '../../../ingest/import/read-rows.ts'
import { collect, writeFiles } from './import-rig.ts'

const csv: InputMapping = { format: 'csv', delimiter: ',', quote: '"', header: true, encoding: 'utf-8', trim: true }

async function rows(
  text: string,
  input: InputMapping = csv,
  columns = ['a', 'b'],
): Promise<readonly (Row | BrokenRow)[]> {
  const path = writeFiles({ 'x.csv': text })('x.csv')
  return (await collect(readRows({ path, input, columns, onBytes: () => {} }))).flat()
}

function shown(read: readonly (Row | BrokenRow)[]): readonly string[] {
  return read.map((row) => `${row.line} ${row.kind === 'row' ? JSON.stringify(row.values) : row.reason}`)
}

test('quotes, white space, blank lines and either line end are read', async () => {
  expect(shown(await rows('b,c,a\r\n"x, y",1," q ""z"" "\n\n ,,"  "\r\n1,2,3'))).toEqual([
    '2 ["q \\"z\\"","x, y"]',
    '4 [null,null]',
    '5 ["3","1"]',
  ])
})

test('a quote that is not closed costs its own row and no other', async () => {
  const many = Array.from({ length: 600 }, (_, i) => (i === 300 ? '"open,1' : `${i},"v"`))
  const read = await rows(['a,b', ...many].join('\n'))
  expect(read).toHaveLength(600)
  expect(read.filter((row) => row.kind === 'broken').map((row) => row.line)).toEqual([302])
  expect(read.at(-1)).toMatchObject({ line: 601, values: ['599', 'v'] })
})

test('quotes that seem to close on another line do not swallow the lines between', async () => {
  expect(shown(await rows('a,b\n1,2\n"open,3\n4,5\nclose",6\n7,8\n'))).toEqual([
    '2 ["1","2"]',
    '3 row_unreadable',
    '4 ["4","5"]',
    '5 row_unreadable',
    '6 ["7","8"]',
  ])
})

test('a row longer than the bound is rejected and the next one is read', async () => {
  const read = await rows(`a,b\n${'x'.repeat(maxLineChars * 3)},1\n2,3\n`)
  expect(shown(read)).toEqual(['2 row_too_large', '3 ["2","3"]'])
  expect(read[0]?.raw.length).toBe(maxLineChars)
})

test('without quotes a quote is a character', async () => {
  expect(shown(await rows('a,b\n"1,2"\n', { ...csv, quote: null }))).toEqual(['2 ["\\"1","2\\""]'])
})

test('lines are the same wherever the chunks of the file end', async () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', '漢', '😀', ',', ' '), maxLength: 40 })
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.constantFrom('\n', '\r\n'), async (lines, end) => {
      // Longer than a chunk of the stream, so that characters of several bytes are cut in two.
      const long = [...lines, '漢😀'.repeat(9000), ...lines, '漢é😀'.repeat(7000), ...lines, 'end']
      const path = writeFiles({ 'x.txt': long.join(end) })('x.txt')
      const read = (await collect(readLines(path, 'utf-8', () => {}))).flat()
      expect(read.map((one) => one.text)).toEqual(long)
      expect(read.map((one) => one.number)).toEqual(long.map((_, i) => i + 1))
    }),
    { numRuns: 20 },
  )
})
