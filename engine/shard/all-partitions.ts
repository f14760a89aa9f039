import type { Membership } from '../../ingest/membership.ts'
import { partitionOf } from '../../ingest/partition.ts'
import type { Clock, Timing } from '../clock.ts'
import type { Permit } from '../step/permit.ts'
import type { AllPartitionsOptions } from './all-partitions-options.ts'
import { ClockWatch } from './clock-watch.ts'
import { Elsewhere } from './elsewhere.ts'
import type { FillReply } from './fill-slot.ts'
import { type Asked, Deadlines } from './live-requests.ts'
import { Partition } from './partition.ts'
import type { PeerReply, Peers } from './peers.ts'
import type { Past } from './series-past.ts'
import type { Settler } from './settler.ts'
import type { ShardPacks } from './shard-packs.ts'
import type { CacheUsage, FillStep, Progress, ShardPort } from './shard-port.ts'
import {
  type Applied,
  type CustomerCopy,
  type CustomerView,
  type DecisionAnswer,
  type DecisionRequest,
  type NodeShards,
  type PartitionStatus,
  type PermitRequest,
  type Position,
  ShardError,
  type Shards,
  sumTotals,
  type Totals,
} from './shards.ts'
import { Standstill } from './standstill.ts'
import { clockSkew, skewSentence } from './take-partition.ts'

/** The shards of this process, and what it alone can tell. */
export type LocalShards = Shards &
  NodeShards & {
    /** The partitions that run here now, and where they stand. */
    running(): ReadonlyMap<number, Progress>
    /** Runs a step of a backfill of a partition, see `BatchLoop.fill`. */
    fill(partition: number, step: FillStep): Promise<FillReply>
    /** Has the shards act by another state of the installation's record. */
    learn(past: Past): Promise<void>
    /** Which packs the shards run. */
    readonly packs: ShardPacks
    /** Customers and bytes in the caches of each shard. */
    usage(): Promise<readonly CacheUsage[]>
  }

/** How long other nodes may take over what is not a request with a deadline of its own. */
const lookWithinMs = 4_000

/** The partitions of one process: runs those that are assigned to it and passes on what belongs to others, once. */
export class AllPartitions implements LocalShards {
  readonly packs: ShardPacks
  readonly #clock: Clock
  readonly #timing: Timing
  readonly #membership: Membership
  readonly #ports: readonly ShardPort[]
  readonly #partitions: readonly Partition[]
  readonly #elsewhere: Elsewhere
  readonly #deadlines: Deadlines
  readonly #settler: Settler
  readonly #clockWatch: ClockWatch
  readonly #standstill: Standstill
  readonly #forgetFeed: () => void
  #assigned: readonly number[] = []
  /** How far this machine's clock is ahead of the store's, milliseconds, while that is too much to own anything; null: it is not. */
  #skewMs: number | null = null
  #addr = ''
  #due: (() => void)[] = []

