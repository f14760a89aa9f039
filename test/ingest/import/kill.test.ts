import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rejectsPath } from '../../../ingest/import/command.ts'
import { freshDirectory, keptRejects } from './import-rig.ts'

const program = new URL('import-process.ts', import.meta.url).pathname
const rows = 6000

const mapping = `name: sample
input: { format: csv }
zone: UTC
event: { id: 'n-{id}', source: web, customerId: 'c-{id}' }
time: { column: at, format: epoch_s }
cases:
  - type: page.viewed
    data: { page: { constant: home }, pageGroup: { constant: home }, dwellMs: { column: dwell } }
`

/** Runs the importer; kills it after so many batches, or lets it end and returns its last line. */
function run(directory: string, killAfter: number | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    let batches = 0
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      batches = output.split('took').length - 1
      if (killAfter !== null && batches >= killAfter) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('exit', () => resolve(output.trim().split('\n').at(-1) ?? ''))
  })
}

test('an import that is killed again and again ends with every row once', async () => {
  const directory = freshDirectory()
  const line = (i: number) => `${i},${1_700_000_000 + ((i * 7919) % rows)},${i % 1000 === 999 ? 'x' : i}`
  writeFileSync(
    join(directory, 'rows.csv'),
    ['id,at,dwell', ...Array.from({ length: rows }, (_, i) => line(i)), ''].join('\n'),
  )
  writeFileSync(join(directory, 'm.yaml'), mapping)
  for (const killAfter of [1, 3, 2]) {
    await run(directory, killAfter)
    expect(existsSync(rejectsPath(join(directory, 'import'), 'sample'))).toBe(false)
  }
  const result: unknown = JSON.parse(await run(directory, null))
  const ids = readFileSync(join(directory, 'log.txt'), 'utf8').trim().split('\n')
  expect(new Set(ids).size).toBe(rows - 6)
  expect(ids).toHaveLength(rows - 6)
  expect(result).toMatchObject({ kind: 'ok', summary: { rows, rejected: 6, interrupted: false } })
  expect(keptRejects(join(directory, 'import'), 'sample')).toHaveLength(6)
  const again: unknown = JSON.parse(await run(directory, null))
  expect(again).toMatchObject({ kind: 'ok', summary: { rows, accepted: 0, rejected: 6, duplicates: rows - 6 } })
})
