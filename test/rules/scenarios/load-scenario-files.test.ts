/** Scenario files in memory: read as those of a folder are. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadScenarioFiles, loadScenarios, scenarioLimits } from '../../../rules/scenarios/load-scenarios.ts'
import { retailPack, story } from './retail-names.ts'

const sound = story('expect: nothing')
const { model } = retailPack
let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-scenarios-'))
})
afterEach(() => rm(dir, { recursive: true }))

test.each<readonly [string, Readonly<Record<string, string>>]>([
  [
    'sound ones',
    { 'scenarios/b.yaml': sound.replace('a story', 'b'), 'scenarios/a.yaml': sound, 'scenarios/README.md': '#' },
  ],
  ['none', { 'pack.yaml': 'name: x' }],
  ['others only', { 'scenarios/README.md': '#' }],
  ['a wrong name', { 'scenarios/a.yaml': sound, 'scenarios/b.yml': sound }],
  ['a file that is too large', { 'scenarios/a.yaml': `#${' '.repeat(scenarioLimits.fileBytes)}\n${sound}` }],
  ['a mistake', { 'scenarios/a.yaml': sound, 'scenarios/b.yaml': story('{ request: lobby }', 'expect: nothing') }],
  ['the same name twice', { 'scenarios/a.yaml': sound, 'scenarios/b.yaml': sound }],
])('%s come out as from a folder', async (_what, files) => {
  for (const [file, text] of Object.entries(files)) {
    await mkdir(dirname(join(dir, file)), { recursive: true })
    await writeFile(join(dir, file), text)
  }
  expect(loadScenarioFiles(files, model)).toEqual(await loadScenarios(dir, model))
})

test('a file in a folder below is none of the scenarios', () => {
  const result = loadScenarioFiles({ 'scenarios/a.yaml': sound, 'scenarios/more/b.yaml': sound }, model)
  expect(result.kind === 'refused' ? result.problems.map(({ file, code }) => [file, code]) : result.kind).toEqual([
    ['scenarios/more/b.yaml', 'file_not_plain'],
  ])
})

test('files of the pack that are no scenarios are left alone', () => {
  const result = loadScenarioFiles({ 'scenarios/a.yaml': sound, 'features.yaml': 'x', '../b.yaml': 'y' }, model)
  expect(result.kind === 'ok' ? result.scenarios.map(({ file }) => file) : result.problems).toEqual([
    'scenarios/a.yaml',
  ])
})
