/**
 * The habits that the linter cannot check: lengths, names, a contract in every folder, claims as test names, one file for
 * the clock, the environment and the HTTP server.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => file !== '' && existsSync(file))
const sources = files.filter((file) => file.endsWith('.ts'))
const product = sources.filter((file) => /^(ingest|rules|sinks|engine)\//.test(file))
const text = (file: string) => readFileSync(file, 'utf8')

test('no source file is longer than 400 lines', () => {
  const long = sources.filter((file) => text(file).split('\n').length > 401)
  expect(long).toEqual([])
})

test('no file hides behind an empty name', () => {
  const names = ['utils', 'helpers', 'common', 'types', 'index', 'manager', 'misc']
  expect(sources.filter((file) => names.includes(basename(file, '.ts')))).toEqual([])
})

test('every folder of the product has a contract page', () => {
  const folders = new Set(product.map(dirname))
  // A folder three levels down belongs to the page of its parent.
  const pageOf = (folder: string) => join(folder.split('/').slice(0, 2).join('/'), 'README.md')
  expect([...folders].filter((folder) => !existsSync(pageOf(folder)))).toEqual([])
})

test('product code uses no any, no unchecked casts, no left-over markers', () => {
  const found: string[] = []
  for (const file of sources.filter((name) => name !== 'test/tidy.test.ts')) {
    text(file)
      .split('\n')
      .forEach((line, i) => {
        const code = line.replace(/^\s*(\/?\*|\/\/).*$/, '').replace(/'[^']*'|`[^`]*`|"[^"]*"/g, "''")
        const cast = / as (?!const\b)[A-Za-z{(]/.test(code) && !/^\s*(import|export)\b|^\s*\w+ as \w+,?$/.test(code)
        if (cast || /: any\b|<any>/.test(code)) found.push(`${file}:${i + 1} ${line.trim()}`)
        if (product.includes(file) && /\b(TODO|FIXME|XXX)\b/.test(line)) found.push(`${file}:${i + 1} ${line.trim()}`)
      })
  }
  expect(found).toEqual([])
})

test('every relative link of the documentation leads somewhere', () => {
  const broken: string[] = []
  for (const file of files.filter((name) => name.endsWith('.md'))) {
    for (const [, target] of text(file).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)/g)) {
      if (target !== undefined && !existsSync(join(dirname(file), target))) broken.push(`${file}: ${target}`)
    }
  }
  expect(broken).toEqual([])
})

test('the environment is read in one file', () => {
  const readers = product.filter((file) => /process\.env\b/.test(text(file)))
  expect(readers).toEqual(['engine/config.ts'])
})

test('uWebSockets.js is imported in one file', () => {
  const users = product.filter((file) => /from 'uWebSockets\.js'/.test(text(file)))
  expect(users).toEqual(['engine/api/server.ts'])
})

test('below the engine nothing reads the clock or draws a random number', () => {
  const pattern = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(/
  const users = product.filter((file) => /^(rules)\//.test(file) && pattern.test(text(file)))
  expect(users).toEqual([])
})

test('test names are claims, not numbers or tickets', () => {
  const bad: string[] = []
  for (const file of sources.filter((name) => name.endsWith('.test.ts'))) {
    for (const [, name] of text(file).matchAll(/\b(?:test|it)\(\s*['`]([^'`]+)['`]/g)) {
      if (
        name !== undefined &&
        !name.includes('${') &&
        (name.split(' ').length < 3 || /^(should|works|case \d)\b/i.test(name))
      )
        bad.push(`${file}: ${name}`)
    }
  }
  expect(bad).toEqual([])
})
