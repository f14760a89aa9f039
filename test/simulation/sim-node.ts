/** One engine of a simulated cluster: the real shards over modelled servers. */
import type { Random } from '../../bench/workload/random.ts'
import { BackfillRunner } from '../../engine/backfill/backfill-runner.ts'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import { createShards } from '../../engine/shard/create-shards.ts'
import type { EditionParts } from '../../engine/shard/edition.ts'
import { trustsAll } from '../../engine/shard/event-frame.ts'
import type { PeerReply, Peers } from '../../engine/shard/peers.ts'
import { type Past, SeriesPast, storedLayout } from '../../engine/shard/series-past.ts'
import { ShardCore } from '../../engine/shard/shard-core.ts'
import { ShardRules } from '../../engine/shard/shard-rules.ts'
import { ShardError } from '../../engine/shard/shards.ts'
import { CustomerMemory } from '../../engine/state/customer-memory.ts'
import { createStates, type FlatStates } from '../../engine/state/flat-states.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { openResources } from '../../engine/store/open-resources.ts'
import type { Cluster as Record } from '../../engine/store/store.ts'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { openCodecs } from '../../sinks/codecs.ts'
import { activationOf, type NodeActivation } from './sim-activation.ts'
import { noBroker, type SimBroker } from './sim-broker.ts'
import type { SimGroup } from './sim-group.ts'
import { noAnswer, type SimStore } from './sim-store.ts'
import { nodeTiming, type VirtualTime } from './virtual-time.ts'
import { Process, Wire } from './wire.ts'

export const salt = 'salt of the simulation'

/** What all nodes share. */
export type Cluster = {
  readonly time: VirtualTime
  readonly random: Random
  readonly epoch: number
  readonly pack: CompiledPack
  readonly store: SimStore
  readonly broker: SimBroker
  readonly group: SimGroup
  readonly deadLetters: DeadLetters
  readonly nodes: Map<string, SimNode>
  /** Whether take-overs read the decisions log back; a test takes it away to see what that is for. */
  readonly adopts: boolean
  /** Whether a record of the installation that the store has lost is written again from the headers. */
  readonly mendsRecord: boolean
  /** Whether who takes a partition looks for a newer pack first. */
  readonly looksForNewer: boolean
  newToken(): string
  /** Puts the pack in force, as a start does; the installation's record behind it. */
  activate(): Record
  /** A pack that may come into force while nodes run, by hash; null: the pack never changes. */
  readonly packOf: ((hash: string) => CompiledPack) | null
}

/** Wires of a node to the servers; a fault on one of them is a fault of this node alone. */
export type Wires = { readonly store: Wire; readonly broker: Wire; readonly peers: Wire }

export class SimNode {
  readonly name: string
  readonly process = new Process()
  readonly wires: Wires
  readonly shards: LocalShards
  readonly runner: BackfillRunner
  /** Its part in putting packs in force; null: the pack never changes. */
  readonly activation: NodeActivation | null
  /** How far its clock is ahead, milliseconds. */
  skewMs = 0

