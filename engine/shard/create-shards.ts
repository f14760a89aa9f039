/** All partitions of this process, on worker threads or inline, and the way to those of other nodes. */
import { randomBytes } from 'node:crypto'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import { type Feed, feedOf, type Log } from '../../ingest/log.ts'
import { type Membership, soleMembership } from '../../ingest/membership.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { openCodecs, type SchemaPlace } from '../../sinks/codecs.ts'
import { type Clock, machineTiming, type Timing } from '../clock.ts'
import { openResources, resourcesPlaceOf } from '../store/open-resources.ts'
import { AllPartitions, type LocalShards } from './all-partitions.ts'
import { type Trusts, trustsAll } from './event-frame.ts'
import { createFailpoint, type FailAt } from './failpoint.ts'
import { type DeafTo, openShard, type ShardData } from './open-shard.ts'
import type { BatchLimits, BatchReport } from './partition-options.ts'
import type { Peers } from './peers.ts'
import { RuleBoard, ruleRoom } from './rule-board.ts'
import type { RuleTrap } from './rule-guards.ts'
import type { RuleWatch } from './rule-watch.ts'
import { type Past, pastOf } from './series-past.ts'
import { type OnOversold, Settler } from './settler.ts'
import { ShardPacks } from './shard-packs.ts'
import type { ShardPort } from './shard-port.ts'
import { WorkerShard } from './worker-shard.ts'

export type ShardsOptions = {
  readonly log: Log
  /** Where batches are read from; absent: from `log`. */
  readonly feed?: Feed
  /** Which records of the log came through our own door; absent: all. */
  readonly trusts?: Trusts
  /** Absent: the ids of this release. */
  readonly schemas?: SchemaPlace
  readonly decisions: Log
  readonly batches: Log
  readonly deadLetters: DeadLetters
  readonly store: ShardData['store']
  readonly pack: LoadedPack
  /** What learned propensities are drawn from; absent: from their priors alone. */
  readonly learned?: LoadedLearned | null
  readonly salt: string
  /** What the installation's record says of the pack in force: which activation it is, since when series are observed, what is filled. */
  readonly past: Past
  readonly clock: Clock
  readonly mode: 'worker' | 'inline'
  /** Threads (worker mode); partition p belongs to shard p modulo this. */
  readonly shards: number
  /** Memory for cached customers, of all shards together. */
  readonly cacheBytes: number
  /** Most memory for the ids that a backfill remembers; 128 MB when absent. */
  readonly fillBytes?: number
  /** Which partitions are this process's; absent: all. */
  readonly membership?: Membership
  /** The way to other nodes; absent: there are none. */
  readonly peers?: Peers
  readonly limits?: Partial<BatchLimits>
  readonly onBatch?: (report: BatchReport) => void
  readonly onOversold?: OnOversold
  readonly onErased?: (customerIds: readonly string[]) => void
  /** Who watches the shards, made for this pack and at least so many of them; absent: nobody does. */
  readonly watch?: RuleWatch
  /** Only tests set these. In worker mode the moments of a batch are those of the threads. */
  readonly failAt?: FailAt
  readonly trap?: RuleTrap
  readonly deaf?: DeafTo
  /** Only simulations set these: timers, tokens, ids of fallbacks, the shard itself, and `PartitionOptions.readsBack`. */
  readonly timing?: Timing
  readonly newToken?: () => string
  readonly openPort?: () => ShardPort
  readonly readsBack?: boolean
}

const ownIds: SchemaPlace = { kind: 'own' }

const defaultLimits: BatchLimits = {
  batchEvents: 4_096,
  batchBytes: 512 * 1_024,
  liveQueue: 8_192,
  staleMs: 60_000,
  outboxCommits: 10_000,
  outboxBytes: 64 * 2 ** 20,
}

/** Makes the shards; nothing is acquired before `start`. The store must have been initialised (`initStore`). */
export function createShards(options: ShardsOptions): LocalShards {
  const { log } = options
  const newToken = options.newToken ?? (() => randomBytes(16).toString('hex'))
  const count = options.mode === 'inline' ? 1 : options.shards
  const board = options.watch?.buffer ?? RuleBoard.make(ruleRoom, count)
  const open = options.openPort ?? ((shard: number) => openPort(options, board, shard))
  const ports = Array.from({ length: count }, (_, shard) => open(shard))
  const packs = new ShardPacks({
    ports,
    pack: compilePack(options.pack),
    activation: options.past.activations,
    now: () => options.clock.now(),
    timing: options.timing ?? machineTiming,
    newId: newToken,
  })
  options.watch?.attach(ports.filter((port) => port instanceof WorkerShard))
  return new AllPartitions({
    partitions: log.partitions,
    ports,
    feed: options.feed ?? feedOf(log),
    log,
    trusts: options.trusts ?? trustsAll,
    decisions: options.decisions,
    batches: options.batches,
    deadLetters: options.deadLetters,
    clock: options.clock,
    timing: options.timing ?? machineTiming,
    membership: options.membership ?? soleMembership(log.partitions),
    peers: options.peers ?? null,
    readsBack: options.readsBack ?? true,
    makeFallback: packs.makeFallback,
    packs,
    codec: openCodecs(options.schemas ?? ownIds).decisions,
    newToken,
    limits: { ...defaultLimits, ...options.limits },
    onBatch: options.onBatch ?? (() => {}),
    onErased: options.onErased ?? (() => {}),
    settler: new Settler(openResources(resourcesPlaceOf(options.store)), options.onOversold ?? (() => {})),
    failpoint: createFailpoint(options.failAt ?? null),
  })
}

function openPort(options: ShardsOptions, board: SharedArrayBuffer, shard: number): ShardPort {
  const data: ShardData = {
    store: options.store,
    pack: options.pack,
    learned: options.learned ?? null,
    salt: options.salt,
    past: pastOf(options.past),
    fillBytes: options.fillBytes ?? 128 * 2 ** 20,
    cacheBytes: Math.floor(options.cacheBytes / (options.mode === 'inline' ? 1 : options.shards)),
    schemas: options.schemas ?? ownIds,
    partitions: options.log.partitions,
    clock: options.clock.kind,
    board,
    ...(options.watch === undefined ? {} : { rules: options.watch.numbers }),
    shard,
    failAt: options.failAt ?? null,
    trap: options.trap ?? null,
    deaf: options.deaf ?? null,
  }
  return options.mode === 'inline'
    ? openShard(data)
    : new WorkerShard(data, Math.ceil(data.partitions / options.shards) + 1, openCodecs(data.schemas).decisions)
}
