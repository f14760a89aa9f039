import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openRedisStore } from '../../../../engine/store/redis/redis-store.ts'
import type { Commit, CommitReply, Store } from '../../../../engine/store/store.ts'
import {
  expectedDue,
  expectedStates,
  storedStates,
  workloadCommit,
  zeroMeta,
} from '../../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { patiently } from './patiently.ts'
import { type StartedRedis, startRedisPair, until } from './start-redis.ts'
import { Wire } from './wire.ts'

await describeWithOwnRedis('a store with a replica', () => {
  let pair: { primary: StartedRedis; replica: StartedRedis; stop(): Promise<void> }
  let wire: Wire
  let store: Store
  const open = async (waitReplicas: number | 'auto', timeoutMs = 1_000): Promise<void> => {
    store = await openRedisStore({ urls: [wire.url], timeoutMs, waitReplicas })
    await patiently(() => store.create(0, zeroMeta))
    await patiently(() => store.acquire(0, 'token', ''))
  }
  beforeEach(async () => {
    pair = await startRedisPair()
    wire = await Wire.to(pair.primary.port)
  })
  afterEach(async () => {
    await store.close()
    wire.stop()
    await pair.stop()
  })

  const run = async (from: number, to: number): Promise<void> => {
    for (let seq = from + 1; seq <= to; seq++) {
      expect(await resend(workloadCommit('token', seq))).toEqual({ kind: 'applied' })
    }
  }
  const resend = (commit: Commit): Promise<CommitReply> => patiently(() => store.commit(0, commit))
  const states = () => patiently(() => storedStates(store))
  const seqOn = (server: StartedRedis) => server.client.hget('proffer:{p0}:meta', 'seq')

  it('calls a commit applied when the replica has it, without being told to wait', async () => {
    await open('auto')
    await run(0, 20)
    expect(await seqOn(pair.replica)).toBe('20')
    expect(await pair.primary.client.info('commandstats')).toMatch(/cmdstat_wait:calls=[2-9][0-9],/)
  })

  it('leaves a commit in doubt while the replica is cut off, also when it is sent again over another connection', async () => {
    await open('auto')
    await run(0, 3)
    process.kill(pair.replica.pid(), 'SIGSTOP')
    const commit = workloadCommit('token', 4)
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(store.commit(0, commit)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
      wire.cut()
      await until(() => wire.open === 4)
      await sleep(50)
    }
    expect(await seqOn(pair.primary)).toBe('4')
    process.kill(pair.replica.pid(), 'SIGCONT')
    expect(await resend(commit)).toEqual({ kind: 'applied' })
    expect(await seqOn(pair.replica)).toBe('4')
  })

  it('holds up neither loads nor the commits of other partitions while one waits', async () => {
    // WAIT lasts half of that, longer than a busy machine needs for the rest.
    await open(1, 20_000)
    await patiently(() => store.create(1, zeroMeta))
    await patiently(() => store.acquire(1, 'token', ''))
    await run(0, 1)
    process.kill(pair.replica.pid(), 'SIGSTOP')
    let answered = 0
    const told = (reply: CommitReply): CommitReply => {
      answered++
      return reply
    }
    const waiting = [store.commit(0, workloadCommit('token', 2)).then(told)]
    await sleep(20)
    waiting.push(store.commit(1, workloadCommit('token', 1)).then(told))
    await until(async () => (await pair.primary.client.hget('proffer:{p1}:meta', 'seq')) === '1')
    expect(await store.load(1, ['C0', 'C1'])).toHaveLength(2)
    expect(answered).toBe(0)
    process.kill(pair.replica.pid(), 'SIGCONT')
    expect(await Promise.all(waiting)).toEqual([{ kind: 'applied' }, { kind: 'applied' }])
  })

  it('writes when a commit is repeated, so that its WAIT waits on every version of Redis', async () => {
    await open(1)
    await run(0, 3)
    const offset = async () =>
      Number(/master_repl_offset:(\d+)/.exec(await pair.primary.client.info('replication'))?.[1])
    const before = await offset()
    expect(await resend(workloadCommit('token', 3))).toEqual({ kind: 'applied' })
    // More than the pings to the replica that may fall in between.
    expect((await offset()) - before).toBeGreaterThan(60)
  })

  it('tells an owner that it was replaced although no replica answers', async () => {
    await open(1)
    await run(0, 2)
    await pair.primary.client.hset('proffer:{p0}:meta', 'token', 'another')
    process.kill(pair.replica.pid(), 'SIGSTOP')
    expect(await store.commit(0, workloadCommit('token', 3))).toEqual({ kind: 'fenced' })
    process.kill(pair.replica.pid(), 'SIGCONT')
  })

  it('reaches the new primary behind the same address with the same bytes', async () => {
    await open(1)
    await run(0, 5)
    await pair.replica.client.replicaof('NO', 'ONE')
    await pair.primary.client.replicaof('127.0.0.1', String(pair.replica.port))
    wire.lead(pair.replica.port)
    const commit = workloadCommit('token', 6)
    // The connections are still up, to a server that is a replica now.
    await expect(store.commit(0, commit)).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
    expect(await resend(commit)).toEqual({ kind: 'applied' })
    expect(await seqOn(pair.replica)).toBe('6')
    expect(await states()).toEqual(expectedStates(6))
    await until(async () => (await seqOn(pair.primary)) === '6')
  })

  it('is found rewound by the next commit after a failover to a replica that lacks the last ones', async () => {
    await open(0)
    await run(0, 10)
    await until(async () => (await seqOn(pair.replica)) === '10')
    await pair.replica.client.replicaof('NO', 'ONE')
    await run(10, 17)
    await pair.primary.kill()
    wire.lead(pair.replica.port)
    expect(await resend(workloadCommit('token', 18))).toEqual({ kind: 'seq_mismatch', stored: 10 })
    // Taken again, it goes on from where the store is.
    expect(await patiently(() => store.acquire(0, 'token-b', ''))).toMatchObject({ seq: 10 })
    expect(await states()).toEqual(expectedStates(10))
    expect(await resend(workloadCommit('token-b', 11))).toEqual({ kind: 'applied' })
  })

  it('never reads from an old primary that does not know it was replaced', async () => {
    await open(0)
    await run(0, 5)
    await until(async () => (await seqOn(pair.replica)) === '5')
    // Both take writes now; only the connection that reads, the first one, stays at the old primary.
    await pair.replica.client.replicaof('NO', 'ONE')
    wire.lead(pair.replica.port)
    wire.cut(1)
    await until(() => wire.open === 2)
    for (let seq = 6; seq <= 8; seq++) expect(await resend(workloadCommit('token', seq))).toEqual({ kind: 'applied' })
    expect(await seqOn(pair.primary)).toBe('5')
    // At once: the first that notices has the connection made anew.
    for (const read of await Promise.allSettled([store.due(0, 10), store.load(0, ['C0'])])) {
      expect(read).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable', retryable: true } })
    }
    expect(await states()).toEqual(expectedStates(8))
    expect(await store.due(0, 100)).toEqual(expectedDue(8))
  })
})
