/** A real Apache Kafka broker: one KRaft node on loopback, with its data in a temporary folder. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { freePorts } from './free-ports.ts'
import { findJava, kafkaJars, pinnedKafkaVersion } from './kafka-jars.ts'
import { isSecured, type KafkaPorts, kafkaProperties, type SaslUser } from './kafka-properties.ts'
import { messageOf, PartError } from './part-error.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

export type KafkaOptions = {
  /** A release on Maven Central, such as `4.1.2`; the one that `kafka/pom.xml` pins when absent. */
  readonly version?: string
  /** Port of the plain listener; a free one when absent. */
  readonly port?: number
  /** Port that clients are told to use, when a proxy stands before the plain listener. */
  readonly advertisedPort?: number
  /** Java heap in MiB; 256 when absent. */
  readonly heapMb?: number
  /** `quick_start` (default) compiles lightly and collects in one thread; `throughput` is what a server would run with. */
  readonly jvm?: 'quick_start' | 'throughput'
  /** Added to `server.properties`, and stronger than what is there. */
  readonly properties?: Readonly<Record<string, string>>
  /** A second listener for this user only. */
  readonly sasl?: SaslUser
  /** Encrypts the second listener with a certificate made for this broker. */
  readonly tls?: boolean
  /** Gets a line when something takes long; stderr when absent. */
  readonly tell?: (line: string) => void
}

export type KafkaPart = ServerProcess & {
  readonly version: string
  /** Of the plain listener, `127.0.0.1:port`. */
  readonly brokers: readonly string[]
  /** The second listener; null unless `sasl` or `tls` asked for it. */
  readonly secure: {
    readonly brokers: readonly string[]
    /** Certificate to trust, PEM; null without `tls`. */
    readonly ca: string | null
  } | null
}

const run = promisify(execFile)
const startWithinMs = 60_000
const stopWithinMs = 10_000

/**
 * Starts a broker and waits until it answers: topics, groups and idempotent producers.
 *
 * Time stamps are LogAppendTime, topics are not created by themselves, groups do not wait for more members, session timeouts
 * may be as short as a second.
 *
 * @throws PartError `part_missing` without Java, or without the jars and Maven to fetch them; `part_failed`
 */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaPart> {
  const { sasl = null, heapMb = 256, jvm = 'quick_start' } = options
  assert(sasl === null || /^[\w-]+ [\w-]+$/.test(`${sasl.username} ${sasl.password}`), 'a user of letters and digits')
  const tell = options.tell ?? ((line) => void process.stderr.write(`${line}\n`))
  const version = options.version ?? (await pinnedKafkaVersion())
  const java = await findJava()
  const classPath = join(await kafkaJars(version, tell), '*')
  const dir = await mkdtemp(join(tmpdir(), 'proffer-kafka-'))
  const ports = await choosePorts(options.port)
  const file = join(dir, 'server.properties')
  const brokers = [`127.0.0.1:${ports.plain}`]
  const jvmOptions = [
    `-Xmx${heapMb}m`,
    ...(jvm === 'quick_start' ? ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'] : ['-XX:+UseG1GC']),
    '-XX:-UsePerfData',
    '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
    '-cp',
    classPath,
  ]
  let ca: string | null = null
  try {
    const keystore = options.tls === true ? { file: join(dir, 'broker.p12'), password: 'changeit' } : null
    if (keystore !== null) ca = await makeCertificate(java, keystore)
    const choices = { ports, advertisedPort: options.advertisedPort ?? ports.plain, sasl, keystore }
    const extra = options.properties ?? {}
    await writeFile(file, kafkaProperties({ ...choices, dataDir: join(dir, 'data'), extra }))
    await format(java, jvmOptions, file, sasl)
  } catch (cause) {
    await rm(dir, { recursive: true, force: true })
    throw cause
  }
  const server = await startServerProcess({
    name: `Kafka ${version}`,
    command: java,
    args: [...jvmOptions, 'kafka.Kafka', file],
    dir,
    answers: () => askBroker(brokers),
    startWithinMs,
    stopWithinMs,
  })
  const secured = isSecured({ sasl, keystore: ca === null ? null : { file: '', password: '' } })
  const secure = secured ? { brokers: [`127.0.0.1:${ports.secure}`], ca } : null
  return { ...server, version, brokers, secure }
}

async function choosePorts(wanted: number | undefined): Promise<KafkaPorts> {
  const [plain = 0, controller = 0, secure = 0] = await freePorts(3)
  return { plain: wanted ?? plain, controller, secure }
}

async function format(java: string, jvm: readonly string[], file: string, sasl: SaslUser | null): Promise<void> {
  const scram =
    sasl === null || sasl.mechanism === 'plain'
      ? []
      : ['--add-scram', `${sasl.mechanism.toUpperCase()}=[name=${sasl.username},password=${sasl.password}]`]
  // Any 16 bytes in base64; of no meaning to a broker that is alone.
  const cluster = Buffer.from('proffer-parts-01').toString('base64url')
  const args = [...jvm, 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', file, ...scram]
  await run(java, args).catch((cause: unknown) => {
    throw new PartError('part_failed', `the data folder of Kafka cannot be made: ${messageOf(cause)}`, cause)
  })
}

/** A certificate for 127.0.0.1 that signs itself, valid for two days; returns it as PEM. */
async function makeCertificate(java: string, keystore: { file: string; password: string }): Promise<string> {
  const keytool = java.replace(/java$/, 'keytool')
  const store = `-alias broker -keystore ${keystore.file} -storepass ${keystore.password} -storetype PKCS12`.split(' ')
  const names = ['-dname', 'CN=localhost', '-ext', 'san=ip:127.0.0.1,dns:localhost']
  const pem = `${keystore.file}.pem`
  try {
    const key = '-keyalg EC -groupname secp256r1 -validity 2'.split(' ')
    await run(keytool, ['-genkeypair', ...key, ...names, ...store])
    await run(keytool, ['-exportcert', '-rfc', '-file', pem, ...store])
  } catch (cause) {
    throw new PartError('part_failed', `no certificate can be made with ${keytool}: ${messageOf(cause)}`, cause)
  }
  return readFile(pem, 'utf8')
}

/** Resolves once topics, groups and idempotent producers are served: each comes up by itself, some at the first request. */
async function askBroker(brokers: readonly string[]): Promise<void> {
  const kafka = new Kafka({
    clientId: 'parts',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    connectionTimeout: 1_000,
    requestTimeout: 5_000,
    retry: { retries: 0, initialRetryTime: 50 },
  })
  const admin = kafka.admin()
  const producer = kafka.producer({
    idempotent: true,
    createPartitioner: Partitioners.DefaultPartitioner,
    // None is refused for an idempotent one.
    retry: { retries: 1, initialRetryTime: 50 },
  })
  try {
    await admin.connect()
    // First, because without retries kafkajs knows no broker to ask for the group before it has asked for topics.
    await admin.listTopics()
    await admin.fetchOffsets({ groupId: 'parts' })
    await producer.connect()
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}
