/** Imports and commands that name customers by their aliases, as an operator runs them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, expect, test } from 'vitest'
import { runEngine } from './running-engine.ts'

const folder = mkdtempSync(join(tmpdir(), 'proffer-cli-identity-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const mapping = (name: string, customerId: string, cases: string) => `
name: ${name}
input: { format: csv }
zone: UTC
event: { id: "${name}-{id}", source: core-banking, customerId: "${customerId}" }
time: { column: at, format: epoch_ms }
cases:
${cases}
`
const links = mapping(
  'links',
  '{customer}',
  '  - type: identity.linked\n    data: { alias: { template: "@device:{device}" } }',
)
const views = mapping(
  'views',
  '@device:{device}',
  '  - type: page.viewed\n    data: { page: { constant: fx/rates }, pageGroup: { constant: fx }, dwellMs: { constant: 900 } }',
)

function write(name: string, content: string): string {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}

/** Not at once: the engine that is asked may run in this very process. */
async function proffer(dataDir: string, ...words: readonly string[]) {
  const env = { ...process.env, CACHE_MB: '32', SHARD_MODE: 'inline', DATA_DIR: dataDir }
  const child = spawn(process.execPath, ['engine/main.ts', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
  return { code, out, err }
}

/** 1,200 devices of 600 customers, one page view each, and three views of devices that nobody has. */
function writeFiles(): { readonly linkFile: string; readonly viewFile: string } {
  const at = Date.now() - 60_000
  const devices = Array.from({ length: 1_200 }, (_, i) => i)
  const linkRows = devices.map((i) => `${i},${at},C${i % 600},d${i}`)
  const viewRows = [...devices, 5_000, 5_001, 5_002].map((i) => `${i},${at + i},d${i}`)
  return {
    linkFile: write('links.csv', `id,at,customer,device\n${linkRows.join('\n')}\n`),
    viewFile: write('views.csv', `id,at,device\n${viewRows.join('\n')}\n`),
  }
}

test.each([
  ['an engine of its own', false],
  ['the engine that runs', true],
])('an import into %s links aliases and resolves them', { timeout: 120_000 }, async (_, isRunning) => {
  const { linkFile, viewFile } = writeFiles()
  const dataDir = mkdtempSync(join(folder, 'data-'))
  const engine = isRunning ? await runEngine({ dataDir }) : null
  try {
    const linked = await proffer(dataDir, 'import', linkFile, '--mapping', write('links.yaml', links), '--json')
    expect(JSON.parse(linked.out)).toMatchObject({ rows: 1_200, accepted: 1_200 })
    const viewed = await proffer(dataDir, 'import', viewFile, '--mapping', write('views.yaml', views), '--json')
    expect(JSON.parse(viewed.out)).toMatchObject({
      rows: 1_203,
      accepted: 1_200,
      rejected: 3,
      rejectedBy: { customer_unknown: 3 },
    })
    const rejected = readFileSync(join(dataDir, 'import', 'views.rejected.jsonl'), 'utf8')
    expect(rejected.match(/"reason":"customer_unknown"/g)).toHaveLength(3)

    const view = engine
      ? (await engine.call('GET', '/v1/customers/%40device%3Ad7')).body
      : JSON.parse((await proffer(dataDir, 'inspect', '@device:d7', '--json')).out)
    const { customerId, variables } = Object(view)
    expect(customerId).toBe('C7')
    expect(variables.find((one: { name: string }) => one.name === 'fx_views_24h').value).toContain('2')
    if (engine === null) return
    const nobody = await proffer(dataDir, 'inspect', '@device:d5000')
    expect([nobody.code, nobody.err]).toEqual([1, expect.stringContaining('The alias is linked to no customer')])
  } finally {
    await engine?.stop()
  }
})
