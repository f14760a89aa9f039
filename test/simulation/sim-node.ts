/** One engine of a simulated cluster: the real shards over modelled servers. */
import type { Random } from '../../bench/workload/random.ts'
import { BackfillRunner } from '../../engine/backfill/backfill-runner.ts'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import { createShards } from '../../engine/shard/create-shards.ts'
import { trustsAll } from '../../engine/shard/event-frame.ts'
import type { PeerReply, Peers } from '../../engine/shard/peers.ts'
import { SeriesPast, storedLayout } from '../../engine/shard/series-past.ts'
import { ShardCore } from '../../engine/shard/shard-core.ts'
import { ShardRules } from '../../engine/shard/shard-rules.ts'
import { ShardError } from '../../engine/shard/shards.ts'
import { createStates } from '../../engine/state/flat-states.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { openResources } from '../../engine/store/open-resources.ts'
import type { Cluster as Record } from '../../engine/store/store.ts'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { openCodecs } from '../../sinks/codecs.ts'
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
  newToken(): string
  /** Puts the pack in force, as a start does; the installation's record behind it. */
  activate(): Record
}

/** Wires of a node to the servers; a fault on one of them is a fault of this node alone. */
export type Wires = { readonly store: Wire; readonly broker: Wire; readonly peers: Wire }

export class SimNode {
  readonly name: string
  readonly process = new Process()
  readonly wires: Wires
  readonly shards: LocalShards
  readonly runner: BackfillRunner
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
    this.shards = createShards({
      log: events,
      decisions: broker.over(this.wires.broker, 'decisions', deliver),
      deadLetters: cluster.deadLetters,
      store: { kind: 'lmdb', dir: 'none' },
      pack: pack.loaded,
      salt,
      observedSince: past.observedSince,
      added: past.added,
      backfill: past.backfill,
      clock,
      mode: 'inline',
      shards: 1,
      cacheBytes: 4 * 2 ** 20,
      membership: cluster.group.membership(name, name, deliver),
      peers: this.#peers(cluster),
      readsBack: cluster.adopts,
      timing,
      newToken: cluster.newToken,
      openPort: () => {
        const { observedSince } = new SeriesPast(pack.layout, past)
        const states = createStates(storedLayout(pack.layout, past.added), { maxBytes: 4 * 2 ** 20, observedSince })
        const context = createStepContext(pack, states, salt)
        return new ShardCore({
          store: store.over(this.wires.store),
          states,
          context,
          rules: ShardRules.alone(context),
          codecs: openCodecs({ kind: 'own' }),
          partitions: broker.partitions,
          clock: 'wall',
          failpoint: () => {},
          past,
          fillBytes: 2 ** 20,
          // Never opened: the pack of the simulation has none.
          resources: openResources({ kind: 'lmdb', dir: 'none' }),
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
    void this.shards.start(name)
    this.runner.start()
  }

  #peers({ nodes, time }: Cluster): Peers {
    const ask = async <Value>(
      addr: string,
      call: (shards: LocalShards) => Promise<Value | null>,
    ): Promise<PeerReply<Value>> => {
      const there = nodes.get(addr)
      try {
        const value = await this.wires.peers.call(
          () =>
            new Promise<Value | null>((resolve, reject) => {
              there?.process.deliver(() => call(there.shards).then(resolve, reject))
            }),
        )
        return value === null ? { kind: 'not_owner' } : { kind: 'answer', value }
      } catch (error) {
        return error instanceof ShardError && error.code === 'not_owner'
          ? { kind: 'not_owner' }
          : { kind: 'unreachable' }
      }
    }
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
      permit: (addr, request) => ask(addr, (shards) => shards.permitHere(request)),
      partitions: (addr) => ask(addr, (shards) => shards.partitionsHere()),
      reopen: (addr, partition, lost) => ask(addr, (shards) => shards.reopenHere(partition, lost)),
    }
  }
}
