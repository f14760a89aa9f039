/**
 * A whole bank in one process: engines that are the product's own code, servers that are models, a clock that is virtual, and
 * faults drawn from a seed. The same seed gives the same run, to the byte.
 */
import { createRandom, type Random } from '../../bench/workload/random.ts'
import { activatePack } from '../../engine/activate-pack.ts'
import { lastFinished } from '../../engine/shard/series-past.ts'
import type { Position } from '../../engine/shard/shards.ts'
import type { Stored } from '../../engine/state/states.ts'
import { clockSkewMs } from '../../engine/step/admit-event.ts'
import { firstMeta } from '../../engine/store/init-store.ts'
import { nothingAdded, type Cluster as Record, storeFormat } from '../../engine/store/store.ts'
import type { DeadLetters, NewDeadLetter } from '../../ingest/dead-letters.ts'
import type { Event } from '../../ingest/event.ts'
import type { LogRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Acknowledged, Answer, Evidence } from '../protocol/evidence.ts'
import { keptPacks } from './sim-activation.ts'
import { SimBroker } from './sim-broker.ts'
import { SimGroup, sessionMs } from './sim-group.ts'
import { type Cluster, SimNode, salt } from './sim-node.ts'
import { SimStore, type StoreGuard } from './sim-store.ts'
import { VirtualTime } from './virtual-time.ts'
import { capLimit, capPerMs, recordOf, sentReceipt, worldEvent } from './workload.ts'

export const partitions = 4
export const customers = 24
/** A quarter of a minute before the end of the quiet hours, in the scenarios that have some. */
export const epoch = Date.UTC(2026, 2, 2, 8, 0, 45)

export type WorldOptions = {
  readonly seed: number
  readonly pack: CompiledPack
  /** A pack with more features that all nodes are started again with in the middle; they are filled then. */
  readonly grown?: CompiledPack | null
  /** Another pack, that an operator puts in force and out of it again while the nodes run. */
  readonly other?: CompiledPack | null
  readonly nodes: number
  readonly events: number
  /** Replicas a commit waits for. */
  readonly waitFor: 0 | 1
  /** Whether the gateway says what it has sent. */
  readonly receipts?: boolean
  /** Guards taken away, to see that the faults are found then. */
  readonly without?: ReadonlySet<StoreGuard | NodeGuard>
}

/** Guards of the engine. */
type NodeGuard = 'adoption' | 'end of a tenure' | 'mended record'

const everyEventMs = 20
const growsAtMs = 10_000

export class World {
  readonly time = new VirtualTime()
  readonly random: Random
  readonly store: SimStore
  readonly broker: SimBroker
  readonly cluster: Cluster
  readonly answers: Answer[] = []
  readonly acknowledged: Acknowledged[] = []
  readonly deadLetters: NewDeadLetter[] = []
  readonly #options: WorldOptions
  readonly #workload: Random
  #pack: CompiledPack
  #produced = 0
  #asked = 0
  #tokens = 0

