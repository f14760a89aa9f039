/**
 * The step touches no clock, no randomness and no I/O. Walks everything the two entry files import at run time and
 * looks at the text of each file, and at which packages and built-in modules they name.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const entries = ['engine/step/step-event.ts', 'engine/step/step-request.ts', 'engine/step/step-timer.ts']
/** What a file of the step may import besides our own files, and who may. */
const allowedModules: Readonly<Record<string, readonly string[]>> = {
  'engine/step/salted-hash.ts': ['node:crypto'],
  'engine/state/record.ts': ['node:assert/strict'],
  'engine/step/step-request.ts': ['node:assert/strict'],
  // Offsets of time zones: a function of instant and zone. What tells the time it does not touch, see below.
  'engine/state/local-clock.ts': ['temporal-polyfill'],
  // Hours and days of a calendar: a function of instant, zone and window.
  'rules/effective.ts': ['temporal-polyfill'],
}
/** What may be said of `Temporal`: it reckons with instants and times it is given. All else, `Temporal.Now` first, is forbidden there too. */
const givenTimesOnly: Readonly<Record<string, RegExp>> = {
  'engine/state/local-clock.ts': /\bTemporal\.Instant\.fromEpochMilliseconds\b/g,
  'rules/effective.ts': /\bTemporal\.(?:Instant\.fromEpochMilliseconds|PlainTime\.from)\b|: Temporal\.PlainDate\b/g,
}
const forbidden =
  /\bDate\b|\bMath\.random\b|\bperformance\b|\bprocess\b|\bsetTimeout\b|\bsetInterval\b|\bsetImmediate\b|\bqueueMicrotask\b|\bfetch\(|\bconsole\b|\bglobalThis\b|\brequire\(|\bimport\(|\bcrypto\.|\brandom\w*\(|\bawait\b|\bTemporal\b|\bIntl\b/

test('the step and all it imports touch no clock, no randomness and no I/O', () => {
  const files = runtimeImports(entries)
  expect(files.size).toBeGreaterThan(15)
  for (const [file, text] of files) {
    expect(`${file}: ${impurityOf(file, text)}`).toBe(`${file}: undefined`)
  }
})

test('the step imports no package, and of the built-in modules only the hash and the assertion', () => {
  for (const [file, text] of runtimeImports(entries)) {
    const modules = specifiersOf(text).filter((name) => !name.startsWith('.'))
    expect({ file, modules }).toEqual({ file, modules: allowedModules[file] ?? [] })
  }
})

test('of the hash module the step takes the hash alone', () => {
  expect(readFileSync('engine/step/salted-hash.ts', 'utf8')).toContain("import { hash } from 'node:crypto'")
})

test('the proof would see a clock behind a chain of imports', () => {
  expect(forbidden.test(codeOf('const at = Date.now()'))).toBe(true)
  expect(forbidden.test(codeOf('// Date.now() in a comment'))).toBe(false)
  expect(impurityOf('rules/effective.ts', 'const at = Temporal.Now.instant()')).toBe('Temporal')
  expect(impurityOf('rules/effective.ts', 'Temporal.Instant.fromEpochMilliseconds(at)')).toBeUndefined()
  expect(impurityOf('rules/schedule.ts', 'Temporal.Instant.fromEpochMilliseconds(at)')).toBe('Temporal')
  expect(runtimeImports(['engine/step/step-context.ts']).has('engine/step/funnel/final-gate.ts')).toBe(false)
  expect(runtimeImports(entries).has('engine/step/funnel/final-gate.ts')).toBe(true)
})

/** The first word of a file that the step may not say; undefined: none. */
function impurityOf(file: string, text: string): string | undefined {
  const code = codeOf(text).replace(/^import .*$/gm, '')
  const allowed = givenTimesOnly[file]
  return forbidden.exec(allowed === undefined ? code : code.replace(allowed, ''))?.[0]
}

function runtimeImports(roots: readonly string[]): ReadonlyMap<string, string> {
  const seen = new Map<string, string>()
  const open = [...roots]
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (seen.has(file)) continue
    expect(existsSync(file)).toBe(true)
    const text = readFileSync(file, 'utf8')
    seen.set(file, text)
    for (const name of specifiersOf(text)) if (name.startsWith('.')) open.push(join(dirname(file), name))
  }
  return seen
}

/** Modules imported at run time; `import type` is gone by then. */
function specifiersOf(text: string): readonly string[] {
  return [...text.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^'"]*?\bfrom\s+)?['"]([^'"]+)['"]/gms)].map(
    (match) => match[1] ?? '',
  )
}

function codeOf(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '')
}
