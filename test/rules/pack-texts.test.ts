import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadPack, loadPackFiles } from '../../rules/load-pack.ts'
import type { PackProblem } from '../../rules/pack-problem.ts'
import { type PackFiles, packFilesOf, travelBytesMax } from '../../rules/pack-texts.ts'
import { loadScenarioFiles, loadScenarios } from '../../rules/scenarios/load-scenarios.ts'

const bank = 'rules/packs/retail-bank'

async function filesOf(dir: string): Promise<PackFiles> {
  const problems: PackProblem[] = []
  const files = await packFilesOf(dir, problems)
  expect(problems).toEqual([])
  return files
}

test('files that travelled are the same pack with the same hash and the same scenarios', async () => {
  const [folder, files] = [await loadPack(bank), await filesOf(bank)]
  const travelled = loadPackFiles(files)
  expect(travelled).toEqual(folder)
  if (travelled.kind !== 'ok') throw new Error('the sample pack is sound')
  const { model } = travelled.pack
  const scenarios = loadScenarioFiles(files, model)
  expect(scenarios.kind).toBe('ok')
  expect(scenarios).toEqual(await loadScenarios(bank, model))
})

test('a mistake in files that travelled is reported as one in a folder is', async () => {
  const files = { ...(await filesOf(bank)) }
  files['offers.yaml'] = (files['offers.yaml'] ?? '').replaceAll('category: ', 'category: no-such-')
  const dir = await mkdtemp(join(tmpdir(), 'proffer-files-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(join(dir, name, '..'), { recursive: true })
    await writeFile(join(dir, name), text)
  }
  const travelled = loadPackFiles(files)
  expect(travelled.kind).toBe('refused')
  expect(travelled).toEqual(await loadPack(dir))
  await rm(dir, { recursive: true })
})

test.each([
  ['a file that a pack does not have', { 'notes.txt': 'x' }, 'file_unknown', 'notes.txt'],
  ['a path out of the pack', { '../pack.yaml': 'x' }, 'file_unknown', '../pack.yaml'],
  ['a deeper folder', { 'scenarios/a/b.yaml': 'x' }, 'file_unknown', 'scenarios/a/b.yaml'],
  ['too much of it', { 'scenarios/big.yaml': 'x'.repeat(travelBytesMax) }, 'file_too_large', 'pack.yaml'],
])('%s is refused', async (_, more, code, file) => {
  const result = loadPackFiles({ ...(await filesOf(bank)), ...more })
  expect(result).toMatchObject({ kind: 'refused', problems: [expect.objectContaining({ code, file })] })
})

test('a file that is not among them is missed by its name', async () => {
  const { 'offers.yaml': _, ...files } = await filesOf(bank)
  expect(loadPackFiles(files)).toMatchObject({
    kind: 'refused',
    problems: [expect.objectContaining({ code: 'file_missing', file: 'offers.yaml' })],
  })
})
