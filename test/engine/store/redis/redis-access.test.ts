import { execFileSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openRedisStore } from '../../../../engine/store/redis/redis-store.ts'
import { zeroMeta } from '../../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from './start-redis.ts'

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

if (!hasOpenssl && process.env['CI'] === 'true') throw new Error('openssl is missing: install it')

const describeAccess: typeof describeWithOwnRedis = hasOpenssl
  ? describeWithOwnRedis
  : async (name, body) => void describe.skip(name, body)

await describeAccess('access to Redis', () => {
  let dir = ''
  let redis: StartedRedis
  let tlsPort = 0
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-tls-'))
    const make = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
    make('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=redis.bank.example')
    const subject = ['-subj', '/CN=redis.bank.example', '-addext', 'subjectAltName=DNS:redis.bank.example']
    make('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', ...subject, '-keyout', 'key', '-out', 'cert')
    redis = await startRedis()
    tlsPort = redis.port + 10_000
    const tls = { 'tls-port': String(tlsPort), 'tls-cert-file': join(dir, 'cert'), 'tls-key-file': join(dir, 'key') }
    const files = { ...tls, 'tls-ca-cert-file': join(dir, 'cert'), 'tls-auth-clients': 'yes' }
    for (const name of ['tls-cert-file', 'tls-key-file', 'tls-ca-cert-file', 'tls-auth-clients', 'tls-port'] as const) {
      await redis.client.config('SET', name, files[name])
    }
    const rights = ['~proffer:*', '+@all', '-@dangerous', '+info']
    await redis.client.call('ACL', 'SETUSER', 'app', 'on', '>p@ss/word', ...rights)
  })
  afterAll(async () => {
    await redis.stop()
    await rm(dir, { recursive: true, force: true })
  })

  const tls = () => ({ caFile: join(dir, 'cert'), certFile: join(dir, 'cert'), keyFile: join(dir, 'key') })

  it('is by TLS, certificates of our own, a user with few rights and a password of odd signs', async () => {
    const store = await openRedisStore({
      urls: [`rediss://app:p%40ss%2Fword@127.0.0.1:${tlsPort}`],
      tls: { ...tls(), serverName: 'redis.bank.example' },
    })
    await store.create(0, zeroMeta)
    await store.acquire(0, 'token', '')
    const commit = {
      token: 'token',
      from: 0,
      to: 1,
      meta: zeroMeta,
      writes: [],
      due: [],
      outbox: Buffer.from('out'),
      trim: 0,
      notAfter: null,
    }
    expect(await store.commit(0, commit)).toEqual({ kind: 'applied' })
    expect(await store.outbox(0, 0, 1)).toMatchObject([{ seq: 1 }])
    await store.close()
  })

  it.each([
    ['a name that is not in the certificate', 'app:p%40ss%2Fword', 'other.bank.example'],
    ['a wrong password', 'app:wrong', 'redis.bank.example'],
  ])('refuses %s and shows no password', async (_, user, serverName) => {
    const opened = openRedisStore({ urls: [`rediss://${user}@127.0.0.1:${tlsPort}`], tls: { ...tls(), serverName } })
    const failure = await opened.catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'store_unavailable' })
    expect(JSON.stringify(failure) + String(failure)).not.toMatch(/wrong|p@ss/)
  })

  it('a file that is not there is told in a sentence', async () => {
    const opened = openRedisStore({ urls: [`rediss://127.0.0.1:${tlsPort}`], tls: { caFile: join(dir, 'missing') } })
    await expect(opened).rejects.toMatchObject({ code: 'store_unavailable', retryable: false })
  })
})
