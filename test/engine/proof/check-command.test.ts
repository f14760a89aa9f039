/** `proffer check` as a compliance officer meets it: the proof, a counterexample, and what is kept of a pack in force. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { certificateSchema } from '../../../engine/proof/certificate.ts'
import { runEngine } from '../running-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'proffer-check-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Beside this process, which may serve meanwhile. */
function check(words: readonly string[], settings: Readonly<Record<string, string>> = {}) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = spawn(process.execPath, ['engine/main.ts', 'check', ...words], {
      env: { ...process.env, ...settings },
    })
    let out = ''
    let err = ''
    child.stdout.on('data', (chunk: Buffer) => {
      out += chunk
    })
    child.stderr.on('data', (chunk: Buffer) => {
      err += chunk
    })
    child.on('exit', (code) => resolve({ code, out, err }))
  })
}

test('what was proven is told, written to a file, and shown again from the store', { timeout: 60_000 }, async () => {
  const file = join(folder, 'certificate.json')
  const { code, out } = await check(['rules/packs/retail-bank', '--certificate', file])
  expect(code).toBe(0)
  expect(out).toMatch(/Nothing forbidden can leave: [\d,]+ cases were looked at, in [\d,]+ of them something forbids/)
  expect(out).toContain('The proof is complete')
  const certificate = certificateSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  expect(out).toContain(certificate.hash)
  const asJson = JSON.parse((await check(['rules/packs/retail-bank', '--json'])).out)
  expect(asJson).toMatchObject({ kind: 'ok', certificate, counterexamples: [] })

  const dataDir = join(folder, 'running')
  const running = await runEngine({ dataDir })
  try {
    const { hash } = certificate.pack
    const stored = await check(['--stored', hash], { DATA_DIR: dataDir })
    expect([stored.code, stored.err]).toEqual([0, ''])
    expect(stored.out).toContain(certificate.hash)
    expect(stored.out).toMatch(/beauty_loan: .*student \(compliance may open\)/)
    const other = await check(['--stored', 'f'.repeat(64)], { DATA_DIR: dataDir })
    expect([other.code, other.out]).toEqual([1, ''])
    expect(other.err).toContain('never in force here')
    expect((await running.call('GET', `/v1/packs/${hash}/certificate`)).body).toEqual(certificate)
    expect((await running.call('GET', '/v1/packs/none/certificate')).status).toBe(400)
  } finally {
    await running.stop()
  }
})

test('a counterexample is told as a customer, and the exit code is that of a refusal', async () => {
  const pack = join(folder, 'leaking')
  cpSync('rules/packs/retail-bank', pack, { recursive: true })
  const text = readFileSync(join(pack, 'pack.yaml'), 'utf8')
  writeFileSync(join(pack, 'pack.yaml'), text.replace('- id: savings\n    guardedBy: [', '$&open_dispute, '))
  const { code, out, err } = await check([pack])
  expect(code).toBe(1)
  expect(out).toContain('! wealth_r1_deposit, marketing of the category savings, leaves although it must not')
  expect(out).toMatch(
    /Customer: profile\.totalAssets 100,000\.00 CNY;.* suppression running: no-marketing-while-a-dispute-is-open\./,
  )
  expect(err).toContain('not proven')
  const [finding] = JSON.parse((await check([pack, '--json'])).out).findings
  expect(finding).toMatchObject({ file: 'offers.yaml', rule: 'wealth_r1_deposit', code: 'forbidden_leaves' })
})

test('findings say how sure the check is, the end which checks are complete, --checks what each finds', async () => {
  const pack = join(folder, 'shadowed')
  cpSync('rules/packs/retail-bank', pack, { recursive: true })
  const text = readFileSync(join(pack, 'offers.yaml'), 'utf8')
  writeFileSync(join(pack, 'offers.yaml'), text.replace('eligible: fx_views_24h >= 3', '$& && fx_views_24h < 2'))
  const { code, out } = await check([pack])
  expect(code).toBe(1)
  expect(out).toContain('[fx_views_24h >= 3; fx_views_24h < 2]')
  expect(out).toMatch(/^complete, no such mistake is missed: .*\n.*\nbest effort, .*: condition_never_true, /m)
  const [problem] = JSON.parse((await check([pack, '--json'])).out).problems
  expect(problem).toMatchObject({
    file: 'offers.yaml',
    rule: 'fx_wallet',
    code: 'condition_never_true',
    certainty: 'best_effort',
    counterexample: 'fx_views_24h >= 3; fx_views_24h < 2',
  })
  const listed = await check(['--checks'])
  expect([listed.code, listed.err]).toEqual([0, ''])
  expect(listed.out).toContain('guardrail_bypass (complete): ')
  expect(listed.out).toMatch(/condition_never_true \(best effort\): .* Complete for conjunctions of comparisons/)
  expect(JSON.parse((await check(['--checks', '--json'])).out).checks[0]).toEqual({
    code: 'pack_missing',
    certainty: 'complete',
    finds: 'a folder that is not there',
  })
})

test('a pack or a version, not both and not neither', async () => {
  expect((await check([])).code).toBe(2)
  expect((await check(['rules/packs/retail-bank', '--stored', 'f'.repeat(64)])).code).toBe(2)
})
