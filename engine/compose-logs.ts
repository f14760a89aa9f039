/** The logs, as the settings say: embedded under DATA_DIR, or on Kafka with the group that shares the partitions. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DeadLetters } from '../ingest/dead-letters.ts'
import type { KafkaConnection } from '../ingest/kafka/kafka-connection.ts'
import { openKafkaDeadLetters } from '../ingest/kafka/kafka-dead-letters.ts'
import { type KafkaLogs, openKafkaLogs } from '../ingest/kafka/kafka-log.ts'
import { openDeadLetters } from '../ingest/lmdb-dead-letters.ts'
import { openLogEnvironment } from '../ingest/lmdb-log.ts'
import { type Feed, feedOf, type Log } from '../ingest/log.ts'
import { type Member, type Membership, soleMembership } from '../ingest/membership.ts'
import type { LogPlace } from '../sinks/history/log-place.ts'
import { type SchemaSide, schemaSide } from './compose-schemas.ts'
import { secretIn } from './compose-store.ts'
import type { Config } from './config.ts'
import type { KeptLog } from './erasure/receipt.ts'

/** The logs of an installation and what comes with them. */
export type LogSide = {
  readonly events: Log
  readonly decisions: Log
  /** What commits were made from. */
  readonly batches: Log
  /** The events of the partitions of this process. */
  readonly feed: Feed
  readonly membership: Membership
  readonly deadLetters: DeadLetters
  /** What people change of the installation: one partition, kept for ever. */
  readonly control: Log
  /** Whether others than our own door may write to the events log. */
  readonly isOpen: boolean
  /** Where the logs are, for the process that copies them. */
  readonly place: LogPlace
  /** What the ids in the records mean. */
  readonly schemas: SchemaSide
  /** Names this log among all others; kept with the customers, which belong to it. */
  readonly identity: string
  /** How long what was written stays, for the receipt of an erasure. */
  readonly kept: readonly KeptLog[]
  /** One line that names it, and what an operator should know of it. */
  readonly name: string
  readonly facts: readonly string[]
  /** Whether nothing was ever read or decided here. */
  isFresh(): Promise<boolean>
  /** Other processes that share the partitions now. */
  others(): Promise<readonly Member[]>
  close(): Promise<void>
}

export type LogSideOptions = {
  readonly config: Config
  readonly node: string
  /** Where this process can be asked; known when the group is joined. */
  readonly addr: () => string
  readonly now: () => number
}

const mb = 1024 * 1024
/** Room for some million records of what people did. */
const controlBytesMax = 4_096 * mb
/** The embedded log drops what is too old every minute. */
const embeddedTrimMs = 60_000
/** Brokers look every five minutes and take the file away a minute later, unless told otherwise. */
const brokerTrimMs = 6 * 60_000
const deadLettersMax = { count: 1_000_000, bytes: 1_024 * mb, retentionMs: 90 * 24 * 3_600_000 }

/** @throws LogError, SchemaRegistryError when they cannot be opened, or are not fit for it: the sentence says what to change */
export async function openLogSide(options: LogSideOptions): Promise<LogSide> {
  const schemas = await schemaSide(options.config)
  return options.config.KAFKA_BROKERS === undefined ? openEmbedded(options, schemas) : openKafka(options, schemas)
}

/** The same bytes under other ids are another log. */
function identityWith(schemas: SchemaSide, log: string): string {
  return schemas.place.kind === 'own' ? log : `${log}, schema ids of a registry`
}

async function openEmbedded({ config, now }: LogSideOptions, schemas: SchemaSide): Promise<LogSide> {
  const dir = join(config.DATA_DIR, 'log')
  const logs = openLogEnvironment(dir)
  const rest = {
    partitions: config.PARTITIONS,
    now,
    retentionMs: config.LOG_RETENTION_HOURS * 3_600_000,
    maxBytes: config.LOG_MAX_MB * mb,
  }
  try {
    const events = await logs.openLog({ ...rest, name: 'events' })
    const decisions = await logs.openLog({ ...rest, name: 'decisions' })
    const batches = await logs.openLog({ ...rest, name: 'batches' })
    const control = await logs.openLog({
      name: 'control',
      partitions: 1,
      now,
      retentionMs: Number.POSITIVE_INFINITY,
      maxBytes: controlBytesMax,
    })
    const deadLetters = openDeadLetters(deadLetterOptions(config, now))
    return {
      events,
      decisions,
      batches,
      feed: feedOf(events),
      membership: soleMembership(config.PARTITIONS),
      deadLetters,
      control,
      isOpen: false,
      place: { kind: 'lmdb', dir },
      schemas,
      identity: identityWith(schemas, await logs.identity()),
      kept: ['events', 'decisions', 'batches'].map((log) => ({
        name: log,
        goneAfterMs: rest.retentionMs + embeddedTrimMs,
      })),
      name: 'embedded (LMDB)',
      facts: [],
      isFresh: async () => (await isEmpty(decisions)) && (await isEmpty(events)),
      others: async () => [],
      close: async () => {
        await deadLetters.close()
        await logs.close()
      },
    }
  } catch (cause) {
    await logs.close()
    throw cause
  }
}

