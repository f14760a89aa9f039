/** The commands of governance, each with the key of who speaks. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { showAudit, verifyAudit } from '../../../engine/cli/audit.ts'
import { type Client, createClient } from '../../../engine/cli/client.ts'
import { createKey, listKeys, revokeKey } from '../../../engine/cli/keys.ts'
import { readPackArgument } from '../../../engine/cli/pack-argument.ts'
import { createProgram } from '../../../engine/cli/program.ts'
import { diffVersions, moveVersion, packStatus, proposeVersion, showVersion } from '../../../engine/cli/versions.ts'
import { readConfig } from '../../../engine/config.ts'
import { packFilesOf } from '../../../rules/pack-texts.ts'
import { smallPack, writePack } from '../control/small-pack.ts'
import { type RunningEngine, runEngine } from '../running-engine.ts'

let dir: string
let engine: RunningEngine
let owner: Client
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-cli-'))
  await writePack(join(dir, 'pack'), smallPack())
  engine = await runEngine({ dataDir: join(dir, 'data'), settings: { PACK: join(dir, 'pack') } })
  owner = createClient(engine.url, engine.engine.key)
})
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true })
})

/** What a command prints, and its exit code. */
async function said(command: () => Promise<number>): Promise<{ code: number; text: string }> {
  let text = ''
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += String(chunk)
    return true
  })
  const err = vi.spyOn(process.stderr, 'write').mockImplementation(() => true)
  try {
    return { code: await command(), text }
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
}

async function clientOf(name: string, role: string): Promise<Client> {
  const made = await said(() => createKey(owner, { name, roles: [role], why: undefined }, false))
  expect(made.text).toMatch(/^pk_[A-Za-z0-9_-]{43}\n$/)
  return createClient(engine.url, made.text.trim())
}

test('a change of policy goes from an edit to a roll-back on the command line', async () => {
  const [anna, bob] = [await clientOf('anna', 'author'), await clientOf('bob', 'approver')]
  const folder = join(dir, 'spring')
  expect((await said(() => showVersion(anna, 1, folder, false))).code).toBe(0)
  expect(await packFilesOf(folder, [])).toEqual(smallPack())
  await writePack(folder, smallPack({ priority: 20 }))
  const proposed = await said(() => proposeVersion(anna, folder, 'spring campaign', false))
  expect(proposed).toMatchObject({ code: 0, text: expect.stringContaining('priority: 10 -> 20') })
  expect((await said(() => moveVersion(anna, '2/approve', 'mine', false))).code).toBe(1)
  expect((await said(() => diffVersions(bob, 1, 2, false))).text).toContain('~ offer deposit')
  expect((await said(() => moveVersion(bob, '2/approve', 'as agreed', false))).code).toBe(0)
  expect((await said(() => moveVersion(bob, '2/activate', 'spring', false))).text).toContain('version 2: in_force')
  const status = await said(() => packStatus(bob, false))
  expect(status).toEqual({ code: 0, text: expect.stringMatching(/^version 2 [\s\S]* this version /) })
  const { hash } = z.looseObject({ hash: z.string() }).parse((await bob.get('/v1/versions/2')).body)
  expect(await readPackArgument(bob, '2')).toEqual({ version: hash })
  expect((await said(() => moveVersion(bob, 'rollback', 'complaints', false))).text).toContain('version 1: in_force')
  const audit = (await said(() => showAudit(bob, { limit: 20 }, false))).text
  expect(audit).toMatch(/version 1 \(roll-back\) +done +complaints/)
  expect(audit).toMatch(/anna +call_refused +POST \/v1\/versions\/:number\/approve +refused: role_missing/)
  expect((await said(() => verifyAudit(bob, false))).code).toBe(0)
  await said(() => revokeKey(owner, 'anna', 'left', false))
  expect((await said(() => listKeys(owner, false))).text).not.toContain('anna')
  expect((await said(() => showVersion(anna, 1, undefined, false))).code).toBe(1)
})

test.each([
  ['a shard that runs another version', { shards: [{ node: 'a', shard: 0, packHash: 'other', since: 1 }] }],
  ['a node that does not answer', { silent: ['b:8080'] }],
  ['a node that cannot take it up', { failing: [{ node: 'b', reason: 'store_failed', message: 'x', since: 1 }] }],
])('the status is not good while there is %s', async (_, odd) => {
  const running = { packHash: 'p', shards: [{ node: 'a', shard: 0, packHash: 'p', since: 1 }], silent: [], failing: [] }
  const telling = (body: object): Client => ({
    get: async () => ({ status: 200, body }),
    post: async () => ({ status: 500, body: null }),
  })
  expect((await said(() => packStatus(telling(running), true))).code).toBe(0)
  expect((await said(() => packStatus(telling({ ...running, ...odd }), true))).code).toBe(1)
  expect((await said(() => packStatus(telling({ ...running, ...odd }), false))).code).toBe(1)
})

test('a version that nobody proposed is no pack', async () => {
  expect((await said(async () => ((await readPackArgument(owner, '99')) === null ? 1 : 0))).code).toBe(1)
})

test('a command of sources prints JSON when that is asked for, as the list does', async () => {
  const read = readConfig({ ENGINE_URL: engine.url, PROFFER_KEY: engine.engine.key })
  if (read.kind === 'refused') throw new Error(read.problems.join())
  const { config } = read
  for (const call of [
    ['sources', '--json'],
    ['sources', 'revoke', 'core-banking', '--why', 'breach', '--json'],
  ]) {
    let code = -1
    const program = createProgram({
      version: '0',
      run: async (action) => {
        code = await action(config)
      },
    })
    const { text } = await said(async () => {
      await program.parseAsync(call, { from: 'user' })
      return code
    })
    expect(code).toBe(0)
    expect(JSON.parse(text)).toHaveProperty('sources')
  }
})

test('a pack that is refused is told why, and is no version', async () => {
  const folder = join(dir, 'broken')
  await writePack(folder, { ...smallPack(), 'offers.yaml': 'offers: []\n' })
  const proposed = await said(() => proposeVersion(owner, folder, 'x', false))
  expect(proposed).toMatchObject({ code: 1, text: expect.stringContaining('offers.yaml:') })
})

test('an activation that failed is told as failed, and its reason stays on its line', async () => {
  const record = {
    number: 4,
    at: '2026-11-27T03:22:13.622Z',
    who: 'start',
    action: 'activation_failed',
    subject: { version: 3 },
    why: 'The node ended.\n5  bob  approved',
    reason: null,
  }
  const client: Client = { ...owner, get: async () => ({ status: 200, body: { records: [record] } }) }
  const { text } = await said(() => showAudit(client, { limit: 20 }, false))
  expect(text.trimEnd().split('\n')).toHaveLength(3)
  expect(text).toMatch(/activation_failed +version 3 +failed +The node ended/)
})
