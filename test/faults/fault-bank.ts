/**
 * A bank on real servers: its own topics on a Kafka, its own keys in a Redis, engines in processes of their own, and, in the end,
 * the evidence of what became of all that came in.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom, type Random } from '../../bench/workload/random.ts'
import { signingSecret } from '../../engine/nodes/node-key.ts'
import type { PartitionStatus } from '../../engine/shard/shards.ts'
import type { Stored } from '../../engine/state/states.ts'
import { openRedisStore } from '../../engine/store/redis/redis-store.ts'
import type { Store } from '../../engine/store/store.ts'
import { type KafkaLogs, openKafkaLogs } from '../../ingest/kafka/kafka-log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { createRecordSignature } from '../../ingest/record-signature.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { loadPack } from '../../rules/load-pack.ts'
import { readAll } from '../engine/shard/data-folder.ts'
import { type BankPieces, reportedChannels, writeBank } from '../engine/step/bank-pack.ts'
import { uniqueName } from '../parts/describe-with-parts.ts'
import { allProblems } from '../protocol/all-checks.ts'
import type { Acknowledged, Answer, Evidence } from '../protocol/evidence.ts'
import { capLimit, capPerMs, metCaps } from '../simulation/workload.ts'
import { FaultNode, NodeRefused } from './fault-node.ts'
import type { NodePlan } from './node-child.ts'

export const partitions = 4
export const customers = 24
/** So long takes a take-over from a node that is silent; half of it is more than a busy machine makes a node stand still. */
const sessionMs = 5_000

export type BankOptions = {
  readonly seed: number
  readonly brokers: readonly string[]
  /** As engines reach Redis, and as the evidence is read from it in the end, after a failover perhaps from another one. */
  readonly redis: { readonly engine: string; readonly evidence: () => string }
  readonly settings?: Readonly<Record<string, string>>
  /** Quiet hours and the like, beside the caps. */
  readonly contact?: Readonly<Record<string, unknown>>
  /** Pieces of its pack; absent: those of the steps. */
  readonly pieces?: BankPieces
  /** Absent: four. What comes in then is the test's own, and so is what has to hold. */
  readonly partitions?: number
}

export const salt = 'salt of the faults'
const settleWithinMs = 40_000
const startsMax = 5
const awayCodes: ReadonlySet<string> = new Set(['store_unavailable', 'log_unavailable'])

export class FaultBank {
  readonly random: Random
  readonly logs: KafkaLogs
  readonly prefix: string
  readonly answers: Answer[] = []
  readonly acknowledged: Acknowledged[] = []
  /** What was done to it, with the millisecond of the run: told when a check fails. */
  readonly told: string[] = []
  /** Events produced and requests asked so far, and requests that got no answer at all: nothing ran, or it ended before. */
  readonly count = { events: 0, asked: 0, unanswered: 0 }
  readonly #options: BankOptions
  readonly #dir: string
  readonly #began = Date.now()
  readonly #nodes = new Map<string, FaultNode>()

  private constructor(options: BankOptions, parts: { prefix: string; dir: string; logs: KafkaLogs }) {
    this.#options = options
    this.random = createRandom(options.seed, 'faults')
    this.prefix = parts.prefix
    this.logs = parts.logs
    this.#dir = parts.dir
  }

  static async open(options: BankOptions): Promise<FaultBank> {
    const prefix = `${uniqueName('faults')}.`
    const dir = await mkdtemp(join(tmpdir(), 'proffer-faults-'))
    await mkdir(join(dir, 'pack'))
    const base = { caps: metCaps, channels: reportedChannels, contact: options.contact ?? {} }
    await writeBank(join(dir, 'pack'), { ...base, ...options.pieces })
    const logs = await openKafkaLogs({
      connection: { brokers: options.brokers, clientId: 'faults' },
      topics: { prefix, partitions: options.partitions ?? partitions, create: true, retentionMs: 86_400_000 },
      node: 'nobody',
      addr: () => '',
      now: () => Date.now(),
      sessionTimeoutMs: sessionMs,
    })
    return new FaultBank(options, { prefix, dir, logs })
  }

  get seed(): number {
    return this.#options.seed
  }