  constructor(name: string, cluster: Cluster) {
    this.name = name
    const { process } = this
    const { time, random, store, broker } = cluster
    const deliver = (run: () => void): void => process.deliver(run)
    this.wires = {
      store: new Wire({ time, random, process, error: noAnswer, timeoutMs: 400 }),
      broker: new Wire({ time, random, process, error: noBroker, timeoutMs: 1_000 }),
      peers: new Wire({ time, random, process, error: () => new Error('no answer'), timeoutMs: 300 }),
    }
    const clock = { kind: 'wall' as const, now: () => cluster.epoch + Math.floor(time.now) + this.skewMs }
    const { pack } = cluster
    const past = cluster.activate()
    const events = broker.over(this.wires.broker, 'events', deliver)
    const timing = nodeTiming(time, deliver)
    const membership = cluster.group.membership(name, name, deliver)
    const open = (pack: CompiledPack, past: Past, memory: CustomerMemory, before: FlatStates | null): EditionParts => {
      const { observedSince } = new SeriesPast(pack.layout, past)
      const layout = storedLayout(pack.layout, past.added)
      const isSame = before !== null && JSON.stringify(before.layout) === JSON.stringify(layout)
      const states = isSame ? before : createStates(layout, { memory, observedSince })
      const context = createStepContext(pack, states, salt)
      return { states, context, rules: ShardRules.alone(context), past }
    }
    this.shards = createShards({
      log: events,
      decisions: broker.over(this.wires.broker, 'decisions', deliver),
      batches: broker.over(this.wires.broker, 'batches', deliver),
      deadLetters: cluster.deadLetters,
      store: { kind: 'lmdb', dir: 'none' },
      pack: pack.loaded,
      salt,
      past,
      clock,
      mode: 'inline',
      shards: 1,
      cacheBytes: 4 * 2 ** 20,
      membership,
      peers: this.#peers(cluster),
      readsBack: cluster.adopts,
      timing,
      newToken: cluster.newToken,
      openPort: () => {
        const own = store.over(this.wires.store)
        const memory = new CustomerMemory(4 * 2 ** 20)
        return new ShardCore({
          ...open(pack, past, memory, null),
          store: cluster.looksForNewer ? own : { ...own, cluster: async () => null },
          codecs: openCodecs({ kind: 'own' }),
          partitions: broker.partitions,
          clock: 'wall',
          failpoint: () => {},
          fillBytes: 2 ** 20,
          // Never opened: the pack of the simulation has none.
          resources: openResources({ kind: 'lmdb', dir: 'none' }),
          open: async ({ packHash, past: next }, { states }) => {
            const found = cluster.packOf?.(packHash)
            return found === undefined ? null : open(found, next, memory, states)
          },
        })
      },
    })
    cluster.nodes.set(name, this)
    this.runner = new BackfillRunner({
      store: store.over(this.wires.store),
      shards: this.shards,
      log: events,
      trusts: trustsAll,
      pack,
      cluster: past,
      clock,
      timing,
      pageRecords: 8,
    })
    this.activation =
      cluster.packOf === null
        ? null
        : activationOf({
            ...{
              name,
              pack,
              record: past,
              packOf: cluster.packOf,
              mends: cluster.mendsRecord,
              membership,
              timing,
              shards: this.shards,
              now: clock.now,
            },
            store: store.over(this.wires.store),
            ask: (addr, call) =>
              this.#ask(cluster, addr, ({ activation }) =>
                activation === null ? Promise.resolve(null) : call(activation.packs),
              ),
          })
    void this.shards.start(name)
    this.runner.start()
  }

  async #ask<Value>(
    { nodes }: Cluster,
    addr: string,
    call: (node: SimNode) => Promise<Value | null>,
  ): Promise<PeerReply<Value>> {
    const there = nodes.get(addr)
    try {
      const value = await this.wires.peers.call(
        () =>
          new Promise<Value | null>((resolve, reject) => {
            there?.process.deliver(() => call(there).then(resolve, reject))
          }),
      )
      return value === null ? { kind: 'not_owner' } : { kind: 'answer', value }
    } catch (error) {
      return error instanceof ShardError && error.code === 'not_owner' ? { kind: 'not_owner' } : { kind: 'unreachable' }
    }
  }

  #peers(cluster: Cluster): Peers {
    const { time } = cluster
    const ask = <Value>(addr: string, call: (shards: LocalShards) => Promise<Value | null>) =>
      this.#ask(cluster, addr, ({ shards }) => call(shards))
    const now = (): number => time.now
    return {
      decide: (addr, request) => ask(addr, (shards) => shards.decideHere(request)),
      applied: async (addr, position, withinMs) => {
        const until = now() + withinMs
        const reply = await ask(addr, async (shards) => ({
          status: await shards.appliedHere(position, Math.max(0, until - now())),
        }))
        return reply.kind === 'answer' ? { kind: 'answer', value: reply.value.status } : reply
      },
      customer: (addr, id) => ask(addr, (shards) => shards.customerHere(id)),
      copy: (addr, id) => ask(addr, (shards) => shards.copyHere(id)),
      permit: (addr, request) => ask(addr, (shards) => shards.permitHere(request)),
      partitions: (addr) => ask(addr, (shards) => shards.partitionsHere()),
      reopen: (addr, partition, lost) => ask(addr, (shards) => shards.reopenHere(partition, lost)),
    }
  }
}
