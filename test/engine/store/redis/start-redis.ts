/** Real Redis servers for tests: one, a primary with replicas, a cluster. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

export type StartedRedis = {
  readonly url: string
  readonly port: number
  /** For the test's own commands. */
  readonly client: Redis
  pid(): number
  /** kill -9; the data on disk stay. */
  kill(): Promise<void>
  /** Again, on the same port and the same data. */
  restart(): Promise<void>
  stop(): Promise<void>
}

export type StartOptions = {
  /** `--name value` of redis-server. */
  readonly settings?: Readonly<Record<string, string>>
  readonly replicaOf?: StartedRedis
}

/** Ended with us, also when a test did not come to stop its own. */
const running = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

/** Whether there is a Redis to test against on this machine. */
export const hasRedis = isInstalled()

/** Starts a server on a free port with a folder of its own, append only file on. */
export async function startRedis(options: StartOptions = {}): Promise<StartedRedis> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-redis-'))
  const port = await freePort()
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir,
    save: '',
    appendonly: 'yes',
    'repl-diskless-sync-delay': '0',
    'repl-ping-replica-period': '1',
    ...(options.replicaOf === undefined ? {} : { replicaof: `127.0.0.1 ${options.replicaOf.port}` }),
    ...options.settings,
  }
  let child = await launch(settings)
  const client = new Redis({ port, maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {})
  await Promise.race([client.ping(), once(child, 'exit').then(() => Promise.reject(new Error('Redis does not start')))])
  const end = async (signal: NodeJS.Signals) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    child.kill('SIGCONT')
    await exited
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    client,
    pid: () => child.pid ?? 0,
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGKILL')
      child = await launch(settings)
      while ((await client.ping().catch(() => '')) !== 'PONG') await sleep(10)
    },
    async stop() {
      client.disconnect()
      await end('SIGKILL')
      await rm(dir, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** A primary with a replica that is in step. A replica that says it is online may yet take a second to follow; WAIT tells. */
export async function startRedisPair(options: StartOptions = {}): Promise<{
  primary: StartedRedis
  replica: StartedRedis
  stop(): Promise<void>
}> {
  const primary = await startRedis(options)
  const replica = await startRedis({ ...options, replicaOf: primary })
  await until(async () => (await replica.client.info('replication')).includes('master_link_status:up'))
  await until(async () => (await primary.client.wait(1, 500)) === 1)
  return {
    primary,
    replica,
    async stop() {
      await replica.stop()
      await primary.stop()
    },
  }
}

/** Three primaries with a replica each. */
export async function startRedisCluster(): Promise<{
  urls: readonly string[]
  nodes: readonly StartedRedis[]
  stop(): Promise<void>
}> {
  const settings = {
    'cluster-enabled': 'yes',
    'cluster-node-timeout': '1000',
    'cluster-require-full-coverage': 'no',
  }
  const nodes = await Promise.all(Array.from({ length: 6 }, () => startRedis({ settings })))
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '1', '--cluster-yes'], {
    stdio: 'pipe',
  })
  for (const { client } of nodes) {
    await until(async () => {
      const [state, links] = await Promise.all([client.cluster('INFO'), client.info('replication')])
      return state.includes('cluster_state:ok') && !links.includes('master_link_status:down')
    })
  }
  for (const { client } of nodes) {
    await until(async () => {
      const isReplica = (await client.info('replication')).includes('role:slave')
      return isReplica || (await client.wait(1, 500)) === 1
    })
  }
  return {
    urls: nodes.map(({ url }) => url),
    nodes,
    async stop() {
      for (const node of nodes) await node.stop()
    },
  }
}

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean, withinMs = 15_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('it did not come to hold in time')
    await sleep(10)
  }
}

async function launch(settings: Readonly<Record<string, string>>): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: 'ignore' },
  )
  await once(child, 'spawn')
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

async function freePort(): Promise<number> {
  // The bus of a cluster node listens 10,000 above; below 32768 no outgoing connection takes the port meanwhile.
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 11_000)
    if ((await isFree(port)) && (await isFree(port + 10_000))) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  const outcome = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => resolve(true))
  })
  server.close()
  return outcome
}

function isInstalled(): boolean {
  try {
    execFileSync('redis-server', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
