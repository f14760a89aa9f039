/** Goal: a pack cannot keep the loader busy or bring it down. Method: files and conditions beyond each bound, against the clock. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { celLimits } from '../../rules/cel/limits.ts'
import { loadPack } from '../../rules/load-pack.ts'
import { fileBytesMax } from '../../rules/pack-texts.ts'
import { yamlLimits } from '../../rules/yaml-bounds.ts'
import { readYaml } from '../../rules/yaml-source.ts'
import { type BankPieces, bank, writeBank } from '../engine/step/bank-pack.ts'

/** Far above what each takes, also where a machine is shared; without the bound some take minutes or hours. */
const withinMs = 20_000

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-hostile-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

/** The problems of the bank with pieces replaced, `file:line rule code: message` each. */
async function refusals(changes: BankPieces, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> {
  await writeBank(dir, changes)
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text)
  const started = performance.now()
  const result = await loadPack(dir)
  expect(performance.now() - started).toBeLessThan(withinMs)
  if (result.kind === 'ok') throw new Error('the pack is accepted')
  return result.problems.map(({ file, line, rule, code, message }) => `${file}:${line} ${rule} ${code}: ${message}`)
}

function yamlProblem(text: string): string {
  const started = performance.now()
  const result = readYaml(text)
  expect(performance.now() - started).toBeLessThan(withinMs)
  if (result.kind === 'ok') return 'ok'
  return result.problems.map(({ line, message }) => `${line} ${message}`).join('\n')
}

const depth = yamlLimits.depth
const keysOf = (count: number): string => Array.from({ length: count }, (_, i) => `k${i}: 1`).join('\n')

describe('a YAML file', () => {
  test.each([
    ['lists', `a:\n  ${'['.repeat(depth)}${']'.repeat(depth)}`, 2],
    ['maps', `a:\n  ${'{a: '.repeat(depth)}1${'}'.repeat(depth)}`, 2],
    ['lists a hundred thousand deep', `a: ${'['.repeat(100_000)}`, 1],
    ['maps of lines', Array.from({ length: depth + 2 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'), depth + 1],
  ])('that is nested beyond the bound is refused: %s', (_what, text, line) => {
    expect(yamlProblem(text)).toBe(`${line} Maps and lists are nested too deeply: at most ${depth} inside each other.`)
  })

  test('may be nested as deeply as the bound says', () => {
    expect(yamlProblem(`a: ${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}`)).toBe('ok')
  })

  test('of one map with very many keys is refused at once', () => {
    expect(yamlProblem(keysOf(yamlLimits.keys))).toBe('ok')
    const message = `1 The map has 50000 keys, at most ${yamlLimits.keys} are read.`
    expect(yamlProblem(keysOf(50_000))).toBe(message)
    const flow = `{${Array.from({ length: 50_000 }, (_, i) => `k${i}: 1`).join(', ')}}`
    expect(yamlProblem(flow)).toBe(message)
  })

  test('that would grow without bound by its aliases is refused', () => {
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
    const bomb = names.map(
      (name, i) =>
        `${name}: &${name} [${Array(9)
          .fill(i === 0 ? 'x' : `*${names[i - 1]}`)
          .join(', ')}]`,
    )
    expect(yamlProblem(bomb.join('\n'))).toBe('2 YAML aliases (*name) are not allowed: write the value out.')
  })

  test('full of mistakes is told of so many of them', () => {
    expect(yamlProblem('- "\\q"\n'.repeat(5_000)).split('\n')).toHaveLength(yamlLimits.problems)
  })
})

describe('a pack', () => {
  test('with a file beyond the bound is refused without reading it', async () => {
    const [first] = await refusals({}, { 'offers.yaml': ' '.repeat(fileBytesMax + 1) })
    expect(first).toContain(`offers.yaml:1 offers.yaml file_too_large: The file is larger than ${fileBytesMax} bytes.`)
  })

  test('with more rules than the bound is refused', async () => {
    const features = Array.from({ length: 2_001 }, (_, i) => ({
      id: `f${i}`,
      kind: 'count',
      event: 'page.viewed',
      window: '7d',
    }))
    const found = await refusals({ features })
    expect(found.join('\n')).toMatch(/features\.yaml:\d+ features value_invalid: .*2000/)
  })
})

const always = 'profile.student'
const conditions: readonly (readonly [string, string, RegExp])[] = [
  ['too long', `${always}${' '.repeat(celLimits.sourceLength)}`, /4[,_]?0\d\d/],
  ['too many parts', Array(400).fill('true').join(' && '), /600|split the condition/],
  ['too deep', `${'!('.repeat(200)}${always}${')'.repeat(200)}`, /split the condition|deep/i],
  [
    'a list that is too long',
    `maternity_30d in [${Array.from({ length: 300 }, (_, i) => i).join(', ')}]`,
    /split the condition|256/,
  ],
  [
    'ternaries that double with each other',
    Array(12)
      .fill(0)
      .reduce((text: string) => `(${text} ? ${always} : !${always})`, always),
    /split|too large|becomes/i,
  ],
  ['a regular expression', '"aaaaaaaaaaaaaaaaaaaaaaaaaaaa".matches("(a+)+$")', /startsWith/],
]

describe('a condition', () => {
  test.each(conditions)(
    'that could run long is refused with file, line, rule and what to do: %s',
    async (_what, when, message) => {
      const guardrails = bank.guardrails.map((one) =>
        one.id === 'no-lifestyle-credit-for-students' ? { ...one, when } : one,
      )
      const found = await refusals({ guardrails })
      const ours = found.filter((line) => line.startsWith('guardrails.yaml:'))
      expect(ours.length).toBeGreaterThan(0)
      expect(ours[0]).toMatch(/^guardrails\.yaml:\d+ /)
      expect(ours[0]).toMatch(message)
      const line = Number(ours[0]?.match(/:(\d+) /)?.[1])
      const text = (await readFile(join(dir, 'guardrails.yaml'), 'utf8')).split('\n')
      expect(text.slice(line - 3, line + 1).join('\n')).toContain('when:')
    },
  )
})
