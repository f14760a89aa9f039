/** `proffer test` as an author and a CI server meet it: real processes, real folders. */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'proffer-test-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pack = join(folder, 'pack')
const text =
  'name: a stranger\nstart: 2026-03-02\nsteps:\n  - { request: app_offers }\n  - expect: { reason: REASON }\n'
const right = text.replace('REASON', 'cold_start')
const wrong = text.replace('REASON', 'erased').replace('a stranger', 'a <mix> & "up"')
const put = (name: string, content: string): void => writeFileSync(join(pack, 'scenarios', name), content)

beforeEach(() => {
  rmSync(pack, { recursive: true, force: true })
  cpSync('rules/packs/retail-bank', pack, { recursive: true })
  rmSync(join(pack, 'scenarios'), { recursive: true })
  mkdirSync(join(pack, 'scenarios'))
})

function proffer(words: readonly string[], settings: Record<string, string> = {}) {
  const { NO_COLOR: _no, FORCE_COLOR: _force, ...env } = process.env
  const run = spawnSync(process.execPath, ['engine/main.ts', 'test', ...words], {
    encoding: 'utf8',
    env: { ...env, ...settings },
  })
  return { code: run.status, out: run.stdout, err: run.stderr }
}

/** What is printed, without times. */
const told = (out: string): readonly string[] => out.replace(/[0-9.]+ (ms|s)\b/g, '- $1').split('\n')

test('the shipped pack does what its scenarios say, and they have met each of its guardrails both ways', () => {
  const { code, out, err } = proffer(['rules/packs/retail-bank'])
  expect({ code, err }).toEqual({ code: 0, err: '' })
  const lines = told(out)
  expect(lines[0]).toMatch(/^✓ scenarios\/.*[.]yaml \([0-9]+\) - ms$/)
  expect(lines.slice(-4)).toEqual([
    expect.stringMatching(/^Files {6}[0-9]+ passed \([0-9]+\)$/),
    expect.stringMatching(/^Scenarios {2}[0-9]+ passed \([0-9]+\)$/),
    'Duration   - s (scenarios - s)',
    '',
  ])
  expect(lines.find((line) => line.startsWith('guardrail '))).toMatch(/^guardrail +([0-9]+) +\1 +\1 +0$/)
})

test('a scenario that fails is told where it stands, and at the end once more with why', () => {
  put('a.yaml', right)
  put('b.yaml', wrong)
  const { code, out } = proffer([pack, '--filter', 'yaml'])
  expect(code).toBe(1)
  const lines = told(out)
  expect(lines.slice(0, 5)).toEqual([
    '✓ scenarios/a.yaml (1) - ms',
    '  ✓ a stranger - ms',
    '✗ scenarios/b.yaml (1, 1 failed) - ms',
    '  ✗ a <mix> & "up" - ms',
    '    → line 5: expected erased, came cold_start',
  ])
  expect(lines.slice(6, 14)).toEqual([
    'Failures 1',
    '',
    '✗ a <mix> & "up" (scenarios/b.yaml)',
    '    scenarios/b.yaml:5 reason, after step 1 (request app_offers, 2026-03-02 00:00:00)',
    '      expected  erased',
    '      came      cold_start',
    '      Candidates for app_offers:',
    expect.stringContaining('      - family_bundle: eligibility, not_eligible; maternity_growth_30d '),
  ])
  expect(lines.slice(-4)).toEqual([
    'Files      1 passed, 1 failed (2)',
    'Scenarios  1 passed, 1 failed (2)',
    'Duration   - s (scenarios - s)',
    '',
  ])
})

test('a guardrail that no scenario has met both ways fails the run, unless a filter left scenarios out', () => {
  put('a.yaml', right)
  const { code, out } = proffer([pack])
  expect(code).toBe(1)
  expect(out).toMatch(
    /✗ guardrail no-credit-after-job-loss \(guardrails[.]yaml:[0-9]+\): no scenario in which it stops a candidate, and no scenario in which it knows all/,
  )
  expect(out).toContain('Scenarios  1 passed (1)')
  const filtered = proffer([pack, '--filter', 'STRANGER'])
  expect(filtered.code).toBe(0)
  expect(filtered.out).not.toContain('guardrail')
  expect(proffer([pack, '--filter', 'a.yaml']).code).toBe(0)
})

