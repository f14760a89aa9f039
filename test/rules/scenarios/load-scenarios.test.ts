/** The folder of scenarios: what is read from it, what is refused, and that the pack itself does not see it. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { jsonSchemas } from '../../../rules/json-schemas.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import { loadScenarios, scenarioLimits } from '../../../rules/scenarios/load-scenarios.ts'
import { readYaml } from '../../../rules/yaml-source.ts'
import { retailBank } from '../patched-pack.ts'
import { retailPack, story } from './retail-names.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-scenarios-'))
  await mkdir(join(dir, 'scenarios'))
})
afterEach(() => rm(dir, { recursive: true }))

const sound = story('expect: nothing')
const put = (name: string, text: string) => writeFile(join(dir, 'scenarios', name), text)

async function problems(): Promise<readonly string[]> {
  const result = await loadScenarios(dir, retailPack.model)
  return result.kind === 'refused' ? result.problems.map(({ file, line, code }) => `${file}:${line} ${code}`) : []
}

test('the scenarios of all files are read in the order of their names, other files are left alone', async () => {
  await put('b.yaml', sound.replace('a story', 'second'))
  await put('a.yaml', sound.replace('a story', 'first'))
  await put('README.md', '# About these')
  const result = await loadScenarios(dir, retailPack.model)
  expect(result.kind === 'ok' ? result.scenarios.map(({ file, name }) => [file, name]) : []).toEqual([
    ['scenarios/a.yaml', 'first'],
    ['scenarios/b.yaml', 'second'],
  ])
})

test('a pack without a scenario is told so', async () => {
  expect(await problems()).toEqual(['scenarios:1 scenarios_missing'])
  await rm(join(dir, 'scenarios'), { recursive: true })
  expect(await problems()).toEqual(['scenarios:1 scenarios_missing'])
})

test('what might be taken for a scenario and is none is refused', async () => {
  await put('a.yaml', sound)
  await put('b.yml', sound)
  await mkdir(join(dir, 'scenarios', 'more'))
  await symlink(join(dir, 'scenarios', 'a.yaml'), join(dir, 'scenarios', 'c.yaml'))
  await put('d.yaml', `#${' '.repeat(scenarioLimits.fileBytes)}\n${sound}`)
  expect(await problems()).toEqual([
    'scenarios/b.yml:1 file_unknown',
    'scenarios/c.yaml:1 file_not_plain',
    'scenarios/d.yaml:1 file_too_large',
    'scenarios/more:1 file_not_plain',
  ])
})

test('a mistake in any file refuses all of them, and all are told', async () => {
  await put('a.yaml', sound)
  await put('b.yaml', story('{ request: lobby }', 'expect: nothing'))
  await put('c.yaml', story('{ event: x }', 'expect: nothing'))
  expect(await problems()).toEqual(['scenarios/b.yaml:4 placement_unknown', 'scenarios/c.yaml:4 event_unknown'])
})

test('two scenarios of one name are told apart', async () => {
  await put('a.yaml', sound)
  await put('b.yaml', sound)
  expect(await problems()).toEqual(['scenarios/b.yaml:1 id_duplicate'])
})

test('more scenarios than allowed are refused', async () => {
  const cases = `for each: { case: [${Array.from({ length: 200 }, (_, i) => `v${i}`).join(', ')}] }`
  const text = story('{ request: app_offers, id: <case> }', 'expect: { offered: [] }').replace(
    'steps:',
    `${cases}\nsteps:`,
  )
  for (let i = 0; i <= scenarioLimits.scenarios / 200; i++)
    await put(`${100 + i}.yaml`, text.replace('a story', `story ${i}`))
  expect(await problems()).toEqual(['scenarios/125.yaml:1 scenario_too_large'])
})

test('scenarios are no part of the pack: its hash does not see them, sound or not', async () => {
  await cp(retailBank, dir, { recursive: true })
  const before = await loadPack(dir)
  await put('one-more.yaml', sound)
  await put('broken.yaml', 'name: [')
  const after = await loadPack(dir)
  await rm(join(dir, 'scenarios'), { recursive: true })
  const without = await loadPack(dir)
  for (const result of [before, after, without])
    expect(result).toMatchObject({ kind: 'ok', pack: { hash: retailPack.hash } })
})

test('every scenario file of the shipped pack names the published schema in its first line, and fits it', async () => {
  const schema = z.fromJSONSchema(JSON.parse(jsonSchemas().get('scenario.schema.json') ?? ''))
  const folder = join(retailBank, 'scenarios')
  const names = await readdir(folder)
  expect(names.length).toBeGreaterThan(30)
  for (const name of names) {
    const text = await readFile(join(folder, name), 'utf8')
    expect(text).toMatch(/^# yaml-language-server: \$schema=..\/..\/..\/schema\/scenario.schema.json\n/)
    const read = readYaml(text)
    expect([name, read.kind === 'ok' && schema.safeParse(read.source.data).success]).toEqual([name, true])
  }
})

test('the page of the shipped pack names each scenario file, and no other', async () => {
  const page = await readFile(join(retailBank, 'README.md'), 'utf8')
  const named = [...page.matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => `${name}.yaml`)
  expect([...new Set(named)].sort()).toEqual((await readdir(join(retailBank, 'scenarios'))).sort())
})

test('an editor marks what the published schema does not know', () => {
  const schema = z.fromJSONSchema(JSON.parse(jsonSchemas().get('scenario.schema.json') ?? ''))
  const head = { name: 'x', start: '2026-03-02' }
  const fits = (step: unknown) => schema.safeParse({ ...head, steps: [step] }).success
  expect(fits({ event: 'account.opened', times: '<case.times>' })).toBe(true)
  expect(fits({ event: 'account.opened', times: 'often' })).toBe(false)
  expect(fits({ event: 'account.opened', dta: {} })).toBe(false)
  expect(fits({ expect: { not_offered: 'x' } })).toBe(false)
  expect(fits({ expect: { 'not offered': { x: 'dislike' } } })).toBe(false)
})
