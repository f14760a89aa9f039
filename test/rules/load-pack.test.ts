import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { loadPack } from '../../rules/load-pack.ts'
import { hashOf } from '../../rules/pack-hash.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import { fileBytesMax } from '../../rules/pack-texts.ts'
import { loadFiles, loadPatched, originals, retailBank } from './patched-pack.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-pack-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function hashAfter(file: string, from: string, to: string): Promise<string> {
  const { result } = await loadPatched([{ file, from, to }])
  if (result.kind === 'refused') throw new Error(formatProblems(result.problems))
  return result.pack.hash
}

async function codesOf(files: ReadonlyMap<string, string>): Promise<readonly string[]> {
  const result = await loadFiles(files)
  return result.kind === 'refused' ? result.problems.map((problem) => `${problem.file} ${problem.code}`) : []
}

test('the shipped pack loads without a warning', async () => {
  const result = await loadPack(retailBank)
  expect(result.kind === 'refused' ? formatProblems(result.problems) : '').toBe('')
  expect(result.kind === 'ok' ? formatProblems(result.warnings) : '').toBe('')
})

test('the hash is that of what the pack says, not of how it is written', async () => {
  const result = await loadPack(retailBank)
  expect(result.kind).toBe('ok')
  if (result.kind === 'refused') return
  const { hash, model } = result.pack
  expect(hash).toMatch(/^[0-9a-f]{64}$/)
  expect(hashOf(JSON.parse(JSON.stringify(model)))).toBe(hash)
  expect(await hashAfter('offers.yaml', 'offers:\n  # ---- Family', '# moved down\n\noffers:\n  # ---- Family')).toBe(
    hash,
  )
  expect(await hashAfter('contact.yaml', '    limit: 3\n    per: 7d', '    per: 168h\n    limit: 3')).toBe(hash)
})

test.each([
  ['a limit', 'contact.yaml', 'limit: 3', 'limit: 4'],
  ['a text', 'guardrails.yaml', 'en: Marketing by phone only', 'en: Calls only'],
  ['a condition', 'offers.yaml', 'eligible: fx_views_24h >= 3', 'eligible: fx_views_24h >= 4'],
  ['a lawful basis', 'sources.yaml', 'id: survey\n    lawfulBasis: consent', 'id: survey\n    lawfulBasis: contract'],
])('a change of %s changes the hash', async (_what, file, from, to) => {
  const before = await loadPack(retailBank)
  expect(await hashAfter(file, from, to)).not.toBe(before.kind === 'ok' ? before.pack.hash : '')
})

test('a folder that is not there is told', async () => {
  const result = await loadPack(join(dir, 'nowhere'))
  expect(result.kind === 'refused' ? result.problems.map((problem) => problem.code) : []).toEqual(['pack_missing'])
})

test('an empty folder misses every file', async () => {
  const result = await loadPack(dir)
  expect(result.kind === 'refused' ? result.problems.map((problem) => problem.code) : []).toEqual(
    Array.from({ length: 10 }, () => 'file_missing'),
  )
})

test('a file with a misspelt name is not silently ignored', async () => {
  const files = new Map([...(await originals()), ['guardrail.yml', 'guardrails: []\n']])
  expect(await codesOf(files)).toEqual(['guardrail.yml file_unknown'])
})

test('a link to a file elsewhere is refused', async () => {
  for (const [name, text] of await originals()) {
    if (name !== 'offers.yaml') await writeFile(join(dir, name), text)
  }
  await symlink(join(retailBank, 'offers.yaml'), join(dir, 'offers.yaml'))
  const result = await loadPack(dir)
  expect(result.kind === 'refused' ? result.problems.map((p) => `${p.file} ${p.code}`) : []).toEqual([
    'offers.yaml file_not_plain',
  ])
})

test.each([
  ['that is too large', 'file_too_large', `offers: []\n#${' '.repeat(fileBytesMax)}\n`],
  ['that is empty', 'yaml_invalid', ''],
  ['of two documents', 'yaml_invalid', 'caps: []\n---\ncaps: []\n'],
  ['nested without end', 'yaml_invalid', `caps: ${'['.repeat(200_000)}`],
  ['with an alias', 'yaml_invalid', 'caps: &a []\nmore: *a\n'],
  ['with a tag', 'yaml_invalid', 'caps: !!js/function "x"\n'],
  ['with a list where keys are expected', 'value_invalid', '- caps\n'],
])('a file %s is refused', async (_what, code, text) => {
  const files = new Map([...(await originals()), ['contact.yaml', text]])
  expect(new Set(await codesOf(files))).toEqual(new Set([`contact.yaml ${code}`]))
})

test('mistakes in several files are told together, by file and line', async () => {
  const { result } = await loadPatched([
    { file: 'triggers.yaml', from: 'on: repayment.made', to: 'on: repayment.done' },
    { file: 'contact.yaml', from: 'channels: [email]', to: 'channels: [mail]' },
  ])
  const text = result.kind === 'refused' ? formatProblems(result.problems) : ''
  expect(text.split('\n').map((line) => line.replace(/: .*/, ''))).toEqual([
    'contact.yaml:42 email-marketing-month channel_unknown',
    'triggers.yaml:147 large-repayment event_unknown',
  ])
})

test('what nobody reads is a warning', async () => {
  const { result } = await loadPatched([
    {
      file: 'features.yaml',
      from: 'features:\n',
      to: 'features:\n  - id: all_transfers_7d\n    kind: count\n    event: transfer.made\n    window: 7d\n',
    },
  ])
  expect(result.kind === 'ok' ? result.warnings.map((w) => `${w.rule} ${w.code}`) : []).toEqual([
    'all_transfers_7d reference_dead',
  ])
})

test('more offers than allowed are refused', async () => {
  const offers = Array.from(
    { length: 5_001 },
    (_, i) =>
      `  - { id: o${i}, title: { en: a, zh: b }, category: study, class: service, contentType: card, channels: [in_app], validFor: 1d }`,
  )
  const files = new Map([...(await originals()), ['offers.yaml', `offers:\n${offers.join('\n')}\n`]])
  expect(await codesOf(files)).toContain('offers.yaml value_invalid')
})