test('--json gives machines all of it in one line, --junit writes what CI servers read', () => {
  put('a.yaml', right)
  put('b.yaml', wrong)
  const report = join(folder, 'junit.xml')
  const { code, out } = proffer([pack, '--json', '--junit', report])
  expect(code).toBe(1)
  expect(out.trim().split('\n')).toHaveLength(1)
  const data: unknown = JSON.parse(out)
  expect(data).toMatchObject({
    pack: 'retail-bank',
    hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    passed: 1,
    failed: 1,
    stopped: false,
    scenarios: [
      { file: 'scenarios/a.yaml', name: 'a stranger', passed: true, ms: expect.any(Number), failures: [] },
      { passed: false, failures: [{ line: 5, expected: 'erased', came: 'cold_start', why: [] }] },
    ],
    coverage: { judged: true },
  })
  expect(data).toMatchObject({
    coverage: {
      uncovered: expect.arrayContaining([{ guardrail: 'no-credit-without-work', lacks: ['firing', 'non-firing'] }]),
      rules: expect.arrayContaining([
        {
          kind: 'offer',
          id: 'newcomer_start',
          file: 'offers.yaml',
          line: expect.any(Number),
          fired: 2,
          heldBack: 0,
          firedIn: ['a stranger', 'a <mix> & "up"'],
          heldBackIn: [],
        },
      ]),
    },
  })
  const xml = readFileSync(report, 'utf8')
  expect(xml).toMatch(
    /^<\?xml version="1[.]0" encoding="UTF-8"\?>\n<testsuites name="retail-bank" tests="23" failures="22" /,
  )
  expect(xml).toContain('<testcase classname="scenarios/b.yaml" name="a &lt;mix&gt; &amp; &quot;up&quot;" time="')
  expect(xml).toContain('<failure message="line 5: expected erased, came cold_start">')
  expect(xml).toContain('<testcase classname="coverage" name="no-credit-after-job-loss" time="0.000">')
})

test('--bail stops at the first failure, and nothing is said of coverage', () => {
  put('a.yaml', wrong)
  put('b.yaml', right)
  const { code, out } = proffer([pack, '--bail'])
  expect(code).toBe(1)
  expect(out).not.toContain('b.yaml')
  expect(out).not.toContain('guardrail')
  expect(out).toContain('Stopped before the last scenario.')
})

test('--verbose tells each step with the decisions it led to', () => {
  put('a.yaml', right)
  const { out } = proffer([pack, '--verbose', '--filter', 'stranger'])
  expect(told(out).slice(2, 5)).toEqual([
    '    2026-03-02 00:00:00  step 1, line 4: request app_offers of C1',
    '      app_offers: fallback newcomer_start',
    expect.stringContaining('        family_bundle: eligibility, not_eligible; maternity_growth_30d '),
  ])
  expect(out).toContain('      ✓ line 5: reason\n')
})

test('--coverage names the scenarios of each rule', () => {
  put('a.yaml', right)
  const { out } = proffer([pack, '--coverage', '--filter', 'stranger'])
  expect(out).toMatch(
    /\noffer newcomer_start \(offers[.]yaml:[0-9]+\)\n {2}fired {6}1: a stranger\n {2}held back {2}in no scenario\n/,
  )
})

test('a file that is wrong is exit code 2, with file and line', () => {
  put('a.yaml', text.replace('REASON', 'whatever'))
  const { code, out, err } = proffer([pack])
  expect(code).toBe(2)
  expect(out).toContain('scenarios/a.yaml:5 step 2 value_invalid: ')
  expect(err).toContain('refused')
  expect(JSON.parse(proffer([pack, '--json']).out)).toMatchObject({
    refused: 'scenarios',
    problems: [{ file: 'scenarios/a.yaml', line: 5 }],
  })
})

test('a filter that meets nothing is a wrong call', () => {
  put('a.yaml', right)
  const { code, err } = proffer([pack, '--filter', 'friend'])
  expect(code).toBe(2)
  expect(err).toContain('None of the 1 scenarios')
})

test('a pack that is refused is not played', () => {
  const { code, out } = proffer([folder])
  expect(code).toBe(2)
  expect(out).toContain('file_missing')
})

test('colours are for terminals alone', () => {
  put('a.yaml', wrong)
  expect(proffer([pack]).out).not.toContain('\u001b')
  expect(proffer([pack], { FORCE_COLOR: '1' }).out).toContain('\u001b[31m')
})