async function openKafka({ config, node, addr, now }: LogSideOptions, schemas: SchemaSide): Promise<LogSide> {
  const prefix = config.KAFKA_TOPIC_PREFIX
  const logs = await openKafkaLogs({
    connection: kafkaConnection(config, `proffer-${node}`),
    topics: {
      prefix,
      partitions: config.PARTITIONS,
      create: config.KAFKA_CREATE_TOPICS === 'on',
      ...(config.KAFKA_REPLICATION === undefined ? {} : { replication: config.KAFKA_REPLICATION }),
      retentionMs: config.LOG_RETENTION_HOURS * 3_600_000,
    },
    node,
    addr,
    now,
    compression: config.KAFKA_COMPRESSION,
    sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
  })
  try {
    const deadLetters = await openKafkaDeadLetters(logs.deadLetters, deadLetterOptions(config, now))
    const { events, decisions, batches, control, feed, membership, facts } = logs
    return {
      events,
      decisions,
      batches,
      feed,
      membership,
      deadLetters,
      control,
      isOpen: config.KAFKA_TRUSTED === 'signed',
      place: {
        kind: 'kafka',
        connection: kafkaConnection(config, `proffer-history-${node}`),
        clusterId: facts.clusterId,
        prefix,
        partitions: config.PARTITIONS,
        node,
        sessionTimeoutMs: config.KAFKA_SESSION_TIMEOUT_MS,
        messageBytesMax: Math.max(...facts.topics.map((one) => one.maxMessageBytes)),
      },
      schemas,
      identity: identityWith(schemas, `kafka ${facts.clusterId} ${prefix}events`),
      // The control log says what people did with the installation, and nothing of customers.
      kept: facts.topics.filter(({ topic }) => topic !== `${prefix}control`).map(keptOf),
      name: `Kafka (${config.KAFKA_BROKERS})`,
      facts: factLines(facts),
      isFresh: async () => (await isEmpty(decisions)) && !(await logs.hasPositions()),
      others: async () => (await logs.members()).filter((member) => member.node !== node),
      close: async () => {
        await deadLetters.close()
        await logs.close()
      },
    }
  } catch (cause) {
    await logs.close()
    throw cause
  }
}

/** How to reach the brokers. */
export function kafkaConnection(config: Config, clientId: string): KafkaConnection {
  const pem = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'))
  const [ca, cert, key] = [config.KAFKA_TLS_CA_FILE, config.KAFKA_TLS_CERT_FILE, config.KAFKA_TLS_KEY_FILE].map(pem)
  const tls = {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
  const { KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: username = '' } = config
  const password = config.KAFKA_SASL_PASSWORD_FILE
    ? secretIn(config.KAFKA_SASL_PASSWORD_FILE)
    : (config.KAFKA_SASL_PASSWORD ?? '')
  return {
    brokers: (config.KAFKA_BROKERS ?? '').split(','),
    clientId,
    ...(config.KAFKA_TLS === 'on' ? { tls } : {}),
    ...(mechanism === undefined ? {} : { sasl: { mechanism, username, password } }),
  }
}

function deadLetterOptions(config: Config, now: () => number): Parameters<typeof openDeadLetters>[0] {
  return {
    dir: join(config.DATA_DIR, 'dead-letters'),
    maxCount: deadLettersMax.count,
    maxBytes: deadLettersMax.bytes,
    retentionMs: deadLettersMax.retentionMs,
    // The engine's clock, by which letters are dated: on an event clock the machine's would find all of them too old.
    now,
  }
}

async function isEmpty(log: Log): Promise<boolean> {
  for (let partition = 0; partition < log.partitions; partition++) {
    if ((await log.bounds(partition)).end > 0) return false
  }
  return true
}

/** A record's segment takes others until it is full or `segmentMs` old, and goes as a whole. */
function keptOf({ topic, retentionMs, segmentMs }: KafkaLogs['facts']['topics'][number]): KeptLog {
  return { name: topic, goneAfterMs: retentionMs < 0 ? null : retentionMs + segmentMs + brokerTrimMs }
}

function factLines({ brokers, topics }: KafkaLogs['facts']): readonly string[] {
  return topics.map(({ topic, partitions, replication, minInsyncReplicas, retentionMs }) => {
    const alone = replication < 2 && brokers > 1 ? ' WEAK' : ''
    const kept = retentionMs < 0 ? 'for ever' : `${(retentionMs / 86_400_000).toFixed(1)} days`
    return `${topic}${alone}: ${partitions} partitions, ${replication} copies (${minInsyncReplicas} in step), kept ${kept}`
  })
}
