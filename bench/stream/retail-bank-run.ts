/** Ours with the pack of a real bank, on the same servers: all event types, customers of a month in Redis. */
import { startChild } from '../servers/child.ts'
import { measureSpan, type Span } from '../servers/measure-span.ts'
import { prepareStore } from '../servers/prepare-store.ts'
import type { Progress } from '../servers/progress.ts'
import type { ServerEngineOptions } from '../servers/server-engine.ts'
import { partitions, type Servers } from '../servers/servers.ts'
import { fillTopic, makeTopics, removeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import type { TypicalStates } from '../step/typical-states.ts'
import { recentStream } from './recent-stream.ts'

export type RetailBankPlan = {
  readonly customers: number
  readonly events: number
  readonly warm: number
  readonly typical: TypicalStates
  readonly waitReplicas?: number
  /** Of Redis; that of the servers when absent. */
  readonly redisUrl?: string
  /** For the process of the engine. */
  readonly nodeArgs: readonly string[]
}

/** One run from a full topic to published decisions. */
export async function runRetailBank(servers: Servers, prefix: string, plan: RetailBankPlan): Promise<Span> {
  const { customers, events, typical } = plan
  const connections = { ...servers.connections, redisUrl: plan.redisUrl ?? servers.connections.redisUrl }
  const pack = await loadBenchPack('retail-bank')
  const redisPrefix = 'proffer:'
  await servers.flush()
  await prepareStore({
    redisUrl: connections.redisUrl,
    prefix: redisPrefix,
    pack,
    partitions,
    seed: { typical, customers },
  })
  const topic = `${prefix}events`
  await makeTopics(connections.brokers, [topic], partitions)
  const stream = recentStream({ seed: 12, customers, events })
  await fillTopic(connections.brokers, topic, { stream, events, partitions })
  const options: ServerEngineOptions = {
    ...connections,
    pack: 'retail-bank',
    prefix,
    redisPrefix,
    partitions,
    dir: servers.dir,
    node: `${prefix}bank`,
    // Room for all of them: what a smaller cache costs is the benchmark `embedded`.
    cacheMb: Math.max(256, Math.ceil((customers * 20) / 1_024)),
    waitReplicas: plan.waitReplicas ?? 0,
  }
  const child = startChild<Progress>(new URL('../servers/engine-child.ts', import.meta.url), options, plan.nodeArgs)
  const span = await measureSpan([child], servers, plan)
  await child.end()
  await removeTopics(connections.brokers, prefix)
  return span
}
