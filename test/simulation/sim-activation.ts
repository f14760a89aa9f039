/** Packs that change while everything breaks: each node's part of an activation, and an operator who asks for one after the other. */
import type { ActivationResult } from '../../engine/activation/activation.ts'
import type { ActivationPeers } from '../../engine/activation/activation-peers.ts'
import { Coordinator } from '../../engine/activation/coordinator.ts'
import { NodePacks } from '../../engine/activation/node-packs.ts'
import { PackFollower } from '../../engine/activation/pack-follower.ts'
import { PackInForce } from '../../engine/activation/pack-in-force.ts'
import type { Timing } from '../../engine/clock.ts'
import { certificateName } from '../../engine/proof/certificate.ts'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import type { PeerReply } from '../../engine/shard/peers.ts'
import type { Cluster as Record, Store } from '../../engine/store/store.ts'
import type { Membership } from '../../ingest/membership.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Process } from './wire.ts'
import type { World } from './world.ts'

export type NodeActivation = { readonly packs: NodePacks; readonly coordinator: Coordinator }

/** What a node that changes its pack stands on. */
export type ActivationParts = {
  readonly name: string
  readonly pack: CompiledPack
  readonly record: Record
  readonly packOf: (hash: string) => CompiledPack
  readonly store: Store
  readonly shards: LocalShards
  readonly membership: Membership
  readonly timing: Timing
  /** Whether a record that the store has lost is written again. */
  readonly mends: boolean
  readonly now: () => number
  /** Asks another node; null: it does not answer. */
  readonly ask: <Value>(addr: string, call: (node: NodePacks) => Promise<Value>) => Promise<PeerReply<Value>>
}

const prepareWithinMs = 2_000
const switchWithinMs = 1_000

/** The product's own parts, over models of everything else. */
export function activationOf(parts: ActivationParts): NodeActivation {
  const { name, pack, record, packOf, store, shards, membership, timing, now, ask, mends } = parts
  const packs = new NodePacks({
    // Else no header says anything, and what a node writes of what it runs itself does not arrive.
    store: mends ? store : { ...store, meta: async () => null, putCluster: async () => true },
    ...{ packs: shards.packs, inForce: new PackInForce(pack, record), node: name, timing, now, switchWithinMs },
    compile: async ({ hash }) => packOf(hash),
    // Nobody watches rules here.
    watch: { prepare: () => [], switchTo: () => {} },
    ...{ onSwitched: () => {}, onTakeUp: () => {} },
  })
  const peers: ActivationPeers = {
    prepare: (addr, preparing, withinMs) => ask(addr, (node) => node.prepare(preparing, withinMs)),
    forget: (addr, activation) => ask(addr, (node) => node.forget(activation).then(() => null)),
    takeUp: (addr) => ask(addr, (node) => node.takeUp()),
    runs: (addr) => ask(addr, async (node) => node.runs()),
  }
  const coordinator = new Coordinator({
    ...{ store, own: packs, peers, now, prepareWithinMs, switchWithinMs, elapsed: timing.elapsed },
    others: async () => {
      const metas = await Promise.all(Array.from({ length: record.partitions }, (_, p) => store.meta(p)))
      const addrs = [...membership.members(), ...metas].map((one) => one?.addr ?? '')
      return [...new Set(addrs)].filter((addr) => addr !== '' && addr !== name)
    },
    defineResources: async () => {},
    onRecorded: () => {},
  })
  new PackFollower(packs, timing).start()
  return { packs, coordinator }
}

/** What an installation keeps of packs. */
export function keptPacks(packs: readonly CompiledPack[]): readonly (readonly [string, string])[] {
  return packs.flatMap(({ loaded }) => [
    [loaded.hash, JSON.stringify(loaded.model)] as const,
    [certificateName(loaded.hash), '{}'] as const,
  ])
}

/** One that was asked for. Times are virtual. */
type Asked = {
  readonly at: number
  readonly hash: string
  readonly by: Process
  result: ActivationResult | null
  endedAt: number
}

