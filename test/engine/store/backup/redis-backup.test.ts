/** What a backup of Redis meets: other backups, servers that change, its own death. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import type { Due } from '../../../../engine/state/states.ts'
import type { BackupRecord } from '../../../../engine/store/backup/backup-record.ts'
import type { BackupSource } from '../../../../engine/store/backup/backup-source.ts'
import { openBackupSource } from '../../../../engine/store/backup/open-backup-source.ts'
import { openStore, type StorePlace } from '../../../../engine/store/open-store.ts'
import type { Store, StoreWrite } from '../../../../engine/store/store.ts'
import { backUp, foldersBeside, putBack, soundBackup } from '../../../conformance/backup.ts'
import { startLoad } from '../../../conformance/store-load.ts'
import { storedPartition } from '../../../conformance/store-model.ts'
import { zeroMeta } from '../../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis, startRedisCluster } from '../redis/start-redis.ts'

/** The records of the partitions, one piece after the other. */
function copyOf(source: BackupSource): AsyncIterator<readonly BackupRecord[]> {
  const [partitions] = source.sections
  if (partitions === undefined) throw new Error('a source has partitions')
  return partitions.records()[Symbol.asyncIterator]()
}

/** The next piece that is not empty. */
async function piece(copy: AsyncIterator<readonly BackupRecord[]>): Promise<void> {
  for (;;) {
    const next = await copy.next()
    if (next.done === true || next.value.length > 0) return
  }
}

async function rest(copy: AsyncIterator<readonly BackupRecord[]>): Promise<void> {
  while ((await copy.next()).done !== true);
}

