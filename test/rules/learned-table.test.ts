/** A table of learned propensities is what was learned and nothing else, and anything wrong refuses it as a whole. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type LearnedTable, learnedOf, loadLearned, printLearned, readLearned } from '../../rules/learned-table.ts'

const cell = { model: 'm', offer: 'o', segment: 'all', successes: 3, failures: 97 }
const table: LearnedTable = {
  format: 'proffer-learned-1',
  asOf: 1_764_000_000_000,
  packHash: 'p',
  cells: [cell, { ...cell, offer: 'a' }, { ...cell, segment: 'x' }],
  fatigue: [{ rule: 'f', recent: { sent: 100, opened: 3 }, baseline: { sent: 400, opened: 48 }, pass: 0.25 }],
}

test('a table comes back from its text with the same hash', () => {
  const learned = learnedOf(table)
  const read = readLearned(printLearned(learned))
  expect(read).toEqual({ kind: 'ok', learned })
  const empty = learnedOf({ ...table, cells: [] })
  expect(readLearned(printLearned(empty))).toEqual({ kind: 'ok', learned: empty })
})

test('the order of cells and of keys does not count, every number does', () => {
  const { hash } = learnedOf(table)
  expect(learnedOf({ ...table, cells: [...table.cells].reverse() }).hash).toBe(hash)
  expect(
    readLearned(
      JSON.stringify({
        cells: table.cells,
        fatigue: table.fatigue,
        packHash: 'p',
        asOf: table.asOf,
        format: table.format,
      }),
    ),
  ).toMatchObject({
    learned: { hash },
  })
  for (const more of [{ successes: 4 }, { failures: 98 }, { segment: 'y' }, { model: 'n' }])
    expect(learnedOf({ ...table, cells: [{ ...cell, ...more }, ...table.cells.slice(1)] }).hash).not.toBe(hash)
})

test.each([
  ['no JSON', 'nonsense', 'not JSON'],
  ['another format', JSON.stringify({ ...table, format: 'x' }), 'format'],
  ['half a success', JSON.stringify({ ...table, cells: [{ ...cell, successes: 0.5 }] }), 'cells.0.successes'],
  ['fewer than none', JSON.stringify({ ...table, cells: [{ ...cell, failures: -1 }] }), 'cells.0.failures'],
  ['a key that nobody knows', JSON.stringify({ ...table, cells: [{ ...cell, weight: 1 }] }), 'cells.0'],
  ['a cell twice', JSON.stringify({ ...table, cells: [cell, cell] }), 'two cells'],
  ['more cells than are kept', JSON.stringify({ ...table, cells: Array(100_001).fill(cell) }), 'cells'],
])('%s is refused with a sentence', (_, text, why) => {
  const read = readLearned(text)
  expect(read.kind).toBe('refused')
  expect(read.kind === 'refused' && read.problem).toContain(why)
})

test('a file that is not there is refused, not taken for an empty one', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-learned-'))
  try {
    expect(await loadLearned(join(dir, 'none.json'))).toMatchObject({ kind: 'refused' })
    await writeFile(join(dir, 'some.json'), printLearned(learnedOf(table)))
    expect(await loadLearned(join(dir, 'some.json'))).toEqual({ kind: 'ok', learned: learnedOf(table) })
  } finally {
    await rm(dir, { recursive: true })
  }
})
