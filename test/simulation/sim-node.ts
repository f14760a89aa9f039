/** One engine of a simulated cluster: the real shards over modelled servers. */
import type { Random } from '../../bench/workload/random.ts'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import { createShards } from '../../engine/shard/create-shards.ts'
import type { PeerReply, Peers } from '../../engine/shard/peers.ts'
import { ShardCore } from '../../engine/shard/shard-core.ts'
import { ShardError } from '../../engine/shard/shards.ts'
import { createStates } from '../../engine/state/flat-states.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
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
}

/** Wires of a node to the servers; a fault on one of them is a fault of this node alone. */
export type Wires = { readonly store: Wire; readonly broker: Wire; readonly peers: Wire }

export class SimNode {
  readonly name: string
  readonly process = new Process()
  readonly wires: Wires
  readonly shards: LocalShards
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
    const { layout } = cluster.pack
    const observedSince = layout.series.map(() => 0)
    this.shards = createShards({
      log: broker.over(this.wires.broker, 'events', deliver),
      decisions: broker.over(this.wires.broker, 'decisions', deliver),
      deadLetters: cluster.deadLetters,
      store: { kind: 'lmdb', dir: 'none' },
      pack: cluster.pack.loaded,
      salt,
      observedSince: Object.fromEntries(layout.series.map(({ key }) => [key, 0])),
      clock,
      mode: 'inline',
      shards: 1,
      cacheBytes: 4 * 2 ** 20,
      membership: cluster.group.membership(name, name, deliver),
      peers: this.#peers(cluster),
      readsBack: cluster.adopts,
      timing: nodeTiming(time, deliver),
      newToken: cluster.newToken,
      openPort: () => {
        const states = createStates(layout, { maxBytes: 4 * 2 ** 20, observedSince })
        return new ShardCore({
          store: store.over(this.wires.store),
          states,
          context: createStepContext(cluster.pack, states, salt),
          codecs: openCodecs({ kind: 'own' }),
          partitions: broker.partitions,
          clock: 'wall',
          failpoint: () => {},
        })
      },
    })
    cluster.nodes.set(name, this)
    void this.shards.start(name)
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
      partitions: (addr) => ask(addr, (shards) => shards.partitionsHere()),
      reopen: (addr, partition, lost) => ask(addr, (shards) => shards.reopenHere(partition, lost)),
    }
  }
}
