/** The topics: made when they are missing and that is allowed, and checked at each start. */
import { setTimeout as sleep } from 'node:timers/promises'
import kafkajs, { type ITopicConfig, type ITopicMetadata } from 'kafkajs'
import { LogError } from '../log.ts'
import type { KafkaAdmin } from './kafka-admin.ts'

export type TopicNames = {
  readonly events: string
  readonly decisions: string
  readonly batches: string
  readonly deadLetters: string
  /** What people change of the installation: one partition, kept for ever. */
  readonly control: string
}

export type TopicOptions = {
  /** Start of each topic's and group's name: letters, digits, `.`, `_`, `-`. One deployment has one prefix. */
  readonly prefix: string
  /** Of events, decisions and batches. Never changes: it decides which partition a customer belongs to. */
  readonly partitions: number
  /** Whether missing topics are made. */
  readonly create: boolean
  /** Copies of each record in topics that are made; absent: 3, or as many as there are brokers. */
  readonly replication?: number
  /** How long records are kept in topics that are made. */
  readonly retentionMs: number
}

/** What a topic is like, for the line the engine prints at its start. */
export type TopicFacts = {
  readonly topic: string
  readonly partitions: number
  readonly replication: number
  readonly minInsyncReplicas: number
  /** Below 0: records stay for ever. */
  readonly retentionMs: number
  /** How long a file of the topic may take records. */
  readonly segmentMs: number
  readonly maxMessageBytes: number
}

export type KafkaFacts = {
  readonly clusterId: string
  readonly brokers: number
  readonly topics: readonly TopicFacts[]
}

/** Largest batch of records that has to fit: Kafka's default, enough for a decision record of 1 MB. */
export const MESSAGE_BYTES = 1_048_588
const PREFIX = /^[A-Za-z0-9._-]{0,128}$/
const CONFIGS = [
  'message.timestamp.type',
  'cleanup.policy',
  'max.message.bytes',
  'min.insync.replicas',
  'retention.ms',
  'retention.bytes',
  'segment.ms',
] as const
const APPEAR_MS = 30_000
const LOOK_EVERY_MS = 100

export function topicNames(prefix: string): TopicNames {
  return {
    events: `${prefix}events`,
    decisions: `${prefix}decisions`,
    batches: `${prefix}batches`,
    deadLetters: `${prefix}dead-letters`,
    control: `${prefix}control`,
  }
}

/**
 * Makes what is missing, then checks everything an answer to "is my customer counted right" depends on.
 * @throws LogError `log_unavailable`, not retryable, with a sentence that says what to change
 */
export async function prepareTopics(admin: KafkaAdmin, options: TopicOptions): Promise<KafkaFacts> {
  if (!PREFIX.test(options.prefix)) throw refusal(`the topic prefix has other characters than letters, digits, ._-`)
  const names = topicNames(options.prefix)
  const wanted = [names.events, names.decisions, names.batches, names.deadLetters, names.control]
  const what = 'the topics cannot be read'
  const { brokers, clusterId } = await admin.ask(what, (asked) => asked.describeCluster())
  const existing = new Set(await admin.ask(what, (asked) => asked.listTopics()))
  const missing = wanted.filter((topic) => !existing.has(topic))
  if (missing.length > 0) await makeTopics(admin, options, missing, brokers.length)
  const metadata = await untilTopicsAppear(admin, wanted)
  const { resources } = await admin.ask(what, (asked) =>
    asked.describeConfigs({
      includeSynonyms: false,
      resources: wanted.map((name) => ({ type: kafkajs.ConfigResourceTypes.TOPIC, name, configNames: [...CONFIGS] })),
    }),
  )
  const topics = wanted.map((topic) => {
    const entries = resources.find((one) => one.resourceName === topic)?.configEntries ?? []
    const config = new Map(entries.map((one) => [one.configName, one.configValue]))
    checkConfig(topic, config, topic === names.events)
    if (topic === names.control) checkKept(topic, config)
    return factsOf(topic, metadata.find((one) => one.name === topic)?.partitions ?? [], config)
  })
  for (const { topic, partitions } of topics) {
    if (topic === names.control && partitions !== 1)
      throw refusal(`topic ${topic} has ${partitions} partitions and must have 1: what people change has one order`)
    if (topic !== names.control && topic !== names.deadLetters) checkPartitions(topic, partitions, options.partitions)
  }
  return { clusterId, brokers: brokers.length, topics }
}

