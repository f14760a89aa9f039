/** The demo as people and machines start it, in processes of its own. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../../../bench/demo/main.ts', import.meta.url))
/** The demo makes its directory below this one. */
const temporary = mkdtempSync(join(tmpdir(), 'proffer-demo-test-'))

afterAll(() => rmSync(temporary, { recursive: true, force: true }))

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

function demo(args: readonly string[], interruptAt?: RegExp): Promise<Ended> {
  const child = spawn(process.execPath, [main, ...args], { env: { ...process.env, TMPDIR: temporary } })
  let [stdout, stderr, interrupted] = ['', '', false]
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk)
    if (interruptAt?.test(stdout) === true && !interrupted) {
      interrupted = true
      child.kill('SIGINT')
    }
  })
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk)
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })))
}

function reportOf({ stdout }: Ended): Record<string, unknown> {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')
}

/** What has to be the same for the same seed. */
function decided({
  received,
  accepted,
  duplicates,
  deadLettered,
  decisions,
  byOffer,
  stoppedBy,
  decisionsHash,
}: Record<string, unknown>) {
  return { received, accepted, duplicates, deadLettered, decisions, byOffer, stoppedBy, decisionsHash }
}

test('the same seed gives the same decisions at any pace, and every story ends as told', async () => {
  const args = ['--events', '2000', '--seed', '7', '--no-history', '--json']
  const [first, second] = await Promise.all([demo([...args, '--seconds', '1']), demo([...args, '--seconds', '5'])])
  expect(first.code).toBe(0)
  expect(second.code).toBe(0)
  const report = reportOf(first)
  expect(decided(reportOf(second))).toEqual(decided(report))
  expect(report).toMatchObject({
    received: 2000,
    ok: true,
    deadLettered: 10,
    packHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })
  expect(report).toMatchObject({
    latencyMs: { p50: expect.any(Number), p99: expect.any(Number), p999: expect.any(Number), max: expect.any(Number) },
  })
  expect(first.stderr).toContain('15 of 15 stories ended as told')
  // Nobody looks at a terminal: no control codes, nothing but JSON on stdout, and nothing left behind.
  expect(first.stderr).not.toContain('\u001b')
  expect(first.stdout.trimEnd().split('\n')).toHaveLength(1)
  expect(readdirSync(temporary)).toEqual([])
}, 60_000)

test('an interrupt ends the demo at once and leaves nothing behind', async () => {
  const ended = await demo(['--events', '500', '--seconds', '60', '--no-history'], /24 hours in 60 seconds/)
  expect(ended.code).toBe(130)
  expect(ended.stdout).toContain('Stopped')
  expect(readdirSync(temporary)).toEqual([])
}, 30_000)

test('wrong options are told in a sentence with exit code 2', async () => {
  const { code, stderr, stdout } = await demo(['--events', 'many'])
  expect(code).toBe(2)
  expect(stderr).toMatch(/^error: .*'--events <n>'.* a whole number from 1 to 2000000/)
  expect(stdout).toBe('')
}, 30_000)
