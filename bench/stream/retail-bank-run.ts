/** Ours with the pack of a real bank, on the same servers: all event types, customers of a month in Redis. */
import { checkCounted } from '../servers/check-counted.ts'
import { type Child, startChild } from '../servers/child.ts'
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
  /** For the process of the engine. */
  readonly nodeArgs: readonly string[]
}

const redisPrefix = 'proffer:'

/** One run from a full topic to published decisions. */
export async function runRetailBank(servers: Servers, prefix: string, plan: RetailBankPlan): Promise<Span> {
  await fillBankTopic(servers, prefix, plan)
  const span = await drainBankTopic(servers, prefix, plan)
  await removeTopics(servers.connections.brokers, prefix)
  return span
}

/** Makes the topic `<prefix>events` with all events of a run. They stay fresh for ten minutes. */
export async function fillBankTopic(servers: Servers, prefix: string, plan: RetailBankPlan): Promise<void> {
  const { customers, events } = plan
  const { brokers } = servers.connections
  const topic = `${prefix}events`
  await makeTopics(brokers, [topic], partitions)
  await fillTopic(brokers, topic, { stream: recentStream({ seed: 12, customers, events }), events, partitions })
}

/** Empties Redis, gives it the customers, and lets an engine decide the whole topic; every event is to be counted once. */
export async function drainBankTopic(servers: Servers, prefix: string, plan: RetailBankPlan): Promise<Span> {
  const child = await startBankEngine(servers, prefix, plan)
  const span = await measureSpan([child], servers, plan)
  await child.end()
  await checkCounted(servers, { prefix, redisPrefix }, plan.events)
  return span
}

async function startBankEngine(servers: Servers, prefix: string, plan: RetailBankPlan): Promise<Child<Progress>> {
  const { customers, typical } = plan
  const pack = await loadBenchPack('retail-bank')
  const { redisUrl } = servers.connections
  await servers.flush()
  await prepareStore({ redisUrl, prefix: redisPrefix, pack, partitions, seed: { typical, customers } })
  const options: ServerEngineOptions = {
    ...servers.connections,
    pack: 'retail-bank',
    prefix,
    redisPrefix,
    partitions,
    dir: servers.dir,
    node: `${prefix}bank`,
    cacheMb: bankCacheMb(customers),
  }
  return startChild(new URL('../servers/engine-child.ts', import.meta.url), options, plan.nodeArgs)
}

/** Room for all of them: what a smaller cache costs is the benchmark `embedded`. */
export function bankCacheMb(customers: number): number {
  return Math.max(256, Math.ceil((customers * 20) / 1_024))
}
