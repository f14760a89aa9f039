/**
 * CPU time of Redis and bytes for each event: the commits of the store next to counters in a hash, one HINCRBY a feature.
 * One event a customer and commit, which is the dearest mix for the store: an event that shares its customer shares the APPEND.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { firstMeta } from '../../engine/store/init-store.ts'
import { openRedisStore } from '../../engine/store/redis/redis-store.ts'
import type { Store, StoreWrite } from '../../engine/store/store.ts'
import { startRedis } from '../parts/redis.ts'
import type { RedisServer } from '../parts/redis-server.ts'
import { type BenchResult, machine, median } from '../report.ts'
import { createRandom } from '../workload/random.ts'

const rounds = 5
const batches = 150
const customersABatch = 256
const customers = 20_000
const features = 8
/** A patch of several events, with nothing written anew. */
const largePatchBytes = 60
/** A typical customer, as the benchmark `state` finds it: patch of an event, base, and how many patches lie between two bases. */
const patchBytes = 27
const baseBytes = 4_150
const patchesABase = 23
const outboxBytes = 8_000

/** What one contender cost over one round, for each event. */
type Cost = { readonly cpuUs: number; readonly bytes: number; readonly tripUs: number }

/** Measures in about half a minute. */
export async function benchStore(): Promise<BenchResult> {
  const redis = await startRedis()
  const client = new Redis(redis.url, { maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {})
  try {
    await client.ping()
    const contenders: Readonly<Record<string, () => Promise<Cost>>> = {
      'commit of patches': () => commits(redis, client, largePatchBytes, () => false),
      'commit with bases': () => commits(redis, client, patchBytes, (i) => i % patchesABase === 0),
      'load of states': () => loads(redis, client),
      [`${features} HINCRBY`]: () => counters(client),
    }
    const costs = new Map<string, Cost[]>(Object.keys(contenders).map((name) => [name, []]))
    for (let round = 0; round < rounds; round++) {
      for (const [name, run] of Object.entries(contenders)) {
        await client.flushall()
        costs.get(name)?.push(await run())
      }
    }
    return resultOf(costs)
  } finally {
    client.disconnect()
    await redis.stop()
  }
}

function resultOf(costs: ReadonlyMap<string, readonly Cost[]>): BenchResult {
  const of = (name: string, what: keyof Cost) => median((costs.get(name) ?? []).map((cost) => cost[what]))
  const counters = `${features} HINCRBY`
  const figures: Record<string, number> = {}
  for (const name of costs.keys()) {
    figures[`${name}: Redis CPU us an event`] = of(name, 'cpuUs')
    figures[`${name}: bytes to Redis an event`] = of(name, 'bytes')
    figures[`${name}: round trip us an event`] = of(name, 'tripUs')
  }
  return {
    name: 'store',
    ratios: {
      [`Redis CPU, commit of patches to ${counters}`]: of('commit of patches', 'cpuUs') / of(counters, 'cpuUs'),
      [`Redis CPU, commit with bases to ${counters}`]: of('commit with bases', 'cpuUs') / of(counters, 'cpuUs'),
      [`bytes to Redis, commit of patches to ${counters}`]: of('commit of patches', 'bytes') / of(counters, 'bytes'),
    },
    figures,
    machine: machine(),
  }
}

/** @param isBase whether the i-th write of the round is a base */
async function commits(
  redis: RedisServer,
  client: Redis,
  bytes: number,
  isBase: (i: number) => boolean,
): Promise<Cost> {
  return withStore(redis, async (store) => {
    const pick = createRandom(1, 'store')
    const patch = Buffer.alloc(bytes, 1)
    const base = Buffer.alloc(baseBytes, 1)
    const outbox = Buffer.alloc(outboxBytes, 1)
    return measured(client, batches * customersABatch, async () => {
      for (let seq = 1; seq <= batches; seq++) {
        const writes = Array.from({ length: customersABatch }, (_, i): StoreWrite => {
          const customerId = `customer-${pick.below(customers)}`
          return isBase(seq * customersABatch + i)
            ? { kind: 'base', customerId, bytes: base, patches: patchesABase }
            : { kind: 'patch', customerId, index: 0, bytes: patch }
        })
        const meta = { ...firstMeta('pack'), next: seq * customersABatch, clock: seq, published: seq - 1 }
        const commit = {
          token: 'token',
          from: seq - 1,
          to: seq,
          meta,
          writes,
          due: [],
          outbox,
          trim: seq - 1,
          notAfter: null,
        }
        const reply = await store.commit(0, commit)
        if (reply.kind !== 'applied') throw new Error(`the commit was not applied: ${reply.kind}`)
      }
    })
  })
}

/** Customers with a base and half of the patches they may have, 256 a call. */
async function loads(redis: RedisServer, client: Redis): Promise<Cost> {
  return withStore(redis, async (store) => {
    const ids = Array.from({ length: 4_096 }, (_, i) => `customer-${i}`)
    const bases = ids.map((customerId): StoreWrite => {
      return { kind: 'base', customerId, bytes: Buffer.alloc(baseBytes, 1), patches: 0 }
    })
    const rest = { token: 'token', meta: firstMeta('pack'), due: [], outbox: null, trim: 0, notAfter: null }
    await store.commit(0, { ...rest, from: 0, to: 1, writes: bases })
    for (let seq = 1; seq <= patchesABase / 2; seq++) {
      const writes = ids.map((customerId): StoreWrite => {
        return { kind: 'patch', customerId, index: seq, bytes: Buffer.alloc(patchBytes, 1) }
      })
      await store.commit(0, { ...rest, from: seq, to: seq + 1, writes })
    }
    const pick = createRandom(2, 'store')
    return measured(client, batches * customersABatch, async () => {
      for (let call = 0; call < batches; call++) {
        const asked = Array.from({ length: customersABatch }, () => ids[pick.below(ids.length)] ?? '')
        const found = await store.load(0, asked)
        if (found.includes(null)) throw new Error('a state is missing')
      }
    })
  })
}

async function counters(client: Redis): Promise<Cost> {
  const pick = createRandom(1, 'store')
  return measured(client, batches * customersABatch, async () => {
    for (let batch = 0; batch < batches; batch++) {
      const pipeline = client.pipeline()
      for (let i = 0; i < customersABatch; i++) {
        const key = `proffer:{p0}:c:customer-${pick.below(customers)}`
        for (let feature = 0; feature < features; feature++) pipeline.hincrby(key, `feature-${feature}`, 1)
      }
      await pipeline.exec()
    }
  })
}

async function withStore<T>(redis: RedisServer, use: (store: Store) => Promise<T>): Promise<T> {
  const store = await openRedisStore({ urls: [redis.url], waitReplicas: 0 })
  try {
    await store.create(0, firstMeta('pack'))
    await store.acquire(0, 'token', '')
    return await use(store)
  } finally {
    await store.close()
  }
}

async function measured(client: Redis, events: number, run: () => Promise<void>): Promise<Cost> {
  // Redis frees flushed keys in the background; that is nobody's cost.
  await sleep(100)
  const before = await usage(client)
  const started = performance.now()
  await run()
  const ms = performance.now() - started
  const after = await usage(client)
  return {
    cpuUs: ((after.cpuSeconds - before.cpuSeconds) * 1e6) / events,
    bytes: (after.bytes - before.bytes) / events,
    tripUs: (ms * 1_000) / events,
  }
}

/** CPU time of the server's main thread and bytes it was sent. */
async function usage(client: Redis): Promise<{ cpuSeconds: number; bytes: number }> {
  const info = await client.info()
  const field = (name: string) => Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1])
  return {
    cpuSeconds: field('used_cpu_user_main_thread') + field('used_cpu_sys_main_thread'),
    bytes: field('total_net_input_bytes'),
  }
}
