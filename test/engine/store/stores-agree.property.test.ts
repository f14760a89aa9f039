import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openLmdbStore } from '../../../engine/store/lmdb-store.ts'
import { openRedisStore } from '../../../engine/store/redis/redis-store.ts'
import type { Store, StoreWrite } from '../../../engine/store/store.ts'
import { dumpPartition } from '../../conformance/partition-dump.ts'
import { zeroMeta } from '../../conformance/store-workload.ts'
import { describeWithOwnRedis } from '../../parts/describe-with-parts.ts'
import { type StartedRedis, startRedis } from './redis/start-redis.ts'

const customers = ['a', 'b', 'c', 'd'.repeat(64), 'e:{x}', 'f/*']
const tokens = ['token-a', 'token-b', 'token-c']

/** One call; what of it depends on the store is filled in when it is made. */
type Step =
  | { readonly kind: 'acquire' | 'release'; readonly partition: number; readonly token: string }
  | { readonly kind: 'reopen' | 'create'; readonly partition: number }
  | { readonly kind: 'due'; readonly partition: number; readonly limit: number }
  | {
      readonly kind: 'commit'
      readonly partition: number
      readonly token: string
      /** Added to the seq the store is at, for a commit that is late, repeated or ahead of it. */
      readonly fromBy: number
      readonly by: number
      readonly writes: readonly {
        readonly who: number
        readonly what: StoreWrite['kind']
        readonly bytes: Uint8Array
      }[]
      readonly due: readonly { readonly who: number; readonly at: number }[]
      readonly outbox: Uint8Array | null
      readonly trimBy: number
      readonly number: number
    }

const partition = fc.integer({ min: 0, max: 1 })
const token = fc.constantFrom(...tokens)
const who = fc.nat({ max: customers.length - 1 })
const bytes = fc.uint8Array({ maxLength: 40 })
const what = fc.constantFrom<StoreWrite['kind']>('patch', 'patch', 'patch', 'base', 'base', 'erase')
const commit: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('commit' as const),
  partition,
  token: fc.oneof({ weight: 6, arbitrary: fc.constant('token-a') }, { weight: 1, arbitrary: token }),
  fromBy: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.integer({ min: -3, max: 2 }) }),
  by: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 2_000 }) }),
  writes: fc.array(fc.record({ who, what, bytes }), {
    maxLength: 5,
  }),
  due: fc.array(fc.record({ who, at: fc.oneof(fc.constantFrom(0, 1, 2), fc.maxSafeNat()) }), { maxLength: 4 }),
  outbox: fc.option(bytes, { nil: null }),
  trimBy: fc.integer({ min: 0, max: 4 }),
  number: fc.nat(),
})
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: commit },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('acquire' as const, 'release' as const), partition, token }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'create' as const), partition }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('due' as const), partition, limit: fc.nat({ max: customers.length }) }),
  },
)

await describeWithOwnRedis('the embedded store and Redis', () => {
  let redis: StartedRedis
  let dir = ''
  let places = 0
  beforeAll(async () => {
    redis = await startRedis({ settings: { appendonly: 'no' } })
    dir = await mkdtemp(join(tmpdir(), 'proffer-agree-'))
  })
  afterAll(async () => {
    await redis.stop()
    await rm(dir, { recursive: true, force: true })
  })

  it('answer and hold the same, byte for byte, whatever happens to them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        const place = places++
        const lmdb = await outcome(
          async () => openLmdbStore({ dir: join(dir, String(place)), journalBytes: 300 }),
          steps,
        )
        const other = await outcome(() => openRedisStore({ urls: [redis.url], prefix: `agree-${place}:` }), steps)
        expect(other).toEqual(lmdb)
      }),
      { numRuns: 40, seed: 20_260 },
    )
  }, 120_000)
})

/** All answers, and what is held at the end, of a fresh store that is taken through the steps. */
async function outcome(open: () => Promise<Store>, steps: readonly Step[]): Promise<unknown[]> {
  let store = await open()
  const told: unknown[] = []
  await store.create(0, zeroMeta)
  await store.create(1, zeroMeta)
  for (const partition of [0, 1]) told.push(await store.acquire(partition, 'token-a', 'node:1'))
  for (const step of steps) {
    if (step.kind === 'reopen') {
      await store.close()
      store = await open()
    } else {
      told.push(await answer(store, step))
    }
  }
  for (const partition of [0, 1]) told.push(await dumpPartition(store, partition, customers))
  await store.close()
  return told
}

async function answer(store: Store, step: Step): Promise<unknown> {
  if (step.kind === 'acquire') return store.acquire(step.partition, step.token, `node:${step.token}`)
  if (step.kind === 'release') return store.release(step.partition, step.token)
  if (step.kind === 'due') return store.due(step.partition, step.limit)
  if (step.kind !== 'commit') return store.create(step.partition, zeroMeta)
  const at = (await store.meta(step.partition))?.seq ?? 0
  const from = Math.max(0, at + step.fromBy)
  const counts = new Map<string, number>()
  // A customer that is erased has no other write in the commit.
  const erased = new Set(step.writes.filter((write) => write.what === 'erase').map(({ who }) => who))
  const kept = step.writes.filter(({ who, what }, i) =>
    erased.has(who) ? step.writes.findIndex((one) => one.who === who && one.what === 'erase') === i : what !== 'erase',
  )
  const writes = kept.map(({ who, what, bytes }): StoreWrite => {
    const customerId = customers[who] ?? ''
    const patches = counts.get(customerId) ?? 0
    counts.set(customerId, patches + 1)
    if (what === 'erase') return { kind: 'erase', customerId, at: step.number, tombstone: `tombstone-${who}` }
    if (what === 'base') return { kind: 'base', customerId, bytes, patches }
    return { kind: 'patch', customerId, index: patches, bytes }
  })
  return store.commit(step.partition, {
    token: step.token,
    from,
    to: from + step.by,
    meta: {
      ...zeroMeta,
      next: step.number,
      adopting: step.number % 3 === 0 ? { from: 1, to: step.number } : null,
      begun: step.number % 2 === 0 ? [{ activation: 1, at: step.number }] : [],
    },
    writes,
    due: step.due.map(({ who, at }) => ({ customerId: customers[who] ?? '', at })),
    outbox: step.outbox,
    trim: Math.max(0, from - step.trimBy),
    notAfter: null,
  })
}
