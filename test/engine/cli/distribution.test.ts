/** `proffer report distribution` on an engine that runs: a pack that declares fairness, requests, and the report of them. */
import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { runEngine } from '../running-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'proffer-report-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function report(dataDir: string, ...words: readonly string[]) {
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    const child = spawn(process.execPath, ['engine/main.ts', 'report', 'distribution', ...words], {
      env: { ...process.env, DATA_DIR: dataDir },
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

test('who asked and got no offer is counted, by reason and by group', { timeout: 120_000 }, async () => {
  const pack = join(folder, 'pack')
  cpSync('rules/packs/retail-bank', pack, { recursive: true })
  const text = readFileSync(join(pack, 'pack.yaml'), 'utf8')
  writeFileSync(join(pack, 'pack.yaml'), `${text}\nfairness: { attributes: [riskGrade] }\n`)
  const dataDir = join(folder, 'data')
  const running = await runEngine({ dataDir, history: true, settings: { PACK: pack } })
  try {
    for (const customerId of ['A-1', 'A-2', 'A-1']) {
      const { status } = await running.call('POST', '/v1/decisions', { customerId, placement: 'app_offers' })
      expect(status).toBe(200)
    }
    const rows = async () => {
      const { code, out, err } = await report(dataDir, '--days', '2', '--by', 'profile.riskGrade', '--json')
      expect([code, err]).toEqual([0, ''])
      return out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    }
    let tables = await rows()
    for (let tries = 0; tries < 20 && tables[1].rows[0]?.requests !== 3; tries++) {
      await setTimeout(500)
      tables = await rows()
    }
    const [made, without, counted, groups, gini] = tables
    expect(made.rows).toEqual([])
    expect(without.rows).toEqual([{ mostly: 'cold_start', customers: 2, requests: 3 }])
    expect(counted.rows).toMatchObject([{ customers_counted: 2, customers: 2, decisions_counted: 3, decisions: 3 }])
    // Nothing is known of either, so they are the group of those unknown: no rule of the placement had to read it.
    expect(groups.rows).toMatchObject([{ value: 'unknown', customers: 2, offers: 0 }])
    expect(gini.rows).toMatchObject([{ groups: 1, gini: 0 }])
    const printed = await report(dataDir, '--days', '2')
    expect(printed.out).toContain('Offers made, last 2 days')
    const refused = await report(dataDir, '--by', "profile.x') --")
    expect([refused.code, refused.out]).toEqual([2, ''])
  } finally {
    await running.stop()
  }
})