  constructor(options: AllPartitionsOptions) {
    const { timing, membership, ports } = options
    this.#clock = options.clock
    this.#timing = timing
    this.#membership = membership
    this.#ports = ports
    this.packs = options.packs
    this.#settler = options.settler
    this.#deadlines = new Deadlines(timing)
    this.#standstill = new Standstill(options, membership.keepsForMs)
    this.#partitions = Array.from({ length: options.partitions }, (_, partition) => {
      const { partitions, peers, onBatch, ...rest } = options
      return new Partition({
        ...rest,
        partition,
        port: this.#portOf(partition),
        addr: () => this.#addr,
        standstill: this.#standstill,
        confirmed: () => membership.confirmed(),
        passOn: peers === null ? null : (asked) => void this.#passOn(asked, partition),
        schedule: (run) => this.#schedule(run),
        onBatch: (report) => {
          if (report.committed) membership.committed(partition, report.next)
          onBatch(report)
        },
      })
    })
    this.#elsewhere = new Elsewhere({
      membership,
      peers: options.peers,
      ownerInStore: (partition) => this.#portOf(partition).owner(partition),
      own: () => this.#addr,
      timing,
    })
    const skew = () => clockSkew({ port: this.#portOf(0), clock: options.clock, timing })
    this.#clockWatch = new ClockWatch(timing, skew, (skewMs) => this.#onSkew(skewMs))
    this.#forgetFeed = options.feed.onAppend((partition) => this.#partitions[partition]?.appended())
  }

  async start(addr: string): Promise<void> {
    this.#addr = addr
    this.#standstill.start()
    await this.#membership.join((partitions) => this.#onAssigned(partitions))
    this.#clockWatch.start()
    await Promise.all(this.#assigned.map((partition) => this.#partitionAt(partition).assign()))
  }

  decide(request: DecisionRequest): Promise<DecisionAnswer> {
    return new Promise((resolve) => {
      const asked = this.#asked(request, { from: 'caller', resolve, notHere: () => {} })
      if (request.after === null) this.#route(asked)
      else this.#waitThenRoute(asked, request.after)
    })
  }

  decideHere(request: DecisionRequest): Promise<DecisionAnswer | null> {
    return new Promise((resolve) => {
      const asked = this.#asked(request, { from: 'node', resolve, notHere: () => resolve(null) })
      this.#partitionOf(request.customerId).ask(asked)
    })
  }

  async applied(position: Position, deadlineAt: number): Promise<Applied | null> {
    const { partition } = position
    if (this.#partitionAt(partition).isHere) return this.appliedHere(position, deadlineAt)
    const reply = await this.#elsewhere.ask(partition, this.#left(deadlineAt), (addr, withinMs) =>
      this.#peers.applied(addr, position, withinMs),
    )
    if (reply.kind === 'answer') return reply.value
    // It may have come here meanwhile; else the caller learns that it is not known yet.
    return this.#partitionAt(partition).isHere ? this.appliedHere(position, deadlineAt) : null
  }

  appliedHere(position: Position, deadlineAt: number): Promise<Applied | null> {
    const partition = this.#partitionAt(position.partition)
    if (!partition.isHere) return Promise.reject(new ShardError('not_owner', 'The partition belongs to another node.'))
    return new Promise((resolve) => {
      const callOff = this.#timing.after(this.#left(deadlineAt), () => {
        forget()
        resolve(null)
      })
      const forget = partition.wait(position.offset, (status) => {
        callOff()
        resolve(status)
      })
    })
  }

  async customer(customerId: string): Promise<CustomerView> {
    const partition = partitionOf(customerId, this.#partitions.length)
    if (this.#partitionAt(partition).isHere) return this.customerHere(customerId)
    return this.#told(
      await this.#elsewhere.ask(partition, lookWithinMs, (addr, withinMs) =>
        this.#peers.customer(addr, customerId, withinMs),
      ),
    )
  }

  customerHere(customerId: string): Promise<CustomerView> {
    return this.#partitionOf(customerId).look((views) => views.view(customerId))
  }

  async copy(customerId: string): Promise<CustomerCopy> {
    const partition = partitionOf(customerId, this.#partitions.length)
    if (this.#partitionAt(partition).isHere) return this.copyHere(customerId)
    return this.#told(
      await this.#elsewhere.ask(partition, lookWithinMs, (addr, withinMs) =>
        this.#peers.copy(addr, customerId, withinMs),
      ),
    )
  }

  copyHere(customerId: string): Promise<CustomerCopy> {
    return this.#partitionOf(customerId).look((views) => views.copy(customerId))
  }

  async permit(request: PermitRequest): Promise<Permit> {
    const partition = partitionOf(request.customerId, this.#partitions.length)
    if (this.#partitionAt(partition).isHere) return this.permitHere(request)
    return this.#told(
      await this.#elsewhere.ask(partition, lookWithinMs, (addr, withinMs) =>
        this.#peers.permit(addr, request, withinMs),
      ),
    )
  }

  permitHere(request: PermitRequest): Promise<Permit> {
    return this.#partitionOf(request.customerId).look((views) => views.permit(request))
  }

  async partitions(): ReturnType<Shards['partitions']> {
    const { peers } = this.#elsewhere
    const told = new Map<number, PartitionStatus>()
    const replies = this.#elsewhere.others().map((addr) => peers?.partitions(addr, lookWithinMs))
    for (const reply of await Promise.all(replies)) {
      if (reply?.kind === 'answer') for (const status of reply.value) told.set(status.partition, status)
    }
    return Promise.all(
      this.#partitions.map(async (partition, index) => {
        const there = partition.isHere ? undefined : told.get(index)
        return there ?? partition.status()
      }),
    )
  }

  partitionsHere(): Promise<readonly PartitionStatus[]> {
    return Promise.all(this.#partitions.filter(({ isHere }) => isHere).map((partition) => partition.status()))
  }

  async reopen(partition: number, lost: 'skip_lost' | 'keep_closed'): ReturnType<Shards['reopen']> {
    if (this.#partitionAt(partition).isHere) return this.reopenHere(partition, lost)
    return this.#told(
      await this.#elsewhere.ask(partition, lookWithinMs, (addr, withinMs) =>
        this.#peers.reopen(addr, partition, lost, withinMs),
      ),
    )
  }

  async reopenHere(partition: number, lost: 'skip_lost' | 'keep_closed'): Promise<PartitionStatus> {
    const here = this.#partitionAt(partition)
    if (!here.isHere) throw new ShardError('not_owner', 'The partition belongs to another node.')
    await here.reopen(lost)
    return here.status()
  }

  async totals(): Promise<Totals> {
    return sumTotals(this.#partitions.filter(({ isHere }) => isHere).map(({ progress }) => progress))
  }

  async drained(): Promise<void> {
    await Promise.all(this.#assigned.map((partition) => this.#partitionAt(partition).drained()))
  }

  running(): ReadonlyMap<number, Progress> {
    const running = new Map<number, Progress>()
    for (const [index, { isRunning, progress }] of this.#partitions.entries())
      if (isRunning) running.set(index, progress)
    return running
  }

  fill(partition: number, step: FillStep): Promise<FillReply> {
    return this.#partitionAt(partition).fill(step)
  }

  async learn(past: Past): Promise<void> {
    await Promise.all(this.#ports.map((port) => port.learn(past)))
  }

  usage(): Promise<readonly CacheUsage[]> {
    return Promise.all(this.#ports.map((port) => port.usage()))
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#forgetFeed()
    this.#clockWatch.stop()
    this.#standstill.stop()
    let callOff: () => void = () => {}
    const late = new Promise<void>((resolve) => {
      callOff = this.#timing.after(deadlineMs, resolve)
    })
    const stopped = Promise.all(this.#partitions.map((partition) => partition.stop()))
      .then(() => this.#membership.leave())
      .then(() => Promise.all([...this.#ports, this.#settler].map((part) => part.close())))
    await Promise.race([stopped, late])
    callOff()
  }

  get #peers(): Peers {
    const { peers } = this.#elsewhere
    if (peers === null) throw new Error('other nodes are asked only where there are any')
    return peers
  }

  #asked(request: DecisionRequest, how: Pick<Asked, 'from' | 'resolve' | 'notHere'>): Asked {
    const askedAt = this.#timing.elapsed()
    const asked: Asked = {
      request,
      askedAt,
      expiresAt: askedAt + this.#left(request.deadlineAt),
      ...how,
      expire: (late) => this.#partitionOf(request.customerId).answerLate(late),
      answered: false,
    }
    this.#deadlines.watch(asked)
    return asked
  }

  #waitThenRoute(asked: Asked, after: Position): void {
    const partition = this.#partitionAt(after.partition)
    if (partition.isHere) partition.wait(after.offset, () => this.#route(asked))
    else {
      void this.applied(after, asked.request.deadlineAt).then((status) => {
        // Not known in time: the deadline answers.
        if (status !== null) this.#route(asked)
      })
    }
  }

  #route(asked: Asked): void {
    const partition = this.#partitionOf(asked.request.customerId)
    if (partition.isHere || this.#elsewhere.peers === null) partition.ask(asked)
    else void this.#passOn(asked, partitionOf(asked.request.customerId, this.#partitions.length))
  }

  /** Asks the node that has the partition; without an answer the placement's fallback goes out. */
  async #passOn(asked: Asked, partition: number): Promise<void> {
    const withinMs = asked.expiresAt - this.#timing.elapsed()
    const request = { ...asked.request, after: null }
    const reply = await this.#elsewhere.ask(partition, withinMs, (addr, leftMs) =>
      this.#peers.decide(addr, request, leftMs),
    )
    if (asked.answered) return
    if (reply.kind === 'answer') {
      asked.answered = true
      asked.resolve(reply.value)
      return
    }
    const here = this.#partitionAt(partition)
    if (here.isHere) here.ask(asked)
    else here.answerFallback(asked, 'owner_unavailable')
  }

  #told<Value>(reply: PeerReply<Value>): Value {
    switch (reply.kind) {
      case 'answer':
        return reply.value
      case 'refused':
        throw new ShardError(reply.code, reply.message)
      default:
        throw new ShardError('owner_unavailable', 'The node that has the partition does not answer; try again.')
    }
  }

  #onAssigned(partitions: readonly number[]): void {
    this.#assigned = partitions
    this.#settleAssignment()
  }

  #onSkew(skewMs: number | null): void {
    this.#skewMs = skewMs
    this.#settleAssignment()
  }

  /** Takes what is to be taken and lets go of the rest; each partition sees to it by itself. */
  #settleAssignment(): void {
    const mine = new Set(this.#assigned)
    const why = this.#skewMs === null ? null : skewSentence(this.#skewMs)
    for (const [index, partition] of this.#partitions.entries()) {
      if (!mine.has(index)) void partition.unassign()
      else if (why === null) void partition.assign()
      else void partition.unassign(why)
    }
  }

  #left(deadlineAt: number): number {
    return Math.max(0, deadlineAt - this.#clock.now())
  }

  #portOf(partition: number): ShardPort {
    const port = this.#ports[partition % this.#ports.length]
    if (port === undefined) throw new Error('there is at least one shard')
    return port
  }

  #partitionOf(customerId: string): Partition {
    return this.#partitionAt(partitionOf(customerId, this.#partitions.length))
  }

  #partitionAt(index: number): Partition {
    const partition = this.#partitions[index]
    if (partition === undefined) throw new RangeError('there is no such partition')
    return partition
  }

  /** Runs everything that was scheduled in this turn of the event loop together, so that its requests go as one batch. */
  #schedule(run: () => void): void {
    this.#due.push(run)
    if (this.#due.length > 1) return
    this.#timing.soon(() => {
      const due = this.#due
      this.#due = []
      for (const one of due) one()
    })
  }
}
