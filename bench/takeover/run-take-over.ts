/** Two engines share a load, one is killed: until the other one is up to date. */
import { setTimeout as sleep } from 'node:timers/promises'
import { sharedNow } from '../latency/gc-watch.ts'
import type { Marks } from '../server-latency/marks.ts'
import { type Counted, checkCounted } from '../servers/check-counted.ts'
import { type Child, startChild } from '../servers/child.ts'
import type { GeneratorMessage, KafkaGeneratorOptions, KafkaRunOrder } from '../servers/kafka-generator.ts'
import { prepareStore } from '../servers/prepare-store.ts'
import type { Progress } from '../servers/progress.ts'
import { offsetsOfRun } from '../servers/run-offsets.ts'
import type { ServerEngineOptions } from '../servers/server-engine.ts'
import { partitions, type Servers } from '../servers/servers.ts'
import { type Heard, openTopicEar } from '../servers/topic-ear.ts'
import { fillTopic, makeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import type { TypicalStates } from '../step/typical-states.ts'
import { recentOptions, recentStream } from '../stream/recent-stream.ts'
import { bankCacheMb } from '../stream/retail-bank-run.ts'
import { type TakeOver, takeOverTimes } from './take-over-times.ts'

export type TakeOverPlan = {
  readonly customers: number
  readonly typical: TypicalStates
  /** Events that both engines share to warm in. */
  readonly warm: number
  readonly rate: number
  /** The load goes on for so long before and after the kill. */
  readonly beforeSeconds: number
  readonly afterSeconds: number
  readonly sessionMs: number
}

type Engine = Child<Progress | Marks>

const redisPrefix = 'proffer:'
const warmSeed = 20
const seed = 21
const leadMs = 200
const doneWithinMs = 120_000

/** Resolves when every event was counted once in spite of the kill. */
export async function runTakeOver(
  servers: Servers,
  prefix: string,
  plan: TakeOverPlan,
): Promise<{ readonly takeOver: TakeOver; readonly counted: Counted }> {
  const { brokers } = servers.connections
  const topic = `${prefix}events`
  await openStore(servers, plan)
  await makeTopics(brokers, [topic, `${prefix}decisions`], partitions)
  const engines = ['one', 'two'].map((name) => startEngine(servers, prefix, `${prefix}${name}`, plan))
  const [doomed, survivor] = engines
  if (doomed === undefined || survivor === undefined) throw new Error('there are two engines')
  const done = countDone(engines)
  const generatorOptions: KafkaGeneratorOptions = { brokers, partitions }
  const generator = startChild<GeneratorMessage>(
    new URL('../servers/kafka-generator.ts', import.meta.url),
    generatorOptions,
  )
  const ready = generator.next(({ kind }) => kind === 'ready')
  const ear = await openTopicEar(brokers, [`${prefix}decisions`])
  await ready

  const { customers, warm, rate } = plan
  const appended = new Float64Array(partitions)
  const stream = recentStream({ seed: warmSeed, customers, events: warm })
  await fillTopic(brokers, topic, { stream, events: warm, partitions, appended })
  await until('both engines have shared the warm-up', () => done() >= warm)

  const events = Math.round(rate * (plan.beforeSeconds + plan.afterSeconds))
  const load = recentOptions({ seed, customers, events })
  const order: KafkaRunOrder = { topic, stream: load, rate, events, startAt: sharedNow() + leadMs }
  const sent = generator.next(({ kind }) => kind === 'sent')
  generator.send(order)
  await sleep(leadMs)
  await takeMarks(doomed)
  await sleep(plan.beforeSeconds * 1_000)
  const taken = new Set((await takeMarks(doomed)).batches.map(({ partition }) => partition))
  if (taken.size === 0 || taken.size === partitions) throw new Error('the two engines do not share the partitions')
  await takeMarks(survivor)
  const heard: Heard[] = []
  ear.take()
  const killedAt = sharedNow()
  await doomed.kill()
  await sent
  const offsets = offsetsOfRun(load, events, appended)
  await untilAtEnd(survivor, appended, taken)
  const drained = survivor.next(({ kind }) => kind === 'drained')
  survivor.send('drain')
  await drained
  const marks = await takeMarks(survivor)
  const left = new Map(marks.handed.map(({ partition, first, count }) => [partition, first + count - 1]))
  await until('all decisions were heard', () => {
    const more = ear.take()
    for (const { partition, offset } of more) if (offset >= (left.get(partition) ?? 0)) left.delete(partition)
    heard.push(...more)
    return left.size === 0
  })
  const { startAt } = order
  const takeOver = takeOverTimes({ killedAt, taken, marks, heard, seed, startAt, rate, offsets })
  await Promise.all([ear.close(), generator.end(), survivor.end()])
  return { takeOver, counted: await checkCounted(servers, { prefix, redisPrefix }, warm + events) }
}

async function openStore(servers: Servers, { customers, typical }: TakeOverPlan): Promise<void> {
  const pack = await loadBenchPack('retail-bank')
  await servers.flush()
  const { redisUrl } = servers.connections
  await prepareStore({ redisUrl, prefix: redisPrefix, pack, partitions, seed: { typical, customers } })
}

function startEngine(servers: Servers, prefix: string, node: string, plan: TakeOverPlan): Engine {
  const options: ServerEngineOptions = {
    ...servers.connections,
    pack: 'retail-bank',
    prefix,
    redisPrefix,
    partitions,
    dir: servers.dir,
    node,
    cacheMb: bankCacheMb(plan.customers),
    sessionTimeoutMs: plan.sessionMs,
  }
  return startChild(new URL('../server-latency/marked-engine.ts', import.meta.url), options)
}

/** Events that all of them have done together. */
function countDone(engines: readonly Engine[]): () => number {
  const last = new Map<Engine, number>()
  for (const engine of engines) {
    engine.onMessage((message) => {
      if (message.kind !== 'marks') last.set(engine, message.events)
    })
  }
  return () => [...last.values()].reduce((sum, events) => sum + events, 0)
}

async function untilAtEnd(engine: Engine, ends: Float64Array, taken: ReadonlySet<number>): Promise<void> {
  let next: Readonly<Record<number, number>> = {}
  engine.onMessage((message) => {
    if (message.kind !== 'marks') next = message.next
  })
  await until(`all of the ${taken.size} partitions taken over are decided to their end`, () =>
    ends.every((end, partition) => (next[partition] ?? 0) >= end),
  )
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const end = performance.now() + doneWithinMs
  while (!isSo()) {
    if (performance.now() > end) throw new Error(`two minutes are over before ${what}`)
    await sleep(20)
  }
}

async function takeMarks(engine: Engine): Promise<Marks> {
  const answer = engine.next(({ kind }) => kind === 'marks')
  engine.send('take')
  const marks = await answer
  if (marks.kind !== 'marks') throw new Error('an engine answers with its marks')
  return marks
}
