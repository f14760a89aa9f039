/** `proffer backup` and `proffer restore` as an operator runs them, with everything that goes wrong on such a day. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, cpSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { describeWithRedis, uniqueName } from '../parts/describe-with-parts.ts'
import { cloudEvent, type RunningEngine, runEngine } from './running-engine.ts'

type Place = {
  readonly settings: Record<string, string>
  /** Loses the customers and the aliases. */
  lose(dataDir: string): Promise<void>
}

describe('with the embedded store', () => {
  backupSuite(() => ({
    settings: {},
    lose: async (dataDir) => {
      for (const name of ['store', 'identity']) rmSync(join(dataDir, name), { recursive: true })
    },
  }))
})

await describeWithRedis('with Redis', (url) => {
  backupSuite(() => {
    const prefix = `${uniqueName('cli_backup')}:`
    return {
      settings: { REDIS_URL: url, REDIS_KEY_PREFIX: prefix },
      lose: async () => {
        const redis = new Redis(url)
        const keys = await redis.keys(`${prefix}*`)
        await redis.del(...keys)
        redis.disconnect()
      },
    }
  })
})

/** Leads to a decision. */
const repayment = { amount: 500_000, currency: 'CNY', product: 'credit_card' }

function backupSuite(makePlace: () => Place): void {
  let folder = ''
  let dataDir = ''
  let place: Place
  let engine: RunningEngine | null = null
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'proffer-cli-backup-'))
    dataDir = join(folder, 'data')
    place = makePlace()
    writeFileSync(join(folder, 'key'), 'a long passphrase\n')
    writeFileSync(join(folder, 'other-key'), 'another passphrase\n')
  })
  afterEach(async () => {
    await engine?.stop()
    engine = null
    rmSync(folder, { recursive: true, force: true })
  })

  const start = async (): Promise<RunningEngine> => {
    engine = await runEngine({ dataDir, settings: place.settings })
    return engine
  }
  const stop = async () => {
    await engine?.stop()
    engine = null
  }
  /** Not at once: an engine may run in this very process. */
  const proffer = async (words: readonly string[], settings: Record<string, string> = {}) => {
    const base = { CACHE_MB: '32', SHARD_MODE: 'inline', BACKUP_KEY_FILE: join(folder, 'key') }
    const env = { ...process.env, ...base, DATA_DIR: dataDir, ...place.settings, ...settings }
    const child = spawn(process.execPath, ['engine/main.ts', ...words], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')])
    return { code, out, err }
  }
  const send = async (...events: Record<string, unknown>[]) => {
    const headers = { 'Content-Type': 'application/cloudevents-batch+json' }
    const answer = await engine?.call('POST', '/v1/events', events, headers)
    expect(answer?.body).toMatchObject({ accepted: events.length })
  }
  const linked = (id: string, alias: string) => cloudEvent(id, 'identity.linked', { alias })
  const view = (id: string) => cloudEvent(id, 'page.viewed', { page: 'fx/rates', pageGroup: 'fx', dwellMs: 900 })
  /** What is known of a customer but for the instant it was looked at and the bytes it takes. */
  const known = async (name: string) => {
    const answer = await engine?.call('GET', `/v1/customers/${encodeURIComponent(name)}`)
    const { asOf: _asOf, bytes: _bytes, ...rest } = Object(answer?.body)
    return { status: answer?.status, ...rest }
  }
  const to = () => join(folder, 'backup')

  test('a lost store comes back as it was, without the customer that was erased since', async () => {
    await start()
    const ids = Array.from({ length: 30 }, (_, i) => `C${i}`)
    await send(...ids.map(view), ...ids.map((id) => linked(id, `@device:${id}`)))
    await send(...ids.map((id) => cloudEvent(id, 'repayment.made', repayment)))
    const made = await proffer(['backup', '--to', to(), '--json'])
    expect([made.code, made.err]).toEqual([0, ''])
    expect(JSON.parse(made.out)).toMatchObject({ partitions: 8, encrypted: true })

    await send(...ids.map(view), linked('C3', '@card:3'), cloudEvent('C7', 'customer.erased', { ground: 'request' }))
    const names = ['C3', '@card:3', '@device:C4', 'C7', '@device:C7']
    const before = await Promise.all(names.map(known))
    expect(before.map(({ status }) => status)).toEqual([200, 200, 200, 200, 404])
    await stop()
    await place.lose(dataDir)
    await expect(start()).rejects.toMatchObject({ code: 'state_missing' })

    const restored = await proffer(['restore', '--from', to(), '--json'])
    expect([restored.code, restored.err]).toEqual([0, ''])
    expect(JSON.parse(restored.out)).toMatchObject({ aliases: { changes: 1, erased: 1, left: 0 }, warnings: [] })
    await start()
    expect(await Promise.all(names.map(known))).toEqual(before)
    await send(linked('C3', '@device:C7'))
    expect(await known('@device:C7')).toMatchObject({ customerId: 'C3' })
  }, 120_000)

  test('what is no whole backup, or not for this store, is refused with a sentence and changes nothing', async () => {
    await start()
    await send(view('C1'), linked('C1', '@device:1'))
    expect(await proffer(['backup', '--to', to()])).toMatchObject({ code: 0 })
    const from = ['restore', '--from', to()]
    expect(await proffer(from)).toMatchObject({ code: 2, err: expect.stringContaining('Stop it first') })
    await stop()
    const refusals: [words: readonly string[], settings: Record<string, string>, code: number, sentence: string][] = [
      [from, {}, 1, 'is not empty'],
      [[...from, '--replace'], {}, 1, 'without a terminal say --yes'],
      [from, { BACKUP_KEY_FILE: join(folder, 'other-key') }, 1, 'holds another key'],
      [from, { BACKUP_KEY_FILE: '' }, 1, 'set BACKUP_KEY_FILE'],
      [from, { PARTITIONS: '4' }, 2, 'Set PARTITIONS=8'],
      [from, { DATA_DIR: join(folder, 'other') }, 1, 'There is no log'],
      [['restore', '--from', join(folder, 'nothing')], {}, 1, 'There is no backup'],
      [['backup', '--to', to()], {}, 2, 'is not empty'],
      [['backup'], {}, 2, '--to FOLDER or --verify FOLDER'],
      [['backup', '--verify', to()], { BACKUP_KEY_FILE: join(folder, 'other-key') }, 1, 'holds another key'],
    ]
    for (const [words, settings, code, sentence] of refusals) {
      expect(await proffer(words, settings)).toMatchObject({ code, err: expect.stringContaining(sentence) })
    }
    for (const name of ['partitions.proffer', 'identity.proffer', 'shared.proffer']) {
      const broken = join(folder, `short-${name}`)
      cpSync(to(), broken, { recursive: true })
      truncateSync(join(broken, name), statSync(join(broken, name)).size - 7)
      const said = await proffer(['restore', '--from', broken, '--replace', '--yes'])
      expect(said).toMatchObject({ code: 1, err: expect.stringContaining(`${name} is damaged: it ends too early`) })
      copyFileSync(join(to(), 'manifest.json'), join(broken, name))
      expect(await proffer(['backup', '--verify', broken])).toMatchObject({ code: 1 })
    }
    expect(readdirSync(dataDir).filter((name) => /restoring|replaced/.test(name))).toEqual([])
    await start()
    expect(await known('@device:1')).toMatchObject({ customerId: 'C1' })
  }, 120_000)

  test('an open backup is not restored where backups are encrypted', async () => {
    await start()
    await send(view('C1'))
    expect(await proffer(['backup', '--to', to()], { BACKUP_KEY_FILE: '' })).toMatchObject({ code: 0 })
    await stop()
    await place.lose(dataDir)
    const refused = await proffer(['restore', '--from', to()])
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('not encrypted although') })
    expect(await proffer(['restore', '--from', to()], { BACKUP_KEY_FILE: '' })).toMatchObject({ code: 0 })
  }, 60_000)
}
