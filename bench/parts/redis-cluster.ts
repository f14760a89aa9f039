/** A real Redis Cluster: three masters with a replica each, all slots served, which can fail over and move slots. */
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { freePorts } from './free-ports.ts'
import { PartError } from './part-error.ts'
import { type RedisOptions, type RedisServer, startRedisServer, withRedis } from './redis-server.ts'

export type RedisCluster = {
  /** All six, the first three began as masters. Kill, stop and restart them like any server. */
  readonly nodes: readonly RedisServer[]
  /** The number of the slot that holds a key, hash tags considered. */
  slotOf(key: string): Promise<number>
  /** Who serves a slot now, as the nodes see it. */
  masterOf(slot: number): Promise<RedisServer>
  /**
   * Manual failover (`CLUSTER FAILOVER`): the replica of a master takes over without losing a write. Resolves with it, when
   * every node knows.
   */
  failOver(master: RedisServer): Promise<RedisServer>
  /** Moves a slot with all its keys; resolves when every node knows. */
  moveSlot(slot: number, to: RedisServer): Promise<void>
  /** The same in steps, to look at what clients see in the middle: ASK, and TRYAGAIN for scripts with keys on both sides. */
  beginSlotMove(slot: number, to: RedisServer): Promise<SlotMove>
  /** Ends all six and removes their folders. */
  stop(): Promise<void>
}

export type SlotMove = {
  /** Moves at most `count` keys; returns how many it did. */
  moveKeys(count: number): Promise<number>
  /** Moves the rest and hands the slot over. */
  finish(): Promise<void>
}

export type RedisClusterOptions = Omit<RedisOptions, 'port'> & {
  /** After how long silence a node counts as failed; 2000 when absent. */
  readonly nodeTimeoutMs?: number
}

type Known = { readonly id: string; readonly port: number; readonly masterId: string | null; readonly slots: string[] }

const masters = 3
const slots = 16_384
const agreeWithinMs = 20_000
const lookEveryMs = 50
const keysAtOnce = 100
const moveTimeoutMs = 5_000

