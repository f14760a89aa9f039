import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { openRedisStore } from '../../../../engine/store/redis/redis-store.ts'
import type { Commit, CommitReply, Store, StoreWrite } from '../../../../engine/store/store.ts'
import { dumpPartition } from '../../../conformance/partition-dump.ts'
import {
  expectedDue,
  expectedOutbox,
  expectedStates,
  storedOutbox,
  storedStates,
  workloadCommit,
  zeroMeta,
} from '../../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { patiently } from './patiently.ts'
import { type StartedRedis, startRedis, until } from './start-redis.ts'
import { Wire } from './wire.ts'

const customers = Array.from({ length: 20 }, (_, i) => `C${i}`)

await describeWithOwnRedis('a commit to one Redis server', () => {
  let redis: StartedRedis
  let wire: Wire
  let store: Store
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  beforeEach(async () => {
    wire = await Wire.to(redis.port)
    store = await openRedisStore({ urls: [wire.url], timeoutMs: 400 })
    await store.create(0, zeroMeta)
    await store.acquire(0, 'token', 'node:1')
    await run(0, 6)
  })
  afterEach(async () => {
    await store.close()
    wire.stop()
    await redis.client.config('SET', 'maxmemory', '0')
    await redis.client.flushall()
  })

  const run = async (from: number, to: number): Promise<void> => {
    for (let seq = from + 1; seq <= to; seq++) {
      expect(await store.commit(0, workloadCommit('token', seq))).toEqual({ kind: 'applied' })
    }
  }
  const dump = () => dumpPartition(store, 0, customers)
  const resend = (commit: Commit): Promise<CommitReply> => patiently(() => store.commit(0, commit))
  const states = () => patiently(() => storedStates(store))

  it.each([
    ['cut before it reached the server', 'cut_before', 6],
    ['cut after it was applied', 'cut_after', 7],
    ['whose reply never comes', 'lose_reply', 7],
  ] as const)('%s is in doubt, and has one effect when it is sent again', async (_, fault, stored) => {
    wire.next = fault
    const commit = workloadCommit('token', 7)
    await expect(store.commit(0, commit)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(await redis.client.hget('proffer:{p0}:meta', 'seq')).toBe(String(stored))
    expect(await resend(commit)).toEqual({ kind: 'applied' })
    expect(await states()).toEqual(expectedStates(7))
    await run(7, 16)
    expect(await storedOutbox(store, 0, 100)).toEqual(expectedOutbox(16))
  })

  it('whose bytes arrive again late, between commits of the same offset, changes nothing', async () => {
    const same = (seq: number): Commit => {
      const commit = workloadCommit('token', seq)
      return { ...commit, meta: { ...commit.meta, next: 60 } }
    }
    for (const seq of [7, 8, 9]) expect(await store.commit(0, same(seq))).toEqual({ kind: 'applied' })
    const before = await dump()
    for (const bytes of wire.passed.slice(-3, -1)) expect(await answerTo(redis.port, bytes)).toBe('$1\r\n9\r\n')
    expect(await dump()).toEqual(before)
  })

  it('that comes too late for its owner to be certain is not applied, and one that was applied still says so', async () => {
    const late = { ...workloadCommit('token', 7), notAfter: Date.now() - 50 }
    const before = await dump()
    expect(await store.commit(0, late)).toEqual({ kind: 'expired' })
    expect(await dump()).toEqual(before)
    const inTime = { ...workloadCommit('token', 7), notAfter: Date.now() + 60_000 }
    expect(await store.commit(0, inTime)).toEqual({ kind: 'applied' })
    expect(await store.commit(0, late)).toEqual({ kind: 'applied' })
    expect(await storedStates(store)).toEqual(expectedStates(7))
  })

  it('sent to a server that stands still lands at most once, however often it is sent', async () => {
    process.kill(redis.pid(), 'SIGSTOP')
    const commit = workloadCommit('token', 7)
    await expect(store.commit(0, commit)).rejects.toMatchObject({ retryable: true })
    await expect(store.commit(0, commit)).rejects.toMatchObject({ retryable: true })
    process.kill(redis.pid(), 'SIGCONT')
    expect(await resend(commit)).toEqual({ kind: 'applied' })
    expect(await states()).toEqual(expectedStates(7))
    await run(7, 8)
  })

  it('survives a server that is killed and comes back with its append only file', async () => {
    await redis.kill()
    const commit = workloadCommit('token', 7)
    await expect(store.commit(0, commit)).rejects.toMatchObject({ retryable: true })
    await redis.restart()
    expect(await resend(commit)).toEqual({ kind: 'applied' })
    expect(await states()).toEqual(expectedStates(7))
  })

  it('is run by a server that has forgotten the scripts', async () => {
    await redis.client.script('FLUSH')
    await run(6, 8)
    await redis.client.script('FLUSH')
    await store.create(1, zeroMeta)
    await store.acquire(1, 'token', '')
    await redis.client.script('FLUSH')
    const both = [store.commit(0, workloadCommit('token', 9)), store.commit(1, workloadCommit('token', 1))]
    expect(await Promise.all(both)).toEqual([{ kind: 'applied' }, { kind: 'applied' }])
    expect(await states()).toEqual(expectedStates(9))
  })

  it('is refused whole when memory is full, and applied when there is more', async () => {
    const before = await dump()
    const used = Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))?.[1])
    await redis.client.config('SET', 'maxmemory', String(Math.floor(used / 2)))
    const commit = workloadCommit('token', 7)
    await expect(store.commit(0, commit)).rejects.toMatchObject({ code: 'store_full', retryable: true })
    // Without states it still needs room for its header, unless it trims.
    await expect(store.commit(0, { ...commit, writes: [], outbox: null, trim: 0 })).rejects.toMatchObject({
      code: 'store_full',
    })
    expect(await dump()).toEqual(before)
    await redis.client.config('SET', 'maxmemory', '0')
    expect(await store.commit(0, commit)).toEqual({ kind: 'applied' })
    expect(await states()).toEqual(expectedStates(7))
  })

  it('that says what is due and nothing else is refused whole when memory is full, unless nothing is due any more', async () => {
    const used = Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))?.[1])
    await redis.client.config('SET', 'maxmemory', String(Math.floor(used / 2)))
    const before = await everything(redis)
    const nothing = { ...workloadCommit('token', 7), writes: [], outbox: null, trim: 6 }
    const [first, second] = await store.due(0, 2)
    const moved = [
      { customerId: first?.customerId ?? '', at: 0 },
      { customerId: second?.customerId ?? '', at: 5 },
    ]
    await expect(store.commit(0, { ...nothing, due: moved })).rejects.toMatchObject({ code: 'store_full' })
    expect(await everything(redis)).toEqual(before)
    expect(await store.commit(0, { ...nothing, due: moved.slice(0, 1) })).toEqual({ kind: 'applied' })
    expect((await store.due(0, 1))[0]).toEqual(second)
  })

  it('that frees memory and writes no states is taken although memory is full', async () => {
    const used = Number(/used_memory:(\d+)/.exec(await redis.client.info('memory'))?.[1])
    await redis.client.config('SET', 'maxmemory', String(Math.floor(used / 2)))
    const commit = { ...workloadCommit('token', 7), writes: [], due: [], outbox: null, trim: 6 }
    expect(await store.commit(0, commit)).toEqual({ kind: 'applied' })
    expect(await store.outbox(0, 0, 100)).toEqual([])
  })

  it.each([
    ['the first state', () => 'proffer:{p0}:c:C0'],
    ['a state in the middle', () => 'proffer:{p0}:c:C4'],
    ['the last state', () => 'proffer:{p0}:c:C5'],
    ['the outbox', () => 'proffer:{p0}:o'],
    ['the due index', () => 'proffer:{p0}:due'],
  ])('that meets %s of another type writes nothing and is not sent again', async (_, keyOf) => {
    // Patches and bases, of customers that have a value and of some that have none.
    const ids = ['C0', 'C1', 'new-1', 'C2', 'new-2', 'C4', 'C3', 'C5']
    const writes = ids.map((customerId, i): StoreWrite => {
      const content = Buffer.from(`content ${i}`)
      if (i % 3 === 0) return { kind: 'base', customerId, bytes: content, patches: 0 }
      return { kind: 'patch', customerId, index: 0, bytes: content }
    })
    const number: StoreWrite = { kind: 'base', customerId: 'C1', bytes: Buffer.from('12345'), patches: 0 }
    await store.commit(0, { ...workloadCommit('token', 7), writes: [number], outbox: null, trim: 0 })
    const due = [{ customerId: 'C1', at: 9 }]
    const commit = { ...workloadCommit('token', 8), writes, due, trim: 5 }
    await redis.client.del(keyOf())
    await redis.client.rpush(keyOf(), 'not ours')
    const before = await everything(redis)
    await expect(store.commit(0, commit)).rejects.toMatchObject({ code: 'state_corrupt', retryable: false })
    expect(await everything(redis)).toEqual(before)
  })

  it('to a header of another type writes nothing', async () => {
    await redis.client.set('proffer:{p0}:meta', 'not ours')
    const before = await everything(redis)
    await expect(store.commit(0, workloadCommit('token', 7))).rejects.toMatchObject({ code: 'state_corrupt' })
    await expect(store.acquire(0, 'token-b', '')).rejects.toMatchObject({ code: 'state_corrupt' })
    await expect(store.meta(0)).rejects.toMatchObject({ code: 'state_corrupt' })
    expect(await everything(redis)).toEqual(before)
  })

  it('may be as large as a commit can be, and drops thousands of outbox values in turns', async () => {
    const seqs = Array.from({ length: 5_000 }, (_, i) => i + 1)
    await redis.client.hset('proffer:{p0}:o', Object.fromEntries(seqs.map((seq) => [String(seq), 'out'])))
    await store.acquire(0, 'token', '')
    const writes = Array.from({ length: 4_096 }, (_, i): StoreWrite => {
      return { kind: 'patch', customerId: `many-${i}`, index: 0, bytes: Buffer.from(`patch ${i}`) }
    })
    const due = writes.map(({ customerId }, i) => ({ customerId, at: 4_096 - i }))
    const largest = { ...workloadCommit('token', 6_000), from: 6, to: 6_000, writes, due, trim: 5_000 }
    expect(await store.commit(0, largest)).toEqual({ kind: 'applied' })
    expect(await redis.client.hlen('proffer:{p0}:o')).toBe(5_000 - 4_096 + (largest.outbox === null ? 0 : 1))
    const loaded = await store.load(
      0,
      writes.map(({ customerId }) => customerId),
    )
    expect(loaded.map((stored) => Buffer.from(stored?.patches[0] ?? []).toString())).toEqual(
      writes.map((_, i) => `patch ${i}`),
    )
    expect(await store.due(0, 4_096)).toEqual(due.toReversed())
    const gone = due.map(({ customerId }) => ({ customerId, at: 0 }))
    const next = { ...workloadCommit('token', 6_001), writes: [], due: gone, outbox: null, trim: 5_000 }
    expect(await store.commit(0, next)).toEqual({ kind: 'applied' })
    expect(await store.due(0, 4_096)).toEqual(expectedDue(6))
    expect((await store.outbox(0, 0, 5_999)).map(({ seq }) => seq)).toEqual([])
  })

  it('goes with those of the same turn in one write to the socket', async () => {
    for (let partition = 1; partition < 8; partition++) {
      await store.create(partition, zeroMeta)
      await store.acquire(partition, 'token', '')
      await store.commit(partition, workloadCommit('token', 1))
    }
    const before = wire.passed.length
    const all = Array.from({ length: 7 }, (_, i) => store.commit(i + 1, workloadCommit('token', 2)))
    expect(await Promise.all(all)).toEqual(all.map(() => ({ kind: 'applied' })))
    expect(wire.passed.length - before).toBe(1)
  })

  it('fails at once while the server is away, and works again by itself', async () => {
    await store.close()
    store = await openRedisStore({ urls: [wire.url], timeoutMs: 10_000 })
    await redis.kill()
    await until(() => wire.open === 0)
    const started = performance.now()
    await expect(store.commit(0, workloadCommit('token', 7))).rejects.toMatchObject({ code: 'store_unavailable' })
    await expect(store.load(0, ['C0'])).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
    // Far from the time it has for an answer.
    expect(performance.now() - started).toBeLessThan(5_000)
    await redis.restart()
    expect(await resend(workloadCommit('token', 7))).toEqual({ kind: 'applied' })
  })
})

/** Every key of a server with its type and content, but for the scripts. */
async function everything(redis: StartedRedis): Promise<unknown> {
  const keys = (await redis.client.keys('*')).sort()
  return Promise.all(keys.map(async (key) => [key, (await redis.client.dumpBuffer(key))?.toString('hex')]))
}

/** What a server replies to bytes sent on a connection of their own. */
function answerTo(port: number, bytes: Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    socket.once('data', (reply: Buffer) => {
      socket.destroy()
      resolve(reply.toString())
    })
    socket.once('error', reject)
  })
}
