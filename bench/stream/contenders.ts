/** Who is compared, and how each is started on a round's topic. */
import { type Child, startChild } from '../servers/child.ts'
import type { SpanPlan } from '../servers/measure-span.ts'
import { prepareStore } from '../servers/prepare-store.ts'
import type { Progress } from '../servers/progress.ts'
import type { ServerEngineOptions } from '../servers/server-engine.ts'
import { partitions, type Servers } from '../servers/servers.ts'
import { makeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { ourHits, peerHits } from './found-hits.ts'
import type { Hits } from './hits.ts'
import type { PopularStackOptions } from './peers/popular-stack.ts'

export const contenderNames = [
  'ours',
  'zen-engine',
  'json-rules-engine',
  'zen-engine, batched',
  'zen-engine, batched, two processes',
] as const
export type ContenderName = (typeof contenderNames)[number]

/** Of the names that a comparison has. */
export type Contender<Name extends string = ContenderName> = {
  readonly name: Name
  readonly plan: SpanPlan
  /** Starts it at the beginning of the topic `<prefix>events`, with an empty Redis. */
  start(servers: Servers, prefix: string): Promise<readonly Child<Progress>[]>
  /** The hits it let out. */
  hits(servers: Servers, prefix: string): Promise<Hits>
}

/**
 * @param events of the topic: ours decides all of them, the others as many as fit about the same time
 * @param nodeArgs for the process of ours, such as `--cpu-prof`
 */
export function createContenders(events: number, nodeArgs: readonly string[]): readonly Contender[] {
  const part = (share: number): SpanPlan => ({
    warm: Math.floor((events * share) / 4),
    events: Math.floor(events * share),
  })
  return [
    ourContender(events, nodeArgs),
    peer('zen-engine', part(0.08), 1, { rules: 'zen-engine', style: 'message' }),
    peer('json-rules-engine', part(0.025), 1, { rules: 'json-rules-engine', style: 'message' }),
    peer('zen-engine, batched', part(0.16), 1, { rules: 'zen-engine', style: 'batch' }),
    peer('zen-engine, batched, two processes', part(0.16), 2, { rules: 'zen-engine', style: 'batch' }),
  ]
}

/**
 * The engine with the pack of the eight counters and twenty rules. It decides all events; the first three of ten warm it in.
 * @param nodeArgs for its process, such as `--cpu-prof`
 */
export function ourContender(events: number, nodeArgs: readonly string[]): Contender<'ours'> {
  return {
    name: 'ours',
    plan: { warm: Math.floor(events * 0.3), events },
    start: (servers, prefix) => startOurs(servers, prefix, nodeArgs),
    hits: ({ connections }, prefix) => ourHits(connections.brokers, `${prefix}decisions`),
  }
}

async function startOurs(
  { connections, dir }: Servers,
  prefix: string,
  nodeArgs: readonly string[],
): Promise<readonly Child<Progress>[]> {
  const redisPrefix = 'proffer:'
  const pack = await loadBenchPack('card')
  await prepareStore({ redisUrl: connections.redisUrl, prefix: redisPrefix, pack, partitions, seed: null })
  const options: ServerEngineOptions = {
    ...connections,
    pack: 'card',
    prefix,
    redisPrefix,
    partitions,
    dir,
    node: `${prefix}ours`,
    cacheMb: 512,
  }
  return [startChild(new URL('../servers/engine-child.ts', import.meta.url), options, nodeArgs)]
}

function peer(
  name: ContenderName,
  plan: SpanPlan,
  processes: number,
  how: Pick<PopularStackOptions, 'rules' | 'style'>,
): Contender {
  const id = name.replaceAll(/\W+/g, '-')
  const topicOf = (prefix: string) => `${prefix}${id}-decisions`
  return {
    name,
    plan,
    async start({ connections }, prefix) {
      await makeTopics(connections.brokers, [topicOf(prefix)], partitions)
      const options: PopularStackOptions = {
        ...connections,
        ...how,
        topic: `${prefix}events`,
        decisionsTopic: topicOf(prefix),
        group: `${prefix}${id}`,
        keyPrefix: 'customer:',
      }
      const module = new URL('peers/popular-stack.ts', import.meta.url)
      return Array.from({ length: processes }, () => startChild<Progress>(module, options))
    },
    hits: ({ connections }, prefix) => peerHits(connections.brokers, topicOf(prefix)),
  }
}