await describeWithOwnRedis('a backup of Redis', () => {
  let redis: StartedRedis
  let dir = ''
  let place: Extract<StorePlace, { kind: 'redis' }>
  let store: Store
  let sources: BackupSource[] = []
  let prefix = ''
  let count = 0
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-backup-'))
    prefix = `redis-backup-${count++}:`
    place = { kind: 'redis', urls: [redis.url], prefix, timeoutMs: 500 }
    store = openStore(place)
    sources = []
    const load = await startLoad(store, 3)
    await load.stop()
  })
  afterEach(async () => {
    for (const source of sources) await source.close()
    await store.close()
    await rm(dir, { recursive: true, force: true })
  })

  const open = async (): Promise<BackupSource> => {
    const source = await openBackupSource(place, foldersBeside(place))
    sources.push(source)
    return source
  }
  const mark = (partition: number) => redis.client.hget(`${prefix}{p${partition}}:meta`, 'backup')
  const changed = (partition: number) => redis.client.smembers(`${prefix}{p${partition}}:changed`)
  const commit = async (partition: number, customerId: string): Promise<void> => {
    const writes = [{ kind: 'patch', customerId, index: 0, bytes: Buffer.from('more') }] as const
    await commitBoth(partition, writes, [])
  }
  const commitBoth = async (partition: number, writes: readonly StoreWrite[], due: readonly Due[]): Promise<void> => {
    const { seq = 0 } = (await store.meta(partition)) ?? {}
    const made = {
      token: 'token',
      from: seq,
      to: seq + 1,
      meta: zeroMeta,
      writes,
      due,
      outbox: null,
      trim: 0,
      notAfter: null,
    }
    expect(await store.commit(partition, made)).toEqual({ kind: 'applied' })
  }

  it('leaves nothing behind, neither when it is done nor when it is given up', async () => {
    await rest(copyOf(await open()))
    const copy = copyOf(await open())
    await piece(copy)
    expect(await mark(2)).not.toBeNull()
    await commit(2, 'C1')
    expect(await changed(2)).toContain(`${prefix}{p2}:c:C1`)
    await copy.return?.()
    for (const partition of [0, 1, 2]) {
      expect(await mark(partition)).toBeNull()
      expect(await changed(partition)).toEqual([])
    }
  })

  it('has what is due as it was at the moment of the rest, also where no state changed with it', async () => {
    const key = (customerId: string) => `${prefix}{p0}:c:${customerId}`
    const copy = copyOf(await open())
    await piece(copy)
    const records: BackupRecord[] = []
    // A hundred more than a moment takes, so that some are copied again before.
    const ids = Array.from({ length: 400 }, (_, i) => `later-${i}`)
    const later = ids.map((customerId, i) => ({ customerId, at: 5_000 + i }))
    await commitBoth(0, [], [...later, { customerId: 'C3', at: 0 }, { customerId: 'C4', at: 77 }])
    expect(await changed(0)).toEqual(expect.arrayContaining([...ids, 'C3', 'C4'].map(key)))
    for (let next = await copy.next(); next.done !== true; next = await copy.next()) records.push(...next.value)
    const last = new Map<string, string>()
    for (const { kind, partition, key: id, value } of records) {
      if (kind === 'due' && partition === 0) last.set(id, Buffer.from(value).toString())
    }
    expect(last.get('C3')).toBe('0')
    const entries = [...last].filter(([, at]) => at !== '0').map(([customerId, at]) => ({ customerId, at: Number(at) }))
    const stored = await store.due(0, 4_096)
    expect(entries).toHaveLength(stored.length)
    expect(entries).toEqual(expect.arrayContaining([...stored]))
    expect(last.get('C4')).toBe('77')
  })

  it('is refused while another one runs, and does not disturb it', async () => {
    const first = copyOf(await open())
    await piece(first)
    const second = copyOf(await open())
    await expect(piece(second)).rejects.toMatchObject({ code: 'backup_running', retryable: true })
    expect(await mark(0)).not.toBeNull()
    await rest(first)
    await rest(copyOf(await open()))
  })

  it('that died costs the commits nothing once its mark has run out, and what it noted goes by itself', async () => {
    await piece(copyOf(await open()))
    const [, ...words] = (await mark(1))?.split(' ') ?? []
    expect(await redis.client.pttl(`${prefix}{p1}:changed`)).toBeGreaterThan(120_000)
    await redis.client.hset(`${prefix}{p1}:meta`, 'backup', [Date.now() - 1, ...words].join(' '))
    await commit(1, 'C5')
    expect(await mark(1)).toBeNull()
    expect(await changed(1)).not.toContain(`${prefix}{p1}:c:C5`)
    // Another one can begin where the first has not ended yet.
    await redis.client.hset(`${prefix}{p0}:meta`, 'backup', [Date.now() - 1, ...words].join(' '))
    await redis.client.hdel(`${prefix}{p2}:meta`, 'backup')
    await rest(copyOf(await open()))
  })

  it('that stood still while a commit went unnoted is given up', async () => {
    const copy = copyOf(await open())
    await piece(copy)
    const [, ...words] = (await mark(0))?.split(' ') ?? []
    await redis.client.hset(`${prefix}{p0}:meta`, 'backup', [Date.now() - 1, ...words].join(' '))
    await commit(0, 'C5')
    await expect(rest(copy)).rejects.toMatchObject({ code: 'backup_torn', retryable: true })
  })

  it('whose notes are gone is given up', async () => {
    const copy = copyOf(await open())
    await piece(copy)
    await redis.client.del(`${prefix}{p1}:changed`)
    await commit(1, 'C5')
    await expect(rest(copy)).rejects.toMatchObject({ code: 'backup_torn' })
  })

  it('is given up when the server was started anew meanwhile, and outlives lost connections', async () => {
    const copy = copyOf(await open())
    await piece(copy)
    await redis.client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    await piece(copy)
    await redis.restart()
    await expect(rest(copy)).rejects.toMatchObject({ code: 'backup_torn' })
  })

  it('does not go through with a state that is damaged, or is none', async () => {
    await redis.client.set(`${prefix}{p0}:c:C7`, 'xyz')
    await expect(rest(copyOf(await open()))).rejects.toMatchObject({ code: 'state_corrupt' })
    await redis.client.del(`${prefix}{p0}:c:C7`)
    await redis.client.rpush(`${prefix}{p0}:c:C7`, 'xyz')
    await expect(rest(copyOf(await open()))).rejects.toMatchObject({ code: 'state_corrupt' })
  })

  it('does not go through with an entry of the due index that no commit made, or an index that is none', async () => {
    const due = `${prefix}{p0}:due`
    await redis.client.zadd(due, '12.5', 'C7')
    await expect(rest(copyOf(await open()))).rejects.toMatchObject({ code: 'state_corrupt' })
    await expect(store.due(0, 4_096)).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
    await redis.client.del(due)
    await redis.client.set(due, 'not ours')
    await expect(rest(copyOf(await open()))).rejects.toMatchObject({ code: 'state_corrupt' })
    await expect(store.due(0, 1)).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
  })

  it('does not go through with a partition that has no header', async () => {
    await redis.client.del(`${prefix}{p1}:meta`)
    await expect(rest(copyOf(await open()))).rejects.toMatchObject({ code: 'state_corrupt' })
    expect(await mark(0)).toBeNull()
  })

  it('takes the keys of no other installation, and a restore deletes none of them', async () => {
    const others = [
      `${prefix}b:{p0}:c:C1`,
      `${prefix}b:cluster`,
      `${prefix}notes`,
      `${prefix}{p0}:c`,
      `x${prefix}cluster`,
    ]
    for (const key of others) await redis.client.set(key, 'theirs')
    await backUp(place, join(dir, 'backup'))
    const backup = await soundBackup(join(dir, 'backup'))
    await putBack(backup, place)
    for (const key of others) expect(await redis.client.get(key)).toBe('theirs')
    expect(backup.manifest.partitions.map(({ states }) => states).every((states) => states >= 1_200)).toBe(true)
  })

  it('can be put into the embedded store, and one of that into Redis', async () => {
    await backUp(place, join(dir, 'of-redis'))
    const first = await soundBackup(join(dir, 'of-redis'))
    const lmdb: StorePlace = { kind: 'lmdb', dir: join(dir, 'store') }
    await putBack(first, lmdb)
    await backUp(lmdb, join(dir, 'of-lmdb'))
    const second = await soundBackup(join(dir, 'of-lmdb'))
    const again = { ...place, prefix: `${prefix}again:` }
    await putBack(second, again)
    const embedded = openStore(lmdb)
    const other = openStore(again)
    const ids = Array.from({ length: 1_200 }, (_, i) => `C${i}`)
    for (const partition of [0, 1, 2]) {
      const { owner: _, ...expected } = await storedPartition(store, partition, ids)
      for (const one of [embedded, other]) {
        expect(await storedPartition(one, partition, ids)).toEqual({ ...expected, owner: '' })
      }
    }
    await embedded.close()
    await other.close()
  })

  it('is torn when another pack is put in force meanwhile', async () => {
    const cluster = await store.cluster()
    if (cluster === null) throw new Error('there is an installation')
    const source = await open()
    const [partitions] = source.sections
    const slow: BackupSource = {
      ...source,
      sections: source.sections.map((section) => ({
        ...section,
        records: async function* () {
          yield* section.records()
          if (section === partitions) await store.putCluster({ ...cluster, observedSince: { abc: 7, def: 9 } }, cluster)
        },
      })),
    }
    const { writeBackup } = await import('../../../../engine/store/backup/write-backup.ts')
    const options = {
      secret: null,
      release: 'test',
      now: () => 0,
      onProgress: () => {},
      signal: new AbortController().signal,
    }
    await expect(writeBackup(slow, { dir: join(dir, 'backup'), ...options })).rejects.toMatchObject({
      code: 'backup_torn',
    })
    await expect(soundBackup(join(dir, 'backup'))).rejects.toThrow('There is no backup')
  })
})

