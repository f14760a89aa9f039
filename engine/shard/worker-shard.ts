import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import type { DecisionCodec } from '../../sinks/decision-codec.ts'
import type { Permit } from '../step/permit.ts'
import { unpackAnswers } from './answer-frame.ts'
import type { ShardData } from './open-shard.ts'
import type { Past } from './series-past.ts'
import type {
  AcquireResult,
  AdoptTask,
  AmendTask,
  BatchResult,
  BatchTask,
  CacheUsage,
  FillResult,
  FillTask,
  PackTask,
  Prepared,
  ShardPort,
  StoredOutbox,
  Switched,
  ViewResult,
} from './shard-port.ts'
import type { CustomerCopy, PermitRequest } from './shards.ts'
import type { MovedFill, MovedResult } from './worker.ts'

/**
 * A shard in a worker thread of its own: a Piscina pool of exactly one thread, so that work always meets the same warm
 * state. Tasks of different partitions overlap in it; the runners see to one task a partition. No abort signals and no
 * waiting on atomics: both keep tasks from overlapping. When the thread dies, or is ended because it does not come back, every open
 * call rejects and another one starts, which has acquired nothing.
 */
export class WorkerShard implements ShardPort {
  #pool: Piscina
  readonly #open: () => Piscina
  /** What a thread is made of: of the pack in force. */
  #data: ShardData
  readonly #codec: DecisionCodec

  /** @param codec reads the answers' records: of the same schemas as the thread's own */
  constructor(data: ShardData, concurrency: number, codec: DecisionCodec) {
    this.#codec = codec
    this.#data = data
    this.#open = () => {
      const pool = new Piscina({
        filename: fileURLToPath(new URL('./worker.ts', import.meta.url)),
        minThreads: 1,
        maxThreads: 1,
        idleTimeout: Number.POSITIVE_INFINITY,
        concurrentTasksPerWorker: concurrency,
        atomics: 'disabled',
        stricterFIFO: true,
        workerData: this.#data,
      })
      // Raised when a thread dies without an open call; the next call of each partition finds out.
      pool.on('error', () => {})
      return pool
    }
    this.#pool = this.#open()
  }

  /** From now on a thread that begins runs another pack. */
  begins(pack: Pick<ShardData, 'pack' | 'past' | 'rules'>): void {
    this.#data = { ...this.#data, ...pack }
  }

  /** Ends the thread, whatever it is at, and begins another one. */
  replace(): void {
    const ended = this.#pool
    this.#pool = this.#open()
    void ended.destroy()
  }

  async acquire(partition: number, token: string, addr: string): Promise<AcquireResult> {
    const result: AcquireResult = await this.#pool.run({ partition, token, addr }, { name: 'acquire' })
    // A thread that died by itself was replaced by one of the pack that this pool began with: it owns nothing yet.
    if (result.kind === 'behind' && result.runs < this.#data.past.activations) this.replace()
    return result
  }

  async batch(task: BatchTask): Promise<BatchResult> {
    const transferList = task.events === null ? [] : [task.events]
    return this.#received(await this.#pool.run(task, { name: 'batch', transferList }))
  }

  async adopt(task: AdoptTask): Promise<BatchResult> {
    return this.#received(await this.#pool.run(task, { name: 'adopt', transferList: [task.records] }))
  }

  async amend(task: AmendTask): Promise<BatchResult> {
    return this.#received(await this.#pool.run(task, { name: 'amend' }))
  }

  async fill(task: FillTask): Promise<FillResult> {
    const transferList = task.step.kind === 'set' ? [] : [task.step.records]
    const filled: MovedFill = await this.#pool.run(task, { name: 'fill', transferList })
    return filled.kind === 'filled' ? { ...filled, result: this.#received(filled.result) } : filled
  }

  learn(past: Past): Promise<void> {
    return this.#pool.run(past, { name: 'learn' })
  }

  prepare(task: PackTask): Promise<Prepared> {
    return this.#pool.run(task, { name: 'prepare' })
  }

  forget(): Promise<void> {
    return this.#pool.run(null, { name: 'forget' })
  }

  switchTo(past: Past, packHash: string): Promise<Switched> {
    return this.#pool.run({ past, packHash }, { name: 'switchTo' })
  }

  async resend(partition: number): Promise<BatchResult> {
    return this.#received(await this.#pool.run({ partition }, { name: 'resend' }))
  }

  outbox(partition: number, from: number, to: number): Promise<readonly StoredOutbox[]> {
    return this.#pool.run({ partition, from, to }, { name: 'outbox' })
  }

  permit(partition: number, request: PermitRequest, now: number): Promise<Permit | null> {
    return this.#pool.run({ partition, request, now }, { name: 'permit' })
  }

  copy(partition: number, customerId: string, now: number): Promise<CustomerCopy | null> {
    return this.#pool.run({ partition, customerId, now }, { name: 'copy' })
  }

  view(partition: number, customerId: string, now: number): Promise<ViewResult> {
    return this.#pool.run({ partition, customerId, now }, { name: 'view' })
  }

  release(partition: number): Promise<void> {
    return this.#pool.run({ partition }, { name: 'release' })
  }

  owner(partition: number): Promise<string> {
    return this.#pool.run({ partition }, { name: 'owner' })
  }

  storeNow(): Promise<number | null> {
    return this.#pool.run(null, { name: 'storeNow' })
  }

  usage(): Promise<CacheUsage> {
    return this.#pool.run(null, { name: 'usage' })
  }

  async close(): Promise<void> {
    await this.#pool.run(null, { name: 'close' })
    await this.#pool.destroy()
  }

  #received(result: MovedResult): BatchResult {
    return result.kind === 'done' ? { ...result, answers: unpackAnswers(result.answers, this.#codec) } : result
  }
}
