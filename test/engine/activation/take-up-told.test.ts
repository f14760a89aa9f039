/** What an engine that cannot take up the pack in force answers, from the probe to the command line. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createClient } from '../../../engine/cli/client.ts'
import { packStatus } from '../../../engine/cli/versions.ts'
import { type RunningEngine, runEngine } from '../running-engine.ts'
import { keepPacks, recordPack, twoPacks } from './two-packs.ts'

const waiting = { timeout: 60_000, interval: 200 }
let dir: string
let engine: RunningEngine
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-take-up-'))
  engine = await runEngine({ dataDir: dir, settings: { NODE_NAME: 'north' } })
})
afterEach(async () => {
  await engine.stop()
  await rm(dir, { recursive: true })
})

const ready = async () => await engine.call('GET', '/readyz')
const metric = async (reason: string) =>
  (await engine.call('GET', '/metrics')).text.match(`pack_take_up_failing\\{reason="${reason}"\\} (\\d)`)?.[1]

/** What the command prints; exit code 1 while the version in force does not run everywhere. */
async function statusText(code: 0 | 1): Promise<string> {
  const write = vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
  try {
    expect(await packStatus(createClient(engine.url, engine.engine.key), false)).toBe(code)
    return write.mock.calls.map(([chunk]) => String(chunk)).join('')
  } finally {
    write.mockRestore()
  }
}

test('a pack in force that the store does not keep is in the probe, the metrics, the status and the command, until it is kept', async () => {
  expect(await ready()).toMatchObject({ status: 200, body: { pack: 'taken_up' } })
  expect(await metric('pack_not_kept')).toBe('0')
  expect(await statusText(0)).not.toContain('cannot take up')
  const { second } = await twoPacks()
  const place = { kind: 'lmdb', dir: join(dir, 'store') } as const
  expect(await recordPack(place, second)).toBe(true)
  // The probe stays ready: what is open goes on under the pack before.
  await vi.waitFor(async () => expect(await ready()).toMatchObject({ body: { pack: 'pack_not_kept' } }), waiting)
  expect(await ready()).toMatchObject({ status: 200, body: { status: 'ready' } })
  expect(await metric('pack_not_kept')).toBe('1')
  expect(await metric('store_failed')).toBe('0')
  const { body } = await engine.call('GET', '/v1/packs/active')
  expect(body).toMatchObject({ activation: 1, failing: [{ node: 'north', reason: 'pack_not_kept' }] })
  expect(await statusText(1)).toMatch(
    new RegExp(
      `north cannot take up the version in force since \\d.*: The store does not keep the pack ${second.hash.slice(0, 12)}`,
    ),
  )
  await keepPacks(place, [second])
  await vi.waitFor(async () => expect(await ready()).toMatchObject({ body: { pack: 'taken_up' } }), waiting)
  expect(await metric('pack_not_kept')).toBe('0')
  expect((await engine.call('GET', '/v1/packs/active')).body).toMatchObject({
    packHash: second.hash,
    shards: [{ packHash: second.hash }],
    failing: [],
  })
  expect(await statusText(0)).not.toContain('cannot take up')
}, 180_000)
