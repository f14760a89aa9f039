/** Packs of any size are checked in time, or refused by a limit that is told; a check can be stopped at once. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { grownPack } from '../../../bench/check/grown-pack.ts'
import { certify } from '../../../engine/proof/certify.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { loadPackFiles } from '../../../rules/load-pack.ts'
import { formatProblems } from '../../../rules/pack-problem.ts'

/** What a check of so many rules costs, milliseconds of this process. */
function checked(size: number): { readonly ms: number; readonly rules: number } {
  const { files, rules } = grownPack(size)
  const started = process.cpuUsage()
  const result = loadPackFiles(files)
  expect(result.kind === 'refused' ? formatProblems(result.problems) : '').toBe('')
  if (result.kind !== 'ok') return { ms: 0, rules }
  expect(certify(compilePack(result.pack)).certificate).toMatchObject({ verdict: 'proven', complete: true })
  const { user, system } = process.cpuUsage(started)
  return { ms: (user + system) / 1_000, rules }
}

test('a pack of 2,500 rules is checked and proven in seconds, and a rule costs no more than in a small one', {
  timeout: 180_000,
}, () => {
  checked(250)
  const small = checked(250)
  const large = checked(2_500)
  expect(large.rules).toBeGreaterThan(2_400)
  expect(large.ms).toBeLessThan(20_000)
  // Quadratic would be nine times as much.
  expect(large.ms / large.rules / (small.ms / small.rules)).toBeLessThan(4)
})

test('a pack of 10,000 rules is refused by a limit that is told', { timeout: 180_000 }, () => {
  const { files, rules } = grownPack(10_000)
  expect(rules).toBeGreaterThan(9_500)
  const result = loadPackFiles(files)
  expect(result).toMatchObject({ kind: 'refused' })
  const told = result.kind === 'refused' ? formatProblems(result.problems) : ''
  expect(told).toContain('"features" is not right: at most 2000 entries are allowed, split it or drop some.')
})

test('Ctrl-C ends a check at once', { timeout: 120_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'proffer-grown-'))
  try {
    for (const [name, text] of Object.entries(grownPack(2_500).files)) await writeFile(join(folder, name), text)
    const child = spawn(process.execPath, ['engine/main.ts', 'check', folder])
    await once(child, 'spawn')
    await setTimeout(2_500)
    expect(child.exitCode).toBeNull()
    const stopped = performance.now()
    child.kill('SIGINT')
    const [code, signal] = await once(child, 'exit')
    expect([code, signal]).toEqual([null, 'SIGINT'])
    expect(performance.now() - stopped).toBeLessThan(1_500)
  } finally {
    await rm(folder, { recursive: true })
  }
})
