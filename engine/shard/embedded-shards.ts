/** All partitions of this process, on worker threads or inline, behind the `Shards` type. */
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Log } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import type { Clock } from '../clock.ts'
import { createFailpoint, type FailAt } from './failpoint.ts'
import { createFallbacks } from './fallback.ts'
import { type Asked, Deadlines } from './live-requests.ts'
import { openShard, type ShardData } from './open-shard.ts'
import { PartitionRunner } from './partition-runner.ts'
import type { BatchReport, RunnerLimits } from './runner-options.ts'
import type { CacheUsage, ShardPort } from './shard-port.ts'
import type { Applied, DecisionAnswer, DecisionRequest, Position, Shards, Totals } from './shards.ts'
import { WorkerShard } from './worker-shard.ts'

export type ShardsOptions = {
  readonly log: Log
  readonly decisions: Log
  readonly deadLetters: DeadLetters
  readonly store: ShardData['store']
  readonly pack: LoadedPack
  readonly salt: string
  readonly observedSince: ShardData['observedSince']
  readonly clock: Clock
  readonly mode: 'worker' | 'inline'
  /** Threads (worker mode); partition p belongs to shard p modulo this. */
  readonly shards: number
  /** Memory for cached customers, of all shards together. */
  readonly cacheBytes: number
  readonly limits?: Partial<RunnerLimits>
  readonly onBatch?: (report: BatchReport) => void
  /** Only tests set it. In worker mode the moments of a batch are those of the threads. */
  readonly failAt?: FailAt
}

export type EmbeddedShards = Shards & {
  /** Customers and bytes in the caches of each shard. */
  usage(): Promise<readonly CacheUsage[]>
}

const defaultLimits: RunnerLimits = {
  batchEvents: 4_096,
  batchBytes: 512 * 1_024,
  liveQueue: 8_192,
  outboxCommits: 10_000,
  outboxBytes: 64 * 2 ** 20,
}

/** Makes the shards; nothing is acquired before `start`. The store must have been initialised (`initStore`). */
export function createShards(options: ShardsOptions): EmbeddedShards {
  return new AllPartitions(options)
}

class AllPartitions implements EmbeddedShards {
  readonly #clock: Clock
  readonly #ports: readonly ShardPort[]
  readonly #runners: readonly PartitionRunner[]
  readonly #deadlines = new Deadlines()
  readonly #forgetLog: () => void
  #due: (() => void)[] = []

  constructor(options: ShardsOptions) {
    const { log, clock } = options
    this.#clock = clock
    this.#ports = Array.from({ length: options.mode === 'inline' ? 1 : options.shards }, () => openPort(options))
    const makeFallback = createFallbacks(compilePack(options.pack))
    const failpoint = createFailpoint(options.failAt ?? null)
    const limits = { ...defaultLimits, ...options.limits }
    this.#runners = Array.from({ length: log.partitions }, (_, partition) => {
      const port = this.#ports[partition % this.#ports.length]
      if (port === undefined) throw new Error('there is at least one shard')
      return new PartitionRunner({
        partition,
        port,
        log,
        decisions: options.decisions,
        deadLetters: options.deadLetters,
        clock,
        makeFallback,
        newToken: () => randomBytes(16).toString('hex'),
        schedule: (run) => this.#schedule(run),
        limits,
        onBatch: options.onBatch ?? (() => {}),
        failpoint,
      })
    })
    this.#forgetLog = log.onAppend((partition) => this.#runners[partition]?.appended())
  }

  async start(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.start()))
  }

  decide(request: DecisionRequest): Promise<DecisionAnswer> {
    return new Promise((resolve) => {
      const runner = this.#runnerOf(request.customerId)
      const askedAt = performance.now()
      const expiresAt = askedAt + request.deadlineAt - this.#clock.now()
      const expire = (asked: Asked): void => runner.answerLate(asked)
      const asked: Asked = { request, askedAt, expiresAt, resolve, expire, answered: false }
      this.#deadlines.watch(asked)
      if (request.after === null) runner.ask(asked)
      else this.#runnerAt(request.after.partition).wait(request.after.offset, () => runner.ask(asked))
    })
  }

  applied(position: Position, deadlineAt: number): Promise<Applied | null> {
    return new Promise((resolve) => {
      const late = (): void => {
        forget()
        resolve(null)
      }
      const timer = setTimeout(late, Math.max(0, deadlineAt - this.#clock.now()))
      const forget = this.#runnerAt(position.partition).wait(position.offset, (status) => {
        clearTimeout(timer)
        resolve(status)
      })
    })
  }

  customer(customerId: string): ReturnType<Shards['customer']> {
    return this.#runnerOf(customerId).view(customerId)
  }

  partitions(): ReturnType<Shards['partitions']> {
    return Promise.all(this.#runners.map((runner) => runner.status()))
  }

  async reopen(partition: number): ReturnType<Shards['reopen']> {
    const runner = this.#runnerAt(partition)
    await runner.reopen()
    return runner.status()
  }

  async totals(): Promise<Totals> {
    const totals = { accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 }
    for (const { progress } of this.#runners) {
      totals.accepted += progress.accepted
      totals.duplicates += progress.duplicates
      totals.deadLettered += progress.deadLettered
      totals.decisions += progress.decisions
    }
    return totals
  }

  async drained(): Promise<void> {
    await Promise.all(this.#runners.map((runner) => runner.drained()))
  }

  usage(): Promise<readonly CacheUsage[]> {
    return Promise.all(this.#ports.map((port) => port.usage()))
  }

  async stop(deadlineMs: number): Promise<void> {
    this.#forgetLog()
    let timer: NodeJS.Timeout | null = null
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, deadlineMs)
    })
    const stopped = Promise.all(this.#runners.map((runner) => runner.stop())).then(() =>
      Promise.all(this.#ports.map((port) => port.close())),
    )
    await Promise.race([stopped, late])
    if (timer !== null) clearTimeout(timer)
  }

  #runnerOf(customerId: string): PartitionRunner {
    return this.#runnerAt(partitionOf(customerId, this.#runners.length))
  }

  #runnerAt(partition: number): PartitionRunner {
    const runner = this.#runners[partition]
    if (runner === undefined) throw new RangeError('there is no such partition')
    return runner
  }

  /** Runs everything that was scheduled in this turn of the event loop together, so that its requests go as one batch. */
  #schedule(run: () => void): void {
    this.#due.push(run)
    if (this.#due.length > 1) return
    setImmediate(() => {
      const due = this.#due
      this.#due = []
      for (const one of due) one()
    })
  }
}

function openPort(options: ShardsOptions): ShardPort {
  const data: ShardData = {
    store: options.store,
    pack: options.pack,
    salt: options.salt,
    observedSince: options.observedSince,
    cacheBytes: Math.floor(options.cacheBytes / (options.mode === 'inline' ? 1 : options.shards)),
    partitions: options.log.partitions,
    clock: options.clock.kind,
    failAt: options.failAt ?? null,
  }
  return options.mode === 'inline'
    ? openShard(data)
    : new WorkerShard(data, Math.ceil(data.partitions / options.shards) + 1)
}
