/** One kind of customer in Redis and in a worker: a month in the store, then more events through the real engine. */
import { setTimeout as sleep } from 'node:timers/promises'
import { defaultPrefix, KeyNames } from '../../engine/store/redis/key-names.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { withRedisAt } from '../parts/redis-server.ts'
import { shown } from '../report.ts'
import { checkCounted } from '../servers/check-counted.ts'
import { startChild } from '../servers/child.ts'
import { prepareStore } from '../servers/prepare-store.ts'
import { type Progress, tell } from '../servers/progress.ts'
import { redisUsage } from '../servers/redis-usage.ts'
import type { ServerEngineOptions } from '../servers/server-engine.ts'
import { partitions, type Servers } from '../servers/servers.ts'
import { fillTopic, makeTopics, removeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import type { TypicalStates } from '../step/typical-states.ts'
import { recentStream } from '../stream/recent-stream.ts'
import { streamCustomerId } from '../workload/stream.ts'
import type { UsageMessage } from './memory-engine.ts'

/** Bytes a customer. */
export type LifeBytes = {
  /** Mean length of the stored base, nothing around it. */
  readonly base: number
  /** `used_memory` of Redis over the customers, with nothing but their bases, and after more events (bases and patches). */
  readonly redisBases: number
  readonly redisLived: number
  /** `MEMORY USAGE` of the state's key after those events: mean and most of a sample. */
  readonly keyMean: number
  readonly keyMost: number
  /** By the account of the worker's cache. */
  readonly cache: number
  /** Rise of the whole process' resident memory while it took them in: cache, and everything that grew beside it. */
  readonly resident: number
  readonly cached: number
}

export type LifePlan = {
  readonly customers: number
  readonly states: TypicalStates
  readonly eventsEach: number
  readonly cacheMb: number
}

const sampled = 1_000
/** Behind the last event: the outbox is trimmed by an empty commit after a second. */
const settleMs = 2_500
const doneWithinMs = 180_000

/** @throws Error when an event is not counted once, or the cache had no room for everybody */
export async function measureLife(servers: Servers, prefix: string, plan: LifePlan): Promise<LifeBytes> {
  const { customers, states, eventsEach, cacheMb } = plan
  const { redisUrl, brokers } = servers.connections
  const pack = await loadBenchPack('retail-bank')
  await servers.flush()
  await prepareStore({ redisUrl, prefix: defaultPrefix, pack, partitions, seed: null })
  const empty = (await redisUsage(redisUrl)).memoryBytes
  await servers.flush()
  const seed = { typical: states, customers }
  await prepareStore({ redisUrl, prefix: defaultPrefix, pack, partitions, seed })
  const bases = (await redisUsage(redisUrl)).memoryBytes

  tell(`${shown(customers)} customers are in Redis, each is given ${eventsEach} more events ...`)
  await makeTopics(brokers, [`${prefix}events`], partitions)
  const options: ServerEngineOptions = {
    ...servers.connections,
    pack: 'retail-bank',
    prefix,
    redisPrefix: defaultPrefix,
    partitions,
    dir: servers.dir,
    node: `${prefix}engine`,
    cacheMb,
  }
  const child = startChild<Progress | UsageMessage>(new URL('memory-engine.ts', import.meta.url), options)
  let done = 0
  child.onMessage((message) => {
    if (message.kind !== 'usage') done = message.events
  })
  const toldUsage = async (): Promise<UsageMessage> => {
    const said = await child.next(({ kind }) => kind === 'usage')
    if (said.kind !== 'usage') throw new Error('the engine tells its usage')
    return said
  }
  const before = await toldUsage()
  const events = customers * eventsEach
  // As in the other benchmarks; a seed of its own, so that no event is a repeat.
  await fillTopic(brokers, `${prefix}events`, {
    stream: recentStream({ seed: 30, customers, events }),
    events,
    partitions,
  })
  const until = performance.now() + doneWithinMs
  while (done < events) {
    if (performance.now() > until) throw new Error(`${done} of ${events} events were decided in three minutes`)
    await sleep(20)
  }
  await sleep(settleMs)
  const answer = toldUsage()
  child.send('usage')
  const after = await answer
  const lived = (await redisUsage(redisUrl)).memoryBytes
  const keys = await keyBytes(redisUrl, customers)
  await child.end()
  await checkCounted(servers, { prefix, redisPrefix: defaultPrefix }, events)
  await removeTopics(brokers, prefix)
  return {
    base: states.meanBytes,
    redisBases: (bases - empty) / customers,
    redisLived: (lived - empty) / customers,
    keyMean: keys.reduce((sum, bytes) => sum + bytes, 0) / keys.length,
    keyMost: Math.max(...keys),
    cache: (after.bytes - before.bytes) / (after.customers - before.customers),
    resident: (after.residentBytes - before.residentBytes) / (after.customers - before.customers),
    cached: after.customers,
  }
}

/** `MEMORY USAGE` of the states of some customers, from all over the ranks of activity. */
async function keyBytes(redisUrl: string, customers: number): Promise<readonly number[]> {
  const names = new KeyNames(defaultPrefix)
  const count = Math.min(sampled, customers)
  return withRedisAt(redisUrl, async (redis) => {
    const found: number[] = []
    for (let i = 0; i < count; i++) {
      const id = streamCustomerId(Math.floor((i * customers) / count))
      const bytes = await redis.memory('USAGE', names.state(partitionOf(id, partitions), id))
      if (bytes === null) throw new Error('every customer has a state')
      found.push(bytes)
    }
    return found
  })
}
