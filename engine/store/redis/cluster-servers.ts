/**
 * The primaries of a Redis Cluster, each with connections of its own, so that a commit and its WAIT run on one connection to the
 * primary of its slot, and commits of several partitions on one primary share both. (A client for clusters would send a WAIT of
 * its own to each, resend by itself, and queue while it does not know where.) The map of slots is read anew when an answer says
 * that it is old; the caller, who tries again anyway, meets the new one.
 */

import { autoReplicas } from './auto-replicas.ts'
import { type SlotRange, slotRanges } from './cluster-slots.ts'
import { keySlot, slots } from './key-slot.ts'
import { askOnce } from './redis-connection.ts'
import { unavailable } from './redis-errors.ts'
import { RedisNode } from './redis-node.ts'
import type { RedisServers } from './redis-servers.ts'
import { addressOf, type RedisTarget } from './redis-target.ts'

/** The map is asked for at most so often. */
const refreshPauseMs = 100

/**
 * Connects to every primary that has slots.
 * @param seeds nodes to ask for the map when none of the known primaries answers
 * @param replicas null: 1 when every primary has one now, else 0
 * @throws StoreError `store_unavailable`
 */
export async function connectCluster(
  seeds: readonly [RedisTarget, ...RedisTarget[]],
  replicas: number | null,
): Promise<RedisServers> {
  const ranges = await askedFirst(seeds)
  if (ranges === null) throw unavailable('No node of the Redis Cluster answers.')
  const primaries = new Map(ranges.map(({ host, port }) => [addressOf({ host, port }), { ...seeds[0], host, port }]))
  const servers = new ClusterServers(seeds, replicas ?? (await autoReplicas([...primaries.values()])))
  const added = servers.install(ranges)
  try {
    await Promise.all(added.map((node) => node.open()))
  } catch (error) {
    servers.close()
    throw error
  }
  return servers
}

class ClusterServers implements RedisServers {
  readonly isCluster = true
  readonly waitReplicas: number
  readonly #seeds: readonly [RedisTarget, ...RedisTarget[]]
  #nodes = new Map<string, RedisNode>()
  #bySlot: (RedisNode | undefined)[] = []
  #refreshedAt = 0
  #turn = 0
  #isRefreshing = false
  #isClosed = false

  constructor(seeds: readonly [RedisTarget, ...RedisTarget[]], waitReplicas: number) {
    this.#seeds = seeds
    this.waitReplicas = waitReplicas
  }

  nodes(): readonly RedisNode[] {
    return [...this.#nodes.values()]
  }

  nodeOf(key: string): RedisNode {
    const node = this.#bySlot[keySlot(key)]
    if (node !== undefined) return node
    this.#refresh()
    throw unavailable('No node of the Redis Cluster has the slot.')
  }

  close(): void {
    this.#isClosed = true
    for (const node of this.nodes()) node.close()
  }

  /** Takes a map of slots in; the nodes that were not known before, not connected yet. */
  install(ranges: readonly SlotRange[]): RedisNode[] {
    const nodes = new Map<string, RedisNode>()
    const bySlot: (RedisNode | undefined)[] = new Array(slots)
    const added: RedisNode[] = []
    for (const { first, last, host, port } of ranges) {
      const address = addressOf({ host, port })
      let node = nodes.get(address) ?? this.#nodes.get(address)
      if (node === undefined) {
        const rules = { replicas: this.waitReplicas, onSuspicion: () => this.#refresh() }
        node = new RedisNode({ ...this.#seeds[0], host, port }, rules)
        added.push(node)
      }
      nodes.set(address, node)
      bySlot.fill(node, first, last + 1)
    }
    const gone = [...this.#nodes].filter(([address]) => !nodes.has(address))
    this.#nodes = nodes
    this.#bySlot = bySlot
    for (const [, node] of gone) node.close()
    return added
  }

  #refresh(): void {
    if (this.#isRefreshing || this.#isClosed || performance.now() - this.#refreshedAt < refreshPauseMs) return
    this.#isRefreshing = true
    const settled = (): void => {
      this.#isRefreshing = false
      this.#refreshedAt = performance.now()
    }
    this.#askedAll().then((ranges) => {
      settled()
      if (ranges === null || this.#isClosed) return
      for (const node of this.install(ranges)) node.start()
    }, settled)
  }

  /** The map as the first node tells it that answers; another one begins each time, for one may be cut off and not know. */
  async #askedAll(): Promise<SlotRange[] | null> {
    const nodes = this.nodes()
    this.#turn++
    for (let i = 0; i < nodes.length; i++) {
      const node = nodes[(this.#turn + i) % nodes.length]
      const ranges = node === undefined ? null : await node.slotRanges()
      if (ranges !== null) return ranges
    }
    return askedFirst(this.#seeds)
  }
}

/** The map as the first of these tells it that can be reached; null: none can. */
async function askedFirst(targets: readonly RedisTarget[]): Promise<SlotRange[] | null> {
  for (const target of targets) {
    const reply = await askOnce(target, ['CLUSTER', 'SLOTS'])
    if (reply !== null && reply.error === null) return slotRanges(reply.value, target.host)
  }
  return null
}
