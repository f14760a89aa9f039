/** What the list says of putting a version in force is what an attempt comes to, over the API and on the command line. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Client, createClient } from '../../../engine/cli/client.ts'
import { listVersions, moveVersion } from '../../../engine/cli/versions.ts'
import { activatingMaxMs, emptyControl, type Version } from '../../../engine/control/control-state.ts'
import { outlookOf } from '../../../engine/control/judge-activation.ts'
import { type Answer, type RunningEngine, runEngine } from '../running-engine.ts'
import { smallPack, writePack } from './small-pack.ts'

let dir: string
let engine: RunningEngine
let bob: Client
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-outlook-'))
  await writePack(join(dir, 'pack'), smallPack())
  engine = await runEngine({ dataDir: join(dir, 'data'), settings: { PACK: join(dir, 'pack') } })
  const { body } = await engine.call('POST', '/v1/keys', { name: 'bob', roles: ['approver', 'operator'] })
  bob = createClient(engine.url, String(Object(body).key))
})
afterAll(async () => {
  await engine.stop()
  await rm(dir, { recursive: true })
})

/** The owner proposes, who approves nothing of their own. */
async function propose(priority: number): Promise<number> {
  const { body } = await engine.call('POST', '/v1/versions', { files: smallPack({ priority }), why: 'a test' })
  return Number(Object(body).version)
}
const say = async (path: string) => {
  const reply = await bob.post(`/v1/versions/${path}`, { why: 'a test' })
  expect(reply.status).toBe(200)
}
const attempt = (number: number): Promise<Answer> =>
  engine.call('POST', `/v1/versions/${number}/activate`, { why: 'a test' })

/** What the list says of a version. */
async function listed(number: number): Promise<{ possible: boolean; first: string | null; message: string | null }> {
  const { versions } = Object((await engine.call('GET', '/v1/versions')).body)
  return versions.find(({ version }: { version: number }) => version === number).activate
}

/** What a command prints, on both streams. */
async function printed(command: () => Promise<number>): Promise<string> {
  let text = ''
  const keep = (chunk: string | Uint8Array): boolean => {
    text += String(chunk)
    return true
  }
  const [out, err] = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')]
  out.mockImplementation(keep)
  err.mockImplementation(keep)
  try {
    await command()
    return text
  } finally {
    out.mockRestore()
    err.mockRestore()
  }
}
/** The row of a version in `proffer pack list`. */
const row = async (number: number): Promise<string> =>
  (await printed(() => listVersions(bob, false)))
    .split('\n')
    .find((line) => line.trimStart().startsWith(`${number} `)) ?? ''

/** The list says that it cannot be put in force, and the attempt is told the very sentence, over both doors. */
async function isRefused(number: number, first: string | null, word: string): Promise<string> {
  const outlook = await listed(number)
  expect(outlook).toMatchObject({ possible: false, first })
  const { status, body } = await attempt(number)
  expect(status).toBe(409)
  const message = outlook.message ?? ''
  expect(Object(body).detail).toBe(`${Object(body).reason}: ${message}`)
  expect(await row(number)).toContain(`  ${word}  `)
  expect(await printed(() => moveVersion(bob, `${number}/activate`, 'a test', false))).toContain(message)
  return message
}

test('a version is listed with what comes before it can be put in force, from the proposal to the roll-back and back', async () => {
  const [two, three] = [await propose(11), await propose(12)]
  expect(await isRefused(two, 'approve', 'no: approve')).toContain(`proffer pack approve ${two}`)
  await say(`${two}/approve`)
  await say(`${three}/approve`)
  for (const number of [two, three]) {
    expect(await listed(number)).toEqual({ possible: true, first: null, message: null })
    expect(await row(number)).toMatch(/approved +yes/)
  }
  await say(`${two}/activate`)
  expect(await listed(two)).toMatchObject({ possible: false, first: null, message: `Version ${two} is in force.` })
  expect(await row(two)).not.toContain('no:')

  // Approved against the one before: nobody looked at what it would change now.
  const stale = await isRefused(three, 'approve_again', 'no: approve again')
  expect(stale).toContain(`compared with version 1, not with version ${two}`)
  expect(stale).toContain(`proffer pack diff ${two} ${three}`)
  expect(stale).not.toContain('rollback')
  expect(await row(three)).toMatch(/ approver +a test$/)
  // The one that was in force before can be gone back to.
  expect(await isRefused(1, 'approve_again', 'no: approve again')).toContain('`proffer pack rollback`')

  await say('rollback')
  const rolledBack = await isRefused(two, 'approve_again', 'no: approve again')
  expect(rolledBack).toContain('It was in force and needs new approvals')
  // What the sentence says to do does it.
  await say(`${two}/approve`)
  expect(await listed(two)).toMatchObject({ possible: true })
  expect((await attempt(two)).status).toBe(200)
  await say(`${three}/approve`)
  expect((await attempt(three)).status).toBe(200)

  const four = await propose(13)
  await say(`${four}/reject`)
  expect(await isRefused(four, 'propose_again', 'no: propose again')).toContain('was rejected: propose it again')
}, 120_000)

test('while another version is put in force the list says to wait, and no longer than that can take', () => {
  const by = { who: 'bob', at: 0, why: 'x' }
  const approved: Version = {
    ...{ number: 2, name: 'small', hash: 'b', files: null, author: 'anna', at: 0, why: 'x', base: 1, compliance: [] },
    ...{ changed: null, approvals: [{ ...by, roles: ['approver'] }], rejected: null, wasInForce: false },
  }
  const state = {
    ...emptyControl,
    versions: [{ ...approved, number: 1, base: 0, wasInForce: true }, approved, { ...approved, number: 3 }],
    inForce: { version: 1, at: 0, before: null },
    activating: { version: 3, how: 'activate', who: 'olaf', at: 0, record: 7, node: null },
  } as const
  expect(outlookOf(state, approved, 1_000)).toMatchObject({
    possible: false,
    first: 'wait',
    message: 'Version 3 is being activated by olaf: try again when that is over.',
  })
  expect(outlookOf(state, approved, activatingMaxMs + 1)).toMatchObject({ possible: true })
})
