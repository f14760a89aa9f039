import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { checkRedis, type RedisCheck } from '../../../../engine/store/redis/check-redis.ts'
import { redisFacts } from '../../../../engine/store/redis/redis-facts.ts'
import { describeWithOwnRedis } from '../../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis, startRedisCluster, startRedisPair } from './start-redis.ts'

const about = ({ facts }: RedisCheck, subject: string) => facts.find((fact) => fact.subject === subject)

await describeWithOwnRedis('the check of a Redis server at start', () => {
  let redis: StartedRedis
  beforeAll(async () => {
    redis = await startRedis()
  })
  afterAll(() => redis.stop())
  afterEach(async () => {
    await redis.client.config('SET', 'maxmemory-policy', 'noeviction', 'appendonly', 'yes', 'save', '')
    await redis.client.call('ACL', 'DELUSER', 'app')
  })

  it('passes a server that keeps everything, and says what it is', async () => {
    const check = await checkRedis({ urls: [redis.url] })
    expect(check).toMatchObject({ refusals: [], isCluster: false, waitReplicas: 0 })
    expect(about(check, 'version')).toMatchObject({ verdict: 'ok', server: `127.0.0.1:${redis.port}` })
    expect(about(check, 'persistence')).toMatchObject({ verdict: 'ok', text: 'append only file, fsync everysec' })
    expect(about(check, 'eviction')).toMatchObject({ verdict: 'ok' })
    expect(about(check, 'replicas')).toMatchObject({ verdict: 'weak', text: expect.stringContaining('only copy') })
    expect(about(check, 'memory')).toMatchObject({ verdict: 'weak' })
  })

  it.each(['allkeys-lru', 'volatile-ttl', 'allkeys-random'])('refuses %s and says what to run', async (policy) => {
    await redis.client.config('SET', 'maxmemory-policy', policy)
    const { refusals } = await checkRedis({ urls: [redis.url] })
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).toContain(policy)
    expect(refusals[0]).toContain('CONFIG SET maxmemory-policy noeviction')
  })

  it('refuses eviction too where CONFIG is forbidden, and is content without it otherwise', async () => {
    await redis.client.call('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '&*', '+@all', '-config')
    const urls = [redis.url.replace('//', '//app:secret@')]
    expect(await checkRedis({ urls })).toMatchObject({ refusals: [] })
    await redis.client.config('SET', 'maxmemory-policy', 'allkeys-lfu')
    const check = await checkRedis({ urls })
    expect(check.refusals).toEqual([expect.stringContaining('allkeys-lfu')])
    expect(JSON.stringify(check)).not.toContain('secret')
  })

  it('calls a server weak that forgets at a restart', async () => {
    await redis.client.config('SET', 'appendonly', 'no')
    const nothing = await checkRedis({ urls: [redis.url] })
    expect(about(nothing, 'persistence')).toMatchObject({
      verdict: 'weak',
      text: expect.stringContaining('everything'),
    })
    await redis.client.config('SET', 'save', '3600 1')
    const snapshots = await checkRedis({ urls: [redis.url] })
    expect(about(snapshots, 'persistence')).toMatchObject({
      verdict: 'weak',
      text: expect.stringContaining('snapshot'),
    })
    expect(nothing.refusals).toEqual([])
  })

  it('refuses a replica, counts those of a primary and waits for one of them', async () => {
    const pair = await startRedisPair()
    try {
      const check = await checkRedis({ urls: [pair.primary.url] })
      expect(check).toMatchObject({ refusals: [], waitReplicas: 1 })
      expect(about(check, 'replicas')).toMatchObject({ verdict: 'ok', text: expect.stringContaining('1 replicas') })
      const two = await checkRedis({ urls: [pair.primary.url], waitReplicas: 2 })
      expect(about(two, 'replicas')).toMatchObject({ verdict: 'weak' })
      const { refusals } = await checkRedis({ urls: [pair.replica.url] })
      expect(refusals).toEqual([expect.stringContaining(`replica of 127.0.0.1:${pair.primary.port}`)])
    } finally {
      await pair.stop()
    }
  })

  it('looks at every primary of a cluster', async () => {
    const cluster = await startRedisCluster()
    try {
      const sound = await checkRedis({ urls: cluster.urls.slice(5) })
      expect(sound).toMatchObject({ refusals: [], isCluster: true, waitReplicas: 1 })
      expect(sound.facts.filter(({ subject, verdict }) => subject === 'cluster' && verdict === 'ok')).toHaveLength(3)
      await cluster.nodes[1]?.client.config('SET', 'cluster-require-full-coverage', 'yes')
      const brittle = await checkRedis({ urls: cluster.urls.slice(5) })
      const weak = brittle.facts.filter(({ subject, verdict }) => subject === 'cluster' && verdict === 'weak')
      expect(weak).toMatchObject([{ server: `127.0.0.1:${cluster.nodes[1]?.port}` }])
      for (const { client } of cluster.nodes.slice(2, 3)) await client.config('SET', 'maxmemory-policy', 'allkeys-lru')
      const { refusals } = await checkRedis({ urls: cluster.urls.slice(0, 1) })
      expect(refusals).toEqual([expect.stringContaining(`:${cluster.nodes[2]?.port}: maxmemory-policy`)])
    } finally {
      await cluster.stop()
    }
  }, 60_000)

  it('says in a sentence when nobody answers', async () => {
    const failure = checkRedis({ urls: ['redis://127.0.0.1:1'] })
    await expect(failure).rejects.toMatchObject({ code: 'store_unavailable', retryable: true })
  })

  it('says in a sentence when several URLs name servers of no cluster', async () => {
    const failure = checkRedis({ urls: [redis.url, redis.url] })
    await expect(failure).rejects.toMatchObject({ code: 'store_unavailable', retryable: false })
    await expect(failure).rejects.toThrow(/one Redis Cluster/)
  })

  it.each([
    'http://127.0.0.1:6379',
    'redis://',
    'redis://host:port',
    'redis://user:top-secret@host/0?family=6',
    'redis://user:top-secret@host/zero',
    '',
  ])('refuses the URL %j without showing it', async (url) => {
    const failure = await checkRedis({ urls: [url] }).catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'store_unavailable', retryable: false })
    expect(String(failure)).toContain('A Redis URL is')
    expect(String(failure)).not.toContain('top-secret')
  })
})

describe('the facts of a Redis server', () => {
  const healthy =
    'redis_version:7.2.4\r\nrole:master\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nmaxmemory:1048576\r\n'
  const verdicts = (info: string, cluster: string | null = null) =>
    redisFacts({ info, config: null, cluster, waitReplicas: 0 })
      .filter(({ verdict }) => verdict === 'refused')
      .map(({ subject }) => subject)

  it.each([
    ['6.2.0', []],
    ['6.2.14', []],
    ['10.0.1', []],
    ['6.0.20', ['version']],
    ['5.0.14', ['version']],
    ['unknown', ['version']],
  ])('version %s is judged as a number, part by part', (version, refused) => {
    expect(verdicts(healthy.replace('7.2.4', version))).toEqual(refused)
  })

  it('a cluster that lacks slots is refused', () => {
    expect(verdicts(healthy, 'cluster_state:ok\r\ncluster_slots_ok:16384\r\n')).toEqual([])
    expect(verdicts(healthy, 'cluster_state:fail\r\ncluster_slots_ok:10923\r\n')).toEqual(['cluster'])
  })

  it('a policy that nobody tells is not taken for a good one', () => {
    expect(verdicts(healthy.replace('maxmemory_policy:noeviction\r\n', ''))).toEqual(['eviction'])
  })
})
