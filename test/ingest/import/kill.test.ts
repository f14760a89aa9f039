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

/** Where to kill: when the process says the word for the n-th time. */
type Kill = { readonly word: 'offered' | 'kept'; readonly times: number }

/** Runs the importer; kills it, or lets it end and returns its last line. */
function run(directory: string, kill: Kill | null): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [program, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
      if (kill !== null && output.split(kill.word).length > kill.times) child.kill('SIGKILL')
    })
    child.on('error', reject)
    child.on('close', () => resolve(output.trim().split('\n').at(-1) ?? ''))
  })
}

const kills: readonly Kill[] = [
  { word: 'kept', times: 1 },
  { word: 'offered', times: 3 },
  { word: 'kept', times: 3 },
  { word: 'offered', times: 1 },
]

test('an import that is killed again and again ends with every row once', async () => {
  const directory = freshDirectory()
  const line = (i: number) => `${i},${1_700_000_000 + ((i * 7919) % rows)},${i % 1000 === 999 ? 'x' : i}`
  writeFileSync(
    join(directory, 'rows.csv'),
    ['id,at,dwell', ...Array.from({ length: rows }, (_, i) => line(i)), ''].join('\n'),
  )
  writeFileSync(join(directory, 'm.yaml'), mapping)
  for (const kill of kills) {
    await run(directory, kill)
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