await describeWithOwnRedis('a backup of Redis Cluster', () => {
  let cluster: Awaited<ReturnType<typeof startRedisCluster>>
  beforeAll(async () => {
    cluster = await startRedisCluster()
  })
  afterAll(() => cluster.stop())

  it('is not made while a slot is being moved', async () => {
    const place: StorePlace = { kind: 'redis', urls: cluster.urls, prefix: 'moving:' }
    const store = openStore(place)
    const load = await startLoad(store, 3)
    await load.stop()
    const slot = await cluster.nodes[0]?.client.cluster('KEYSLOT', 'moving:{p0}:meta')
    const lines = String(await cluster.nodes[0]?.client.cluster('NODES')).split('\n')
    const primaries = lines.filter((line) => line.includes('master'))
    const has = (line: string) =>
      line
        .split(' ')
        .slice(8)
        .some((range) => {
          const [first = 0, last = first] = range.split('-').map(Number)
          return Number(slot) >= first && Number(slot) <= last
        })
    const from = primaries.find(has) ?? ''
    const to = primaries.find((line) => !has(line)) ?? ''
    const node = cluster.nodes.find(({ port }) => from.includes(`:${port}@`))
    const source = await openBackupSource(place, foldersBeside(place))
    try {
      await node?.client.cluster('SETSLOT', Number(slot), 'MIGRATING', to.split(' ')[0] ?? '')
      await expect(rest(copyOf(source))).rejects.toMatchObject({ code: 'backup_torn' })
      await node?.client.cluster('SETSLOT', Number(slot), 'STABLE')
      await rest(copyOf(source))
    } finally {
      await source.close()
      await store.close()
    }
  })
})
