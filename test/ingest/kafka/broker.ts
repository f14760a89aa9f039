/** A real Kafka broker for tests: one KRaft node on free ports of loopback, its data in a temporary folder. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Kafka, logLevel } from 'kafkajs'

export type BrokerOptions = {
  /** Port of the plain listener; a free one when absent. */
  readonly port?: number
  /** Port that clients are told to use, when a proxy stands before the plain listener. */
  readonly advertisedPort?: number
  /** A second listener with SASL PLAIN for this user only. */
  readonly sasl?: { readonly username: string; readonly password: string }
  readonly properties?: Readonly<Record<string, string>>
}

export type Broker = {
  readonly brokers: readonly string[]
  /** The listener with SASL; empty without it. */
  readonly secureBrokers: readonly string[]
  /** Ends it in order; the data stays for `start`. */
  halt(): Promise<void>
  /** Starts it again on the same ports and data. */
  start(): Promise<void>
  /** Ends it for good. */
  stop(): Promise<void>
}

const run = promisify(execFile)
const jvm = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']

/** Folder of the broker's jars: `$KAFKA_JARS`, else the newest one in the user's cache; null when there is none. */
function findJars(): string | null {
  const named = process.env['KAFKA_JARS']
  if (named !== undefined) return named
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'proffer')
  const folders = existsSync(cache) ? readdirSync(cache).filter((one) => /^kafka-[\d.]+-\w+$/.test(one)) : []
  const newest = folders.sort().at(-1)
  return newest === undefined ? null : join(cache, newest)
}

/** Whether there are jars to start a broker from. */
export const hasBroker = findJars() !== null

/** Starts a broker and waits until it serves topics, groups and idempotent producers. */
export async function startBroker(options: BrokerOptions = {}): Promise<Broker> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-broker-'))
  const [free = 0, controller = 0, secure = 0] = await freePorts(3)
  const plain = options.port ?? free
  const file = join(dir, 'server.properties')
  const properties = {
    ...basics(dir, plain, controller, options.advertisedPort ?? plain),
    ...withSasl(options, secure),
  }
  const lines = Object.entries({
    ...properties,
    ...secureListeners(properties, options, secure),
    ...options.properties,
  })
  await writeFile(file, lines.map(([name, value]) => `${name}=${value}\n`).join(''))
  const classPath = ['-cp', join(findJars() ?? '', '*')]
  await run('java', [
    ...jvm,
    ...classPath,
    'kafka.tools.StorageTool',
    'format',
    '-t',
    'cHJvZmZlci10ZXN0cy0wMQ',
    '-c',
    file,
  ])
  const brokers = [`127.0.0.1:${plain}`]
  let child: ChildProcess | null = null

  async function start(): Promise<void> {
    child = spawn('java', [...jvm, ...classPath, 'kafka.Kafka', file], { stdio: 'ignore' })
    await untilItServes(brokers)
  }
  async function halt(): Promise<void> {
    if (child === null) return
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    const timer = setTimeout(() => child?.kill('SIGKILL'), 8_000)
    await ended
    clearTimeout(timer)
    child = null
  }
  process.once('exit', () => child?.kill('SIGKILL'))
  await start()
  return {
    brokers,
    secureBrokers: options.sasl === undefined ? [] : [`127.0.0.1:${secure}`],
    halt,
    start,
    async stop() {
      child?.kill('SIGKILL')
      if (child !== null) await once(child, 'exit')
      child = null
      await rm(dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
    },
  }
}

function basics(dir: string, plain: number, controller: number, advertised: number): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${advertised}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(dir, 'data'),
    'auto.create.topics.enable': 'false',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'log.cleaner.dedupe.buffer.size': '4194304',
  }
}

function withSasl({ sasl }: BrokerOptions, _port: number): Record<string, string> {
  if (sasl === undefined) return {}
  return {
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.secure.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_${sasl.username}="${sasl.password}";`,
  }
}

function secureListeners(
  properties: Readonly<Record<string, string>>,
  { sasl }: BrokerOptions,
  port: number,
): Record<string, string> {
  if (sasl === undefined) return {}
  return {
    listeners: `${properties['listeners']},SECURE://127.0.0.1:${port}`,
    'advertised.listeners': `${properties['advertised.listeners']},SECURE://127.0.0.1:${port}`,
    'listener.security.protocol.map': `${properties['listener.security.protocol.map']},SECURE:SASL_PLAINTEXT`,
  }
}

async function untilItServes(brokers: readonly string[]): Promise<void> {
  const until = performance.now() + 60_000
  for (;;) {
    try {
      return await askBroker(brokers)
    } catch (cause) {
      if (performance.now() > until) throw new Error('the broker does not serve', { cause })
      await sleep(100)
    }
  }
}

async function askBroker(brokers: readonly string[]): Promise<void> {
  const retry = { retries: 1, initialRetryTime: 50 }
  const kafka = new Kafka({ clientId: 'tests', brokers: [...brokers], logLevel: logLevel.NOTHING, retry })
  const admin = kafka.admin()
  const producer = kafka.producer({ idempotent: true, retry })
  try {
    await admin.connect()
    await admin.listTopics()
    await admin.fetchOffsets({ groupId: 'tests' })
    await producer.connect()
  } finally {
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}

/** Ports of loopback that nobody listens on now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => {
    const address = server.address()
    return address !== null && typeof address === 'object' ? address.port : 0
  })
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
