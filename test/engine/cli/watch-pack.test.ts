/** `proffer test --watch` as an author meets it: a real process, files saved as editors save them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

const text = 'name: NAME\nstart: 2026-03-02\nsteps:\n  - { request: app_offers }\n  - expect: { reason: REASON }\n'
const scenario = (name: string, reason: string): string => text.replace('NAME', name).replace('REASON', reason)
const waits = 'Waiting for changes. Ctrl-C ends it.'

let folder = ''
let child: ChildProcess
let out = ''
let seen = 0
let ended: Promise<number | null>

/** What was printed since the last time, once it holds a text, and behind it another one. */
async function until(wanted: string, behind = ''): Promise<string> {
  const deadline = Date.now() + 25_000
  for (;;) {
    const fresh = out.slice(seen)
    if (fresh.includes(wanted) && fresh.slice(fresh.indexOf(wanted)).includes(behind)) {
      seen = out.length
      return fresh
    }
    if (Date.now() > deadline) throw new Error(`"${wanted}" did not come, but: ${fresh}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const put = (name: string, content: string): void => writeFileSync(join(folder, name), content)
/** Many editors write another file and rename it into place. */
function replace(name: string, content: string): void {
  put(`${name}.swp`, content)
  renameSync(join(folder, `${name}.swp`), join(folder, name))
}
const edit = (name: string, from: string, to: string): void => {
  const before = readFileSync(join(folder, name), 'utf8')
  expect(before).toContain(from)
  replace(name, before.replace(from, to))
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'proffer-watch-'))
  cpSync('rules/packs/retail-bank', folder, { recursive: true })
  rmSync(join(folder, 'scenarios'), { recursive: true })
  mkdirSync(join(folder, 'scenarios'))
  put('scenarios/a.yaml', scenario('first', 'cold_start'))
  put('scenarios/b.yaml', scenario('second', 'cold_start'))
  out = ''
  seen = 0
  child = spawn(process.execPath, ['engine/main.ts', 'test', folder, '--watch'], {
    env: { ...process.env, NO_COLOR: '1' },
  })
  const take = (chunk: Buffer): void => {
    out += chunk
  }
  child.stdout?.on('data', take)
  child.stderr?.on('data', take)
  ended = new Promise((resolve) => child.on('exit', resolve))
})
afterEach(async () => {
  child.kill('SIGKILL')
  await ended
  rmSync(folder, { recursive: true, force: true })
})

test('a changed scenario file is played alone, a changed pack file plays all, and the counts are of all', async () => {
  expect(await until(waits)).toContain('Scenarios  2 passed (2)')

  replace('scenarios/b.yaml', scenario('second', 'erased'))
  const one = await until(waits)
  expect(one).toContain('✗ second')
  expect(one).not.toContain('a.yaml')
  expect(one).toContain('Scenarios  1 passed, 1 failed (2)')

  edit('guardrails.yaml', 'for: 30d', 'for: 31d')
  const all = await until(waits)
  expect(all).toContain('scenarios/a.yaml')
  expect(all).toContain('scenarios/b.yaml')
}, 60_000)

test('mistakes in the pack and in scenarios are told, and it goes on when they are mended', async () => {
  await until(waits)
  edit('offers.yaml', 'category: family\n', 'category: familiar\n')
  expect(await until(waits)).toContain('The pack is refused')
  edit('offers.yaml', 'category: familiar\n', 'category: family\n')
  expect(await until(waits)).toContain('Scenarios  2 passed (2)')

  put('scenarios/b.yaml', scenario('second', 'whatever'))
  expect(await until(waits)).toContain('scenarios/b.yaml:5 step 2 value_invalid')
  rmSync(join(folder, 'scenarios/b.yaml'))
  expect(await until(waits)).toContain('Scenarios  1 passed (1)')
}, 60_000)

test('a folder of scenarios that is exchanged as a whole is still watched', async () => {
  await until(waits)
  const scenarios = join(folder, 'scenarios')
  cpSync(scenarios, join(folder, 'other'), { recursive: true })
  renameSync(scenarios, join(folder, 'old'))
  renameSync(join(folder, 'other'), scenarios)
  put('scenarios/c.yaml', scenario('third', 'cold_start'))
  expect(await until('Scenarios  3 passed (3)', waits)).not.toContain('a.yaml')
  put('scenarios/c.yaml', scenario('third', 'erased'))
  expect(await until(waits)).toContain('✗ third')
}, 60_000)

test('Ctrl-C ends it with exit code 0', async () => {
  await until(waits)
  child.kill('SIGINT')
  expect(await ended).toBe(0)
}, 60_000)