const everyMs = 4_000
/** Nodes that come later are there by then. */
const lateWithinMs = 25_000
/** A node that begins has its first partitions by then. */
const joinsMs = 150
/** Who died is noticed so soon. */
const buryEveryMs = 100
/** How the ids of answers without a shard begin, see `World.newToken`. */
const countedId = '0'.repeat(16)
/** An answer is there by then. */
const answeredMs = 2_000

/**
 * Asks for one pack after the other, at any node. Returns what was wrong by then: a commit or an answer from an older pack behind an
 * activation that every shard had confirmed, or a partition that went back.
 */
export function changePacks(world: World, packs: readonly [CompiledPack, CompiledPack], nodes: number) {
  const asked: Asked[] = []
  const problems: string[] = []
  /** The activation that every shard has confirmed. */
  let confirmed = 0
  const latest = new Map<number, number>()
  world.store.onApplied.push((partition, { meta }) => {
    const before = latest.get(partition) ?? 0
    latest.set(partition, Math.max(before, meta.activation))
    if (meta.activation < before) problems.push(`partition ${partition} went back from ${before} to ${meta.activation}`)
    if (meta.activation < confirmed)
      problems.push(`a commit of ${partition} under ${meta.activation} behind the confirmation of ${confirmed}`)
  })
  const activate = (index: number, pack: CompiledPack): Asked => {
    const node = world.node(index)
    const { hash } = pack.loaded
    const one: Asked = { at: world.time.now, hash, by: node.process, result: null, endedAt: Number.POSITIVE_INFINITY }
    asked.push(one)
    node.process.deliver(() => {
      void node.activation?.coordinator.activate(pack.loaded.hash).then(
        (result) => {
          one.result = result
          one.endedAt = world.time.now
          if (result.kind === 'activated') confirmed = Math.max(confirmed, result.activation)
        },
        // Its store was away.
        () => {
          one.endedAt = world.time.now
        },
      )
    })
    return one
  }
  let round = 0
  const next = (): void => {
    if (world.isProduced) return
    round++
    activate(world.random.below(nodes), packs[round % 2] ?? packs[0])
  }
  const insist = (): void => {
    next()
    world.time.after(everyMs, insist)
  }
  world.time.after(everyMs, insist)
  // A node that joins in the middle of it was not asked to be ready, and nobody knows its address yet.
  for (const name of ['late-1', 'late-2'])
    world.time.after(world.random.below(lateWithinMs), () => {
      world.start(name)
      world.time.after(world.random.below(joinsMs), next)
    })
  const bury = (): void => {
    for (const one of asked)
      if (!one.by.isAlive && one.endedAt === Number.POSITIVE_INFINITY) one.endedAt = world.time.now
    world.time.after(buryEveryMs, bury)
  }
  bury()
  const staleAnswers = (): readonly string[] =>
    world.answers.flatMap(({ packHash, askedAt, id }) => {
      // A node that stood still answers at once from what it knew, without a shard; such ids are counted.
      if (id.startsWith(countedId)) return []
      const last = asked.findLast(({ result, endedAt }) => result?.kind === 'activated' && endedAt < askedAt)
      // Whoever was asked and has not ended may put another one in force.
      const isQuiet = !asked.some(
        (one) => one !== last && one.at <= askedAt + answeredMs && one.endedAt >= (last?.at ?? 0),
      )
      return last !== undefined && isQuiet && packHash !== last.hash
        ? [`answer ${id} is from a pack that is not in force any more`]
        : []
    })
  return {
    /** Activations that every shard confirmed. */
    get confirmed(): number {
      return asked.filter(({ result }) => result?.kind === 'activated').length
    },
    /** With everything mended another pack comes into force on every node. What was wrong of all of it, in sentences. */
    async ends(pack: CompiledPack, { forgets }: { readonly forgets: boolean }): Promise<readonly string[]> {
      const last = activate(0, pack)
      await world.time.run(world.time.now + 20_000)
      const { result } = last
      const came = result?.kind === 'activated' ? [] : [`in the end: ${JSON.stringify(result)}`]
      // A store that forgets what it acknowledged forgets which pack is in force, too.
      return forgets ? came : [...problems.slice(0, 5), ...staleAnswers().slice(0, 5), ...came]
    },
  }
}