async function makeTopics(
  admin: KafkaAdmin,
  options: TopicOptions,
  missing: readonly string[],
  brokers: number,
): Promise<void> {
  if (!options.create) {
    const list = missing.join(', ')
    throw refusal(`the topics ${list} are missing; make them with kafka-topics.sh, or let proffer make topics`)
  }
  const replication = options.replication ?? Math.min(3, brokers)
  const { deadLetters, control } = topicNames(options.prefix)
  const topics: ITopicConfig[] = missing.map((topic) => ({
    topic,
    // Dead letters are few, and one partition keeps them in the order in which they came.
    numPartitions: topic === deadLetters || topic === control ? 1 : options.partitions,
    replicationFactor: replication,
    configEntries: [
      { name: 'message.timestamp.type', value: 'LogAppendTime' },
      { name: 'cleanup.policy', value: 'delete' },
      { name: 'max.message.bytes', value: String(MESSAGE_BYTES) },
      { name: 'retention.ms', value: topic === control ? '-1' : String(options.retentionMs) },
      // An acknowledged record is then on two brokers, and one of three may be down.
      { name: 'min.insync.replicas', value: String(replication >= 3 ? 2 : 1) },
    ],
  }))
  // Another node may make them at the same time; what counts is how they are afterwards.
  await admin.ask('the topics cannot be made', (asked) => asked.createTopics({ topics, waitForLeaders: false }))
}

/** Brokers learn of a new topic one after the other. */
async function untilTopicsAppear(admin: KafkaAdmin, topics: readonly string[]): Promise<readonly ITopicMetadata[]> {
  const until = performance.now() + APPEAR_MS
  for (;;) {
    const names = await admin.ask('the topics cannot be read', (asked) => asked.listTopics())
    if (topics.every((topic) => names.includes(topic))) {
      const found = await admin.ask('the topics cannot be read', (asked) =>
        asked.fetchTopicMetadata({ topics: [...topics] }),
      )
      const partitions = found.topics.flatMap((one) => one.partitions)
      if (partitions.every((one) => one.leader >= 0) && (await areLed(admin, topics))) return found.topics
    }
    if (performance.now() > until) {
      throw new LogError('log_unavailable', 'the topics have no leaders', { retryable: true })
    }
    await sleep(LOOK_EVERY_MS)
  }
}

/** Whether the brokers named as leaders act as such: of a new topic they learn a moment after everybody is told. */
async function areLed(admin: KafkaAdmin, topics: readonly string[]): Promise<boolean> {
  try {
    for (const topic of topics) await admin.ask('the topics cannot be read', (asked) => asked.fetchTopicOffsets(topic))
    return true
  } catch {
    return false
  }
}

function checkPartitions(topic: string, found: number, wanted: number): void {
  if (found === wanted) return
  throw refusal(
    `topic ${topic} has ${found} partitions, the setting is ${wanted}; the number decides which partition a customer ` +
      'belongs to, so set it to what the topic has had from its first day',
  )
}

function checkConfig(topic: string, config: ReadonlyMap<string, string>, isEvents: boolean): void {
  const change = (name: string, value: string) =>
    `kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config ${name}=${value}`
  if (isEvents && config.get('message.timestamp.type') !== 'LogAppendTime') {
    throw refusal(
      `topic ${topic} keeps the senders' clocks; the engine needs the broker's: ${change('message.timestamp.type', 'LogAppendTime')}`,
    )
  }
  if (config.get('cleanup.policy') !== 'delete') {
    throw refusal(`topic ${topic} loses records by compaction: ${change('cleanup.policy', 'delete')}`)
  }
  if (Number(config.get('max.message.bytes')) < MESSAGE_BYTES) {
    throw refusal(`topic ${topic} takes too small records: ${change('max.message.bytes', String(MESSAGE_BYTES))}`)
  }
}

/** Who changed what must still be there in ten years. */
function checkKept(topic: string, config: ReadonlyMap<string, string>): void {
  const sizes = Number(config.get('retention.bytes') ?? -1)
  if (Number(config.get('retention.ms')) < 0 && sizes < 0) return
  throw refusal(
    `topic ${topic} must keep its records for ever: kafka-configs.sh --alter --entity-type topics --entity-name ${topic} --add-config retention.ms=-1,retention.bytes=-1`,
  )
}

function factsOf(
  topic: string,
  partitions: ITopicMetadata['partitions'],
  config: ReadonlyMap<string, string>,
): TopicFacts {
  return {
    topic,
    partitions: partitions.length,
    replication: Math.min(...partitions.map((one) => one.replicas.length)),
    minInsyncReplicas: Number(config.get('min.insync.replicas')),
    retentionMs: Number(config.get('retention.ms')),
    segmentMs: Number(config.get('segment.ms')),
    maxMessageBytes: Number(config.get('max.message.bytes')),
  }
}

function refusal(message: string): LogError {
  return new LogError('log_unavailable', message, { retryable: false })
}
