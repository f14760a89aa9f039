import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createRowSorter, type ImportedRow } from '../../../ingest/import/sort-rows.ts'
import { collect, freshDirectory } from './import-rig.ts'

function row(time: number, line: number): ImportedRow {
  const event = {
    id: `e-${line}`,
    source: 'web',
    type: 'page.viewed',
    customerId: 'c',
    time,
    provenance: { via: 'import', consentId: null },
    data: { page: 'a\nb', pageGroup: 'home', dwellMs: 0 },
  } as const
  return { event, name: 'sample', file: 'x.csv', line, raw: '"quoted"\u2028' }
}

test('rows come back in the order of time, ties as they were added, from any number of runs', async () => {
  const directory = join(freshDirectory(), 'spool')
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.nat({ max: 20 }), { maxLength: 100 }),
      fc.integer({ min: 1, max: 12 }),
      async (times, limit) => {
        const sorter = await createRowSorter(directory, limit)
        const added = times.map((time, i) => row(time, i))
        for (const one of added) await sorter.add(one)
        const drained = await collect(sorter.drain())
        await sorter.close()
        expect(drained).toEqual(added.toSorted((a, b) => a.event.time - b.event.time || a.line - b.line))
      },
    ),
    { numRuns: 40 },
  )
  expect(existsSync(directory)).toBe(false)
})

test('more rows than a sort may take are refused with a code', async () => {
  const sorter = await createRowSorter(join(freshDirectory(), 'spool'), 1)
  const adding = (async () => {
    for (let i = 0; i < 300; i++) await sorter.add(row(i, i))
  })()
  await expect(adding).rejects.toMatchObject({ code: 'import_too_large' })
  await sorter.close()
})