  constructor(options: WorldOptions) {
    this.#options = options
    this.#pack = options.pack
    this.random = createRandom(options.seed, 'faults')
    this.#workload = createRandom(options.seed, 'workload')
    const { time } = this
    const now = (): number => epoch + Math.floor(time.now)
    const without = new Set<StoreGuard>()
    for (const guard of options.without ?? []) {
      if (guard !== 'adoption' && guard !== 'end of a tenure' && guard !== 'mended record') without.add(guard)
    }
    this.store = new SimStore({ time, now, waitFor: options.waitFor, without })
    this.broker = new SimBroker({ time, now, partitions })
    const packNow = (): CompiledPack =>
      options.other == null ? this.#pack : this.#packOf(this.store.cluster?.pack ?? this.#pack.loaded.hash)
    this.cluster = {
      time,
      random: createRandom(options.seed, 'wires'),
      epoch,
      get pack() {
        return packNow()
      },
      activate: () => this.#activate(now()),
      packOf: options.other == null ? null : (hash) => this.#packOf(hash),
      store: this.store,
      broker: this.broker,
      group: new SimGroup(time, partitions, options.without?.has('end of a tenure') === true ? null : sessionMs / 2),
      deadLetters: lettersInto(this.deadLetters),
      nodes: new Map(),
      adopts: options.without?.has('adoption') !== true,
      mendsRecord: options.without?.has('mended record') !== true,
      looksForNewer: !without.has('newer pack'),
      newToken: () => (this.#tokens++).toString(16).padStart(32, '0'),
    }
    for (let partition = 0; partition < partitions; partition++) {
      this.store.create(partition, firstMeta(options.pack.loaded.hash))
    }
    if (options.other != null) this.store.keep(keptPacks([options.pack, options.other]))
    for (let i = 0; i < options.nodes; i++) this.start(`node-${i}`)
    this.#produce()
    this.#ask()
    if (options.grown) time.after(growsAtMs, () => this.#grow(options.grown ?? options.pack))
  }

  /** Whether every event of the run is in the log. */
  get isProduced(): boolean {
    return this.#produced >= this.#options.events
  }

  start(name: string): SimNode {
    return new SimNode(name, this.cluster)
  }

  node(index: number): SimNode {
    const node = this.cluster.nodes.get(`node-${index}`)
    if (node === undefined) throw new RangeError('there is no such node')
    return node
  }

  /** Runs on until everything in the log is committed and out; false: it did not come to that in time. */
  async settle(withinMs: number): Promise<boolean> {
    const isThrough = (): boolean => this.isProduced && this.#isCommitted() && this.#isFilled()
    if (!(await this.time.run(this.time.now + withinMs, isThrough))) return false
    // What waits to be published, and answers, have a little time more.
    await this.time.run(this.time.now + 8_000)
    return this.#isCommitted() && this.#isFilled()
  }

  /** Everything there is to check, as it is now. */
  evidence(): Evidence {
    const { pack } = this.cluster
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const ids = Array.from({ length: customers }, (_, i) => `C${i}`)
    const stored = new Map<string, Stored>()
    for (const id of ids) {
      const [found = null] = this.store.load(partitionOf(id, partitions), [id])
      if (found !== null) stored.set(id, found)
    }
    return {
      pack,
      salt,
      partitions,
      observedSince: pack.layout.series.map(() => 0),
      added: this.store.cluster?.added ?? {},
      customers: ids,
      events: all.map((partition) => this.broker.records('events', partition)),
      decisions: all.map((partition) => this.broker.records('decisions', partition)),
      batches: all.map((partition) => this.broker.records('batches', partition)),
      metas: all.map((partition) => this.store.meta(partition)),
      stored,
      trusts: () => true,
      answers: this.answers,
      acknowledged: this.acknowledged,
      cap: { limit: capLimit, perMs: capPerMs },
      asOf: epoch + 3_600_000,
    }
  }

  #isCommitted(): boolean {
    for (let partition = 0; partition < partitions; partition++) {
      if ((this.store.meta(partition)?.next ?? 0) < this.broker.records('events', partition).length) return false
    }
    return true
  }

  /** Every node is started again with another pack; an operator asks for the backfill until it is done. */
  #grow(pack: CompiledPack): void {
    const { nodes } = this.cluster
    for (const node of nodes.values()) node.process.kill()
    this.#pack = pack
    for (const name of nodes.keys()) this.start(name)
    const insist = (): void => {
      this.time.after(1_000, insist)
      if (this.#isFilled()) return
      const node = this.node(this.#workload.below(this.#options.nodes))
      if (this.store.cluster?.pack !== pack.loaded.hash) {
        // The store has lost that the pack was put in force: as its status says, a node is started again.
        node.process.kill()
        this.start(node.name)
        return
      }
      // What it did not hear it is told again.
      node.process.deliver(() => void node.runner.begin(3_600_000).catch(() => undefined))
    }
    insist()
  }

  /** As `openInstallation` does. */
  #activate(now: number): Record {
    const { layout, loaded } = this.#pack
    const first: Record = {
      format: storeFormat,
      partitions,
      clock: 'wall',
      log: '',
      salt: '',
      completeSince: 0,
      pack: this.#options.pack.loaded.hash,
      observedSince: Object.fromEntries(this.#options.pack.layout.series.map(({ key }) => [key, 0])),
      ...nothingAdded,
    }
    const found = this.store.cluster
    if (this.#options.other != null && found !== null) return found
    const next = activatePack(found ?? first, { hash: loaded.hash, layout }, now + clockSkewMs + 1)
    if (this.#options.grown || this.#options.other != null) void this.store.putCluster(next, found)
    return next
  }

  #packOf(hash: string): CompiledPack {
    const { pack, other } = this.#options
    return other?.loaded.hash === hash ? other : pack
  }

  #isFilled(): boolean {
    if (!this.#options.grown) return true
    const added = Object.values(this.store.cluster?.added ?? {})
    if (added.length === 0 || added.some(({ filled }) => filled === 0)) return false
    const newest = Math.max(...added.map(({ filled }) => filled))
    return Array.from({ length: partitions }, (_, p) => lastFinished(this.store.meta(p)?.fill ?? null)).every(
      (finished) => finished >= newest,
    )
  }

  #produce(): void {
    this.time.after(everyEventMs, () => {
      if (this.isProduced) return
      // A broker that is away makes producers wait, as theirs do.
      if (!this.broker.isDown) {
        const atMs = epoch + Math.floor(this.time.now)
        const event =
          (this.#options.receipts === true ? this.#someReceipt(atMs) : null) ??
          worldEvent(this.#produced, this.#workload, atMs, customers, this.#someSent())
        const partition = partitionOf(event.customerId, partitions)
        const times = this.#workload.chance(0.04) ? 2 : 1
        for (let i = 0; i < times; i++) {
          const { firstOffset } = this.broker.append('events', partition, [recordOf(event)])
          if (event.type === 'life_event.reported') this.#awaitApplied(event, { partition, offset: firstOffset })
        }
        this.#produced++
      }
      this.#produce()
    })
  }

  /** Its sender waits at some node until the event is committed. */
  #awaitApplied(event: Event, position: Position): void {
    const node = this.node(this.#workload.below(this.#options.nodes))
    node.process.deliver(() => {
      const deadlineAt = epoch + Math.floor(this.time.now) + node.skewMs + 2_000
      void node.shards.applied(position, deadlineAt).then((status) => {
        if (status === 'accepted') this.acknowledged.push({ event, at: this.time.now })
      })
    })
  }

  /** The id of a decision that went out lately, whose message may fail. */
  #someSent(): string | null {
    return this.#someRecord(5)?.headers?.['id'] ?? null
  }

  #someRecord(lately: number): LogRecord | undefined {
    const records = this.broker.records('decisions', this.#workload.below(partitions))
    return records.at(-1 - this.#workload.below(lately))
  }

  /** Now and then what the gateway says of a message, once the customers are known. */
  #someReceipt(atMs: number): Event | null {
    if (this.#produced < customers * 2 || !this.#workload.chance(0.15)) return null
    // Far enough back that some of them were recalled meanwhile.
    const record = this.#someRecord(60)
    const id = record?.headers?.['id']
    return record === undefined || id === undefined ? null : sentReceipt(this.#produced, id, record.key, atMs)
  }

  #ask(): void {
    this.time.after(35, () => {
      if (this.isProduced) return
      const again = this.#workload.chance(0.2)
      const number = again ? Math.max(0, this.#asked - 1 - this.#workload.below(4)) : this.#asked++
      const node = this.node(this.#workload.below(this.#options.nodes))
      node.process.deliver(() => void this.#askNode(node, number))
      this.#ask()
    })
  }

  async #askNode(node: SimNode, number: number): Promise<void> {
    const askedAt = this.time.now
    const { decision, committed } = await node.shards.decide({
      customerId: `C${(number * 7) % customers}`,
      requestId: `q${number}`,
      placement: 'inbox',
      count: 1,
      deadlineAt: epoch + Math.floor(this.time.now) + node.skewMs + 150,
      after: null,
    })
    const offers = decision.offers.map(({ offer }) => offer)
    this.answers.push({ ...decision, offers, askedAt, committed })
  }
}

/** Dead letters that every node shares, as the port says. */
function lettersInto(letters: NewDeadLetter[]): DeadLetters {
  return {
    put: async (letter) => {
      if (!letters.some(({ id }) => id === letter.id)) letters.push(letter)
    },
    list: async () => [],
    get: async () => null,
    markRedriven: async () => false,
    remove: async () => 0,
    counts: async () => ({ kept: letters.length, bytes: 0, byReason: {}, taken: letters.length, dropped: 0 }),
    close: async () => {},
  }
}
