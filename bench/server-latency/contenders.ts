/** The parts of the measurement: engine, echo and generator as processes, and the ear that hears what they let out. */
import { type Child, startChild } from '../servers/child.ts'
import type { GeneratorMessage, KafkaGeneratorOptions } from '../servers/kafka-generator.ts'
import { prepareStore } from '../servers/prepare-store.ts'
import type { Progress } from '../servers/progress.ts'
import type { ServerEngineOptions } from '../servers/server-engine.ts'
import { partitions, type Servers } from '../servers/servers.ts'
import { openTopicEar, type TopicEar } from '../servers/topic-ear.ts'
import { makeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import type { TypicalStates } from '../step/typical-states.ts'
import { bankCacheMb } from '../stream/retail-bank-run.ts'
import type { EchoOptions } from './echo-consumer.ts'
import type { Marks } from './marks.ts'

export type ContenderName = 'engine' | 'echo'

/** A process that reads one topic and writes another. */
export type Contender = {
  readonly name: ContenderName
  readonly topic: string
  readonly outTopic: string
  readonly child: Child<Progress | Marks>
  /** What it told last. */
  readonly progress: () => Progress | null
  /** Next offset of each partition of its topic: what the runs before appended. */
  readonly appended: Float64Array
}

export type LatencyBench = {
  readonly servers: Servers
  readonly prefix: string
  readonly redisPrefix: string
  readonly customers: number
  readonly contenders: Readonly<Record<ContenderName, Contender>>
  readonly generator: Child<GeneratorMessage>
  readonly ear: TopicEar
  close(): Promise<void>
}

/** The retail-bank pack answers about one event in seven with a decision record. */
const echoEvery = 7
const redisPrefix = 'proffer:'

/** Makes the topics and the store with its customers, and starts everything. */
export async function openLatencyBench(
  servers: Servers,
  { customers, typical }: { readonly customers: number; readonly typical: TypicalStates },
): Promise<LatencyBench> {
  const { prefix, connections, dir } = servers
  const { brokers, redisUrl } = connections
  const pack = await loadBenchPack('retail-bank')
  await servers.flush()
  await prepareStore({ redisUrl, prefix: redisPrefix, pack, partitions, seed: { typical, customers } })
  const topics = { events: `${prefix}events`, decisions: `${prefix}decisions` }
  const echoTopics = { events: `${prefix}echo-events`, out: `${prefix}echo-out` }
  await makeTopics(brokers, [...Object.values(topics), ...Object.values(echoTopics)], partitions)
  const engineOptions: ServerEngineOptions = {
    ...connections,
    pack: 'retail-bank',
    prefix,
    redisPrefix,
    partitions,
    dir,
    node: `${prefix}engine`,
    cacheMb: bankCacheMb(customers),
  }
  const echoOptions: EchoOptions = {
    brokers,
    topic: echoTopics.events,
    outTopic: echoTopics.out,
    group: `${prefix}echo`,
    partitions,
    every: echoEvery,
  }
  const engine = startContender('engine', 'marked-engine.ts', engineOptions, topics.events, topics.decisions)
  const echo = startContender('echo', 'echo-consumer.ts', echoOptions, echoTopics.events, echoTopics.out)
  const generatorOptions: KafkaGeneratorOptions = { brokers, partitions }
  const generator = startChild<GeneratorMessage>(
    new URL('../servers/kafka-generator.ts', import.meta.url),
    generatorOptions,
  )
  const ready = generator.next(({ kind }) => kind === 'ready')
  const ear = await openTopicEar(brokers, [topics.decisions, echoTopics.out])
  await ready
  const children = [engine.child, echo.child, generator]
  return {
    servers,
    prefix,
    redisPrefix,
    customers,
    contenders: { engine, echo },
    generator,
    ear,
    async close() {
      await Promise.all([ear.close(), ...children.map((child) => child.end())])
    },
  }
}

function startContender(
  name: ContenderName,
  module: string,
  options: object,
  topic: string,
  outTopic: string,
): Contender {
  const child = startChild<Progress | Marks>(new URL(module, import.meta.url), options)
  let progress: Progress | null = null
  child.onMessage((message) => {
    if (message.kind !== 'marks') progress = message
  })
  return { name, topic, outTopic, child, progress: () => progress, appended: new Float64Array(partitions) }
}