  /** Engines that callers are sent to: those that run and were not told to end. */
  get nodes(): readonly FaultNode[] {
    return [...this.#nodes.values()].filter((node) => node.isRunning && !node.isLeaving)
  }

  node(name: string): FaultNode {
    const node = this.#nodes.get(name)
    if (node === undefined) throw new RangeError('there is no such node')
    return node
  }

  tell(what: string): void {
    this.told.push(`${Date.now() - this.#began} ms: ${what}`)
  }

  /**
   * Starts an engine; one that ends because its servers do not answer is started again, as whoever looks after it does.
   *
   * @param aheadMs how far its clock is ahead
   * @throws NodeRefused for any other reason
   */
  async start(
    name: string,
    shards: NodePlan['shards'] = {},
    more: Readonly<Record<string, string>> = {},
    aheadMs = 0,
  ): Promise<FaultNode> {
    const settings = {
      DATA_DIR: join(this.#dir, name),
      PACK: join(this.#dir, 'pack'),
      NODE_NAME: name,
      PARTITIONS: String(this.#options.partitions ?? partitions),
      SHARD_MODE: 'inline',
      CACHE_MB: '16',
      KAFKA_BROKERS: this.#options.brokers.join(','),
      KAFKA_TOPIC_PREFIX: this.prefix,
      KAFKA_SESSION_TIMEOUT_MS: String(sessionMs),
      REDIS_URL: this.#options.redis.engine,
      REDIS_KEY_PREFIX: this.prefix,
      STOP_DEADLINE_MS: '8000',
      ...this.#options.settings,
      ...more,
    }
    const node = await startPatiently({ settings, salt, shards, aheadMs })
    this.#nodes.set(name, node)
    this.tell(aheadMs === 0 ? `${name} runs` : `${name} runs, its clock ${aheadMs} ms ahead`)
    return node
  }

  /**
   * Waits until everything in the log is committed and out, ends the engines in order, and checks everything.
   * @returns what is wrong; the seed and what was done are told with it
   */
  async problems({ forgets = false } = {}): Promise<string[]> {
    const wrong = [...(await this.settle()), ...(await this.#stopNodes())]
    wrong.push(...allProblems(await this.evidence(), { forgets }))
    return wrong
  }

  /** Waits until every partition runs and is through; what is not, in the end. */
  async settle(): Promise<string[]> {
    const deadline = Date.now() + settleWithinMs
    for (;;) {
      const waiting = await this.#waiting()
      if (waiting.length === 0) return []
      if (Date.now() > deadline)
        return [`not through ${settleWithinMs} ms after everything works: ${waiting.join('; ')}`]
      await sleep(50)
    }
  }

  async evidence(): Promise<Evidence> {
    const loaded = await loadPack(join(this.#dir, 'pack'))
    if (loaded.kind !== 'ok') throw new Error('the pack of the tests is sound')
    const pack = compilePack(loaded.pack)
    const all = Array.from({ length: partitions }, (_, partition) => partition)
    const ids = customerIds()
    return this.withStore(async (store) => {
      const cluster = await store.cluster()
      const stored = new Map<string, Stored>()
      for (const id of ids) {
        const [found = null] = await store.load(partitionOf(id, partitions), [id])
        if (found !== null) stored.set(id, found)
      }
      return {
        pack,
        salt,
        partitions,
        observedSince: pack.layout.series.map(({ key }) => cluster?.observedSince[key] ?? Number.POSITIVE_INFINITY),
        added: cluster?.added ?? {},
        customers: ids,
        events: await Promise.all(all.map((partition) => readAll(this.logs.events, partition))),
        decisions: await Promise.all(all.map((partition) => readAll(this.logs.decisions, partition))),
        batches: await Promise.all(all.map((partition) => readAll(this.logs.batches, partition))),
        metas: await Promise.all(all.map((partition) => store.meta(partition))),
        stored,
        trusts: createRecordSignature(signingSecret(salt)).verify,
        answers: this.answers,
        acknowledged: this.acknowledged,
        cap: { limit: capLimit, perMs: capPerMs },
        asOf: Date.now() + 60_000,
      }
    })
  }

  /** What the store says of each partition. */
  async metas(): Promise<Evidence['metas']> {
    return this.withStore((store) => Promise.all(Array.from({ length: partitions }, (_, p) => store.meta(p))))
  }

  async withStore<Result>(use: (store: Store) => Promise<Result>): Promise<Result> {
    const store = await openRedisStore({
      urls: this.#options.redis.evidence().split(','),
      prefix: this.prefix,
      waitReplicas: 0,
    })
    try {
      return await use(store)
    } finally {
      await store.close()
    }
  }

  /** Ends everything, whatever state it is in. */
  async close(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.kill()))
    await this.logs.close()
    await rm(this.#dir, { recursive: true, force: true })
  }

  async #stopNodes(): Promise<string[]> {
    const ends = await Promise.all(this.nodes.map((node) => node.stop()))
    return ends.every((inOrder) => inOrder) ? [] : ['a node did not end in order']
  }

  /** Partitions that are not through, with the reason where one is given. */
  async #waiting(): Promise<string[]> {
    const known = new Map<number, PartitionStatus>()
    for (const node of this.nodes) {
      for (const status of (await node.partitions()) ?? []) {
        if (known.get(status.partition)?.state !== 'running') known.set(status.partition, status)
      }
    }
    const waiting: string[] = []
    for (let partition = 0; partition < (this.#options.partitions ?? partitions); partition++) {
      const { state = 'unknown', reason = null, seq = 0, next = 0, published = 0 } = known.get(partition) ?? {}
      const { end } = await this.logs.events.bounds(partition)
      if (state === 'running' && next >= end && published >= seq) continue
      waiting.push(
        `p${partition} is ${state} at ${next} of ${end}, ${published} of ${seq} out, ${reason ?? 'no reason'}`,
      )
    }
    return waiting
  }
}

async function startPatiently(plan: NodePlan): Promise<FaultNode> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await FaultNode.start(plan)
    } catch (error) {
      const isAway = error instanceof NodeRefused && awayCodes.has(error.code)
      if (!isAway || attempt === startsMax) throw error
    }
  }
}

export function customerIds(): string[] {
  return Array.from({ length: customers }, (_, i) => `C${i}`)
}