/**
 * Starts a cluster; resolves when all slots are served and each replica follows its master; about 2 s.
 * @throws PartError `part_missing`, `part_failed`
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const nodes = await startNodes(options)
  try {
    await form(nodes)
  } catch (cause) {
    await Promise.all(nodes.map((node) => node.stop()))
    throw cause
  }
  const serverAt = (port: number): RedisServer => {
    const found = nodes.find((node) => node.port === port)
    assert(found !== undefined, 'the nodes know each other by their ports')
    return found
  }
  const running = () => nodes.filter((node) => node.pid() !== null)
  const cluster: RedisCluster = {
    nodes,
    slotOf: (key) => ask(running()[0], ['KEYSLOT', key], z.number()),
    async masterOf(slot) {
      const owner = (await view(running()[0])).find((node) => servesSlot(node, slot))
      if (owner === undefined) throw new PartError('part_failed', `no node of the cluster serves slot ${slot}`)
      return serverAt(owner.port)
    },
    async failOver(master) {
      const known = await view(master)
      const { id } = ownEntry(known, master)
      const replica = known.find(({ masterId }) => masterId === id)
      if (replica === undefined) throw new PartError('part_failed', `node ${master.port} is no master with a replica`)
      await command(serverAt(replica.port), ['FAILOVER'])
      const isMaster = (all: readonly Known[]) => all.some((one) => one.id === replica.id && one.masterId === null)
      const follows = (all: readonly Known[]) => all.some((one) => one.id === id && one.masterId === replica.id)
      await everyNodeSees(running(), 'the failover', (all) => isMaster(all) && follows(all))
      return serverAt(replica.port)
    },
    async moveSlot(slot, to) {
      await (await cluster.beginSlotMove(slot, to)).finish()
    },
    async beginSlotMove(slot, to) {
      return beginMove({ slot, from: await cluster.masterOf(slot), to, running })
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()))
    },
  }
  return cluster
}

async function startNodes(options: RedisClusterOptions): Promise<readonly RedisServer[]> {
  const ports = await freePorts(4 * masters)
  const started = await Promise.allSettled(
    ports.slice(0, 2 * masters).map((port, i) => {
      const config = {
        'cluster-enabled': 'yes',
        'cluster-port': String(ports[2 * masters + i]),
        'cluster-node-timeout': String(options.nodeTimeoutMs ?? 2_000),
        'cluster-allow-replica-migration': 'no',
        'repl-diskless-sync-delay': '0',
        ...options.config,
      }
      return startRedisServer(port, { ...options, config })
    }),
  )
  const nodes = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const failed = started.find((one) => one.status === 'rejected')
  if (failed === undefined) return nodes
  await Promise.all(nodes.map((node) => node.stop()))
  throw failed.reason
}

async function form(nodes: readonly RedisServer[]): Promise<void> {
  const share = Math.ceil(slots / masters)
  for (const [i, node] of nodes.entries()) {
    // Different epochs from the start, so that the nodes need not settle them first.
    await command(node, ['SET-CONFIG-EPOCH', String(i + 1)])
    if (i >= masters) continue
    await command(node, ['ADDSLOTSRANGE', String(i * share), String(Math.min(slots, (i + 1) * share) - 1)])
  }
  const [first, ...others] = nodes
  for (const node of others) {
    const bus = await withRedis(node.port, (redis) => redis.config('GET', 'cluster-port'))
    await command(first, ['MEET', '127.0.0.1', String(node.port), z.array(z.string()).parse(bus)[1] ?? ''])
  }
  await everyNodeSees(nodes, 'all nodes', (all) => all.length === nodes.length)
  for (const [i, node] of nodes.slice(masters).entries()) {
    const master = nodes[i]
    await command(node, ['REPLICATE', ownEntry(await view(master), master).id])
  }
  const replicas = (all: readonly Known[]) => all.filter(({ masterId }) => masterId !== null).length
  await everyNodeSees(nodes, 'three replicas', (all) => replicas(all) === masters)
  await until('all slots are served and copied', async () => {
    const states = await Promise.all(nodes.map((node) => ask(node, ['INFO'], z.string())))
    const links = await Promise.all(
      nodes.slice(masters).map((node) => withRedis(node.port, (redis) => redis.info('replication'))),
    )
    return (
      states.every((text) => text.includes('cluster_state:ok')) &&
      links.every((text) => text.includes('master_link_status:up'))
    )
  })
}

type Move = {
  readonly slot: number
  readonly from: RedisServer
  readonly to: RedisServer
  readonly running: () => readonly RedisServer[]
}

async function beginMove({ slot, from, to, running }: Move): Promise<SlotMove> {
  const known = await view(from)
  const ids = { from: ownEntry(known, from).id, to: known.find(({ port }) => port === to.port)?.id ?? '' }
  await command(to, ['SETSLOT', String(slot), 'IMPORTING', ids.from])
  await command(from, ['SETSLOT', String(slot), 'MIGRATING', ids.to])
  const moveKeys = async (count: number): Promise<number> => {
    const keys = await ask(from, ['GETKEYSINSLOT', String(slot), String(count)], z.array(z.string()))
    if (keys.length === 0) return 0
    await withRedis(from.port, (redis) => redis.migrate('127.0.0.1', to.port, '', 0, moveTimeoutMs, 'KEYS', ...keys))
    return keys.length
  }
  return {
    moveKeys,
    async finish() {
      while ((await moveKeys(keysAtOnce)) > 0);
      for (const node of [to, from]) await command(node, ['SETSLOT', String(slot), 'NODE', ids.to])
      const serves = (all: readonly Known[]) => all.some((one) => one.id === ids.to && servesSlot(one, slot))
      await everyNodeSees(running(), `slot ${slot} moved`, serves)
    },
  }
}

/** What one node knows of all, itself included; those it only shook hands with left out. */
async function view(node: RedisServer | undefined): Promise<readonly Known[]> {
  const text = await ask(node, ['NODES'], z.string())
  return text
    .split('\n')
    .filter((line) => line !== '' && !/handshake|noaddr/.test(line))
    .map((line) => {
      const [id = '', address = '', , masterId = '-', , , , , ...served] = line.split(' ')
      const port = Number(/:(\d+)@/.exec(address)?.[1])
      return {
        id,
        port,
        masterId: masterId === '-' ? null : masterId,
        slots: served.filter((one) => !one.startsWith('[')),
      }
    })
}

function ownEntry(known: readonly Known[], node: RedisServer | undefined): Known {
  const own = known.find(({ port }) => port === node?.port)
  assert(own !== undefined, 'a node knows itself')
  return own
}

function servesSlot({ slots }: Known, slot: number): boolean {
  return slots.some((range) => {
    const [from = '', to = from] = range.split('-')
    return Number(from) <= slot && slot <= Number(to)
  })
}

async function command(node: RedisServer | undefined, words: readonly string[]): Promise<void> {
  await ask(node, words, z.unknown())
}

function ask<Answer>(
  node: RedisServer | undefined,
  words: readonly string[],
  answer: z.ZodType<Answer>,
): Promise<Answer> {
  assert(node !== undefined, 'one node of the cluster runs')
  return withRedis(node.port, async (redis) => answer.parse(await redis.call('CLUSTER', ...words)))
}

async function everyNodeSees(
  nodes: readonly RedisServer[],
  what: string,
  holds: (known: readonly Known[]) => boolean,
): Promise<void> {
  await until(`every node sees ${what}`, async () => (await Promise.all(nodes.map(view))).every(holds))
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + agreeWithinMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new PartError('part_failed', `Redis Cluster: not within 20 s: ${what}`)
    await sleep(lookEveryMs)
  }
}
