/**
 * A shard: the cache of its customers, the step, and the commit of each batch. Runs in a worker thread or inline.
 *
 * Invariants of the commit protocol kept here: headers, states and outbox change only in a commit; a step sees only
 * committed state; nothing leaves before its commit is applied; one unfinished batch a partition.
 */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { FilterFault } from '../../rules/cel/guard.ts'
import { customerView } from '../explain/customer-view.ts'
import type { Slot } from '../state/states.ts'
import { type Permit, permitMessage } from '../step/permit.ts'
import type { Commit, CommitMeta, CommitReply } from '../store/store.ts'
import { adoptedCustomers, adoptRecords } from './adopt-records.ts'
import { doneWith, nothingSaid } from './batch-done.ts'
import { type BatchOutcome, BatchSteps } from './batch-steps.ts'
import { BatchTally } from './batch-tally.ts'
import { codeOf, isRetryable, placeOf } from './error-place.ts'
import { frameValues } from './event-frame.ts'
import { EventSchemas, learnWithinMs } from './event-schemas.ts'
import { amendment, batchCommit } from './make-commit.ts'
import type { OpenCommit, Owned } from './owned-partition.ts'
import { type Refused, refusedFor } from './refused-batch.ts'
import { type Past, SeriesPast } from './series-past.ts'
import type { ShardCoreOptions } from './shard-core-options.ts'
import { ShardCustomers } from './shard-customers.ts'
import { ShardDues } from './shard-dues.ts'
import { ShardFills } from './shard-fills.ts'
import type {
  AcquireResult,
  AdoptTask,
  AmendTask,
  BatchResult,
  BatchStats,
  BatchTask,
  CacheUsage,
  FillRefusal,
  FillResult,
  FillTask,
  ShardPort,
  StoredOutbox,
  ViewResult,
} from './shard-port.ts'
import type { PermitRequest } from './shards.ts'
import type { BatchTools, SteppedBatch } from './step-batch.ts'
import { StockDesk } from './stock-desk.ts'

/** Records beyond this many bytes make the batch that meets them commit. */
const waitingBytesMax = 4 * 2 ** 20

type Looked<Value> = (slot: Slot, asOf: number, known: boolean) => Value

/** A shard over its store and cache. It acquires nothing by itself. Closing it closes the store. */
export class ShardCore implements ShardPort {
  readonly #options: ShardCoreOptions
  readonly #pack: string
  readonly #tools: BatchTools
  readonly #customers: ShardCustomers
  readonly #fills: ShardFills
  readonly #dues: ShardDues
  readonly #stock: StockDesk
  readonly #steps: BatchSteps
  readonly #owned = new Map<number, Owned>()
  #past: SeriesPast

  constructor(options: ShardCoreOptions) {
    this.#options = options
    this.#pack = options.context.pack.loaded.hash
    this.#tools = { ...options, tally: new BatchTally(options.context), mark: options.rules.mark }
    this.#customers = new ShardCustomers(options)
    this.#fills = new ShardFills(options)
    this.#dues = new ShardDues(options)
    this.#stock = new StockDesk(options.resources, options.context.pack)
    this.#steps = new BatchSteps(options, this.#tools, this.#customers, this.#stock)
    this.#past = new SeriesPast(options.context.pack.layout, options.past)
  }

  async acquire(partition: number, token: string, addr: string): Promise<AcquireResult> {
    this.#drop(partition)
    try {
      const meta = await this.#options.store.acquire(partition, token, addr)
      if (meta === null) {
        return {
          kind: 'closed',
          reason: 'The header of the partition is missing from the store. Restore the store from a backup.',
        }
      }
      await this.#customers.acquired(partition, meta.clock)
      await this.#stock.begin(meta.clock)
      const nextDue = await this.#dues.next(partition)
      const schemas = new EventSchemas(this.#options.codecs.learnEvents)
      const takenAt = performance.now()
      this.#owned.set(partition, {
        meta,
        waiting: [],
        waitingBytes: 0,
        stepped: 0,
        nextDue,
        takenAt,
        schemas,
        open: null,
      })
      return { kind: 'acquired', meta, nextDue }
    } catch (error) {
      return { kind: 'failed', reason: isRetryable(error) ? error.message : `The store failed: ${placeOf(error)}.` }
    }
  }

  batch(given: BatchTask): BatchResult | Promise<BatchResult> {
    const part = this.#owned.get(given.partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'one unfinished batch a partition')
    // Requests do not wait for a registry: the events of this batch come again.
    const task = part.schemas.mayDecode(given.events) ? given : { ...given, events: null }
    const until = this.#dues.until(part, task)
    return until > 0 ? this.#takeDue(part, task, until) : this.#step(part, task, [])
  }

  async adopt(task: AdoptTask): Promise<BatchResult> {
    const { partition } = task
    const { states, codecs } = this.#options
    const part = this.#owned.get(partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'decisions are adopted between batches')
    try {
      await codecs.learnDecisions(frameValues(task.records), learnWithinMs)
    } catch (error) {
      return { kind: 'retry', reason: codeOf(error) }
    }
    const { slots, missing } = this.#customers.open(partition, adoptedCustomers(task.records))
    try {
      await this.#customers.load(partition, slots, missing)
      const clock = Math.max(part.meta.clock, adoptRecords({ states, codec: codecs.decisions }, slots, task.records))
      const { to, adopting, notAfter } = task
      return this.#send(
        partition,
        part,
        this.#amendment(part, partition, { to, change: { clock, adopting }, notAfter }),
      )
    } catch (error) {
      return this.#refused(partition, error)
    }
  }

  async amend(task: AmendTask): Promise<BatchResult> {
    const { partition } = task
    const part = this.#owned.get(partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'a header is amended between batches')
    this.#options.states.begin(partition)
    return this.#send(partition, part, this.#amendment(part, partition, task))
  }

  async fill({ partition, step, published, dpos, notAfter }: FillTask): Promise<FillResult> {
    const part = this.#owned.get(partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'a series is filled between batches')
    try {
      if (step.kind !== 'set') await this.#options.codecs.learnEvents(frameValues(step.records), learnWithinMs)
    } catch (error) {
      return { kind: 'retry', reason: codeOf(error) }
    }
    const { rules } = this.#options
    const standing = { fill: part.meta.fill, begun: this.#past.begun(part.meta) }
    try {
      const plan = rules.during(partition, () => this.#fills.plan(partition, step, standing, this.#past), 'uncounted')
      if (plan.kind === 'refused') return plan
      const { found, limits, at, fill } = plan
      const filled = { kind: 'filled', at, read: found.read } as const
      if (fill === null)
        return { ...filled, added: 0, result: doneWith(part, part.meta, { ...nothingSaid, committed: false }) }
      const { slots, missing } = this.#customers.open(partition, found.customers)
      await this.#customers.load(partition, slots, missing)
      const added = rules.during(partition, () => this.#fills.add(slots, found, limits), 'uncounted')
      if (added === 'quarantined') return this.#fillRefused(partition, added)
      const task = { to: part.meta.seq + 1, change: { fill, published, dpos }, notAfter }
      return { ...filled, added, result: await this.#send(partition, part, this.#amendment(part, partition, task)) }
    } catch (error) {
      if (error instanceof FilterFault) return this.#fillRefused(partition, error.code)
      this.#fills.forget(partition)
      return this.#refused(partition, error)
    }
  }

  /** Nothing of a step of a backfill is kept: it goes on where the header says. */
  #fillRefused(partition: number, why: FillRefusal): FillResult {
    this.#fills.forget(partition)
    this.#options.states.discard(partition)
    return { kind: 'refused', why }
  }

  async learn(past: Past): Promise<void> {
    this.#past = new SeriesPast(this.#options.context.pack.layout, past)
    this.#options.states.observe(this.#past.observedSince)
  }

  async resend(partition: number): Promise<BatchResult> {
    const part = this.#owned.get(partition)
    if (part === undefined || part.open === null) return { kind: 'lost' }
    return this.#send(partition, part, part.open)
  }

  outbox(partition: number, from: number, to: number): Promise<readonly StoredOutbox[]> {
    return this.#options.store.outbox(partition, from, to)
  }

  async release(partition: number): Promise<void> {
    const part = this.#owned.get(partition)
    if (part === undefined) return
    this.#drop(partition)
    await this.#options.store.release(partition, part.meta.token)
  }

  async owner(partition: number): Promise<string> {
    return (await this.#options.store.meta(partition))?.addr ?? ''
  }

  storeNow(): Promise<number | null> {
    return this.#options.store.now()
  }

  async view(partition: number, customerId: string, now: number): Promise<ViewResult> {
    const { context } = this.#options
    const viewOf = (slot: Slot, asOf: number, known: boolean) =>
      customerView(context, slot, { customerId, partition, known, asOf })
    const view = await this.#look(partition, customerId, now, viewOf)
    return view === null ? { kind: 'lost' } : { kind: 'view', view }
  }

  permit(partition: number, request: PermitRequest, now: number): Promise<Permit | null> {
    const { context } = this.#options
    return this.#look(partition, request.customerId, now, (slot, asOf) => permitMessage(context, slot, request, asOf))
  }

  async usage(): Promise<CacheUsage> {
    const { states } = this.#options
    return { ...states.usage(), overflows: { ...states.overflows } }
  }

  async close(): Promise<void> {
    await this.#stock.close()
    await this.#options.store.close()
  }

  #drop(partition: number): void {
    this.#owned.delete(partition)
    this.#fills.forget(partition)
    this.#options.states.discard(partition)
  }

  /** A batch that also takes up what is due. */
  async #takeDue(part: Owned, task: BatchTask, until: number): Promise<BatchResult> {
    try {
      return await this.#step(part, task, await this.#dues.due(task.partition, until))
    } catch (error) {
      return this.#refused(task.partition, error)
    }
  }

  #step(part: Owned, task: BatchTask, due: readonly string[]): BatchResult | Promise<BatchResult> {
    const outcome = this.#steps.run(part, task, due)
    if (outcome instanceof Promise) return outcome.then((late) => this.#close(part, task, due, late))
    return this.#close(part, task, due, outcome)
  }

  /** Commits a stepped batch, or lets what changed nothing wait for another commit. */
  #close(
    part: Owned,
    task: BatchTask,
    due: readonly string[],
    outcome: BatchOutcome,
  ): BatchResult | Promise<BatchResult> {
    const { partition } = task
    if (outcome.kind === 'failed') return this.#refused(partition, outcome.error)
    if (outcome.kind === 'abandoned') {
      this.#options.states.discard(partition)
      return { kind: 'retry', reason: 'lease_half_gone' }
    }
    const { slots, stepped, half } = outcome
    const tally = this.#options.rules.during(partition, () => this.#tools.tally.take(stepped.lastEvent))
    const stats = { ...outcome.stats, tally }
    const changes = stepped.next !== part.meta.next || stepped.reserves || due.length > 0
    if (changes || task.flush || part.waitingBytes >= waitingBytesMax) {
      const notAfter = half === Number.POSITIVE_INFINITY ? task.notAfter : Math.min(task.notAfter ?? half, half)
      const nextDue = this.#dues.changed(partition, slots, due)
      const open = this.#closeBatch(part, { ...task, notAfter }, stepped, stats, nextDue)
      return this.#send(partition, part, { ...open, claims: stepped.claims.filter(({ asked }) => asked) })
    }
    for (const record of [...task.records, ...stepped.decisions]) {
      part.waiting.push(record)
      part.waitingBytes += record.bytes.length
    }
    this.#options.states.installed(partition)
    return doneWith(part, part.meta, {
      committed: false,
      answers: stepped.answers,
      outbox: null,
      exceptions: 0,
      stats,
    })
  }

  /** Looks at a customer between two batches; null: the partition is not held. */
  async #look<Value>(partition: number, customerId: string, now: number, of: Looked<Value>): Promise<Value | null> {
    const part = this.#owned.get(partition)
    if (part === undefined) return null
    assert(part.open === null, 'a customer is looked at between batches')
    const { clock } = part.meta
    const asOf = this.#options.clock === 'event' && clock > 0 ? clock : Math.max(now, clock)
    const { rules } = this.#options
    const during = (slot: Slot, known: boolean): Value => rules.during(partition, () => of(slot, asOf, known))
    return this.#customers.look(partition, customerId, during)
  }

  /** The commit of a stepped batch. */
  #closeBatch(part: Owned, task: BatchTask, stepped: SteppedBatch, stats: BatchStats, due: Commit['due']): OpenCommit {
    const begun = this.#past.begun(part.meta)
    const writes = this.#customers.writes(task.partition)
    return batchCommit(part, { task, stepped, stats, pack: this.#pack, clock: this.#options.clock, begun, writes, due })
  }

  /** The commit of what the open batch changed outside of a step, with nothing to let out. */
  #amendment(
    part: Owned,
    partition: number,
    task: Pick<AmendTask, 'to' | 'notAfter'> & { readonly change: Partial<CommitMeta> },
  ): OpenCommit {
    const due = this.#options.states.dues(partition)
    const change = { begun: this.#past.begun(part.meta), ...task.change }
    return amendment(part, { ...task, change, writes: this.#customers.writes(partition), due })
  }

  async #send(partition: number, part: Owned, open: OpenCommit): Promise<BatchResult> {
    part.open = open
    const started = performance.now()
    let reply: CommitReply
    try {
      reply = await this.#options.store.commit(partition, open.commit)
    } catch (error) {
      if (isRetryable(error)) {
        part.open = { ...open, doubted: true }
        return { kind: 'doubt', reason: error.message }
      }
      this.#drop(partition)
      return { kind: 'closed', reason: `The store refused the commit: ${placeOf(error)}.` }
    }
    this.#options.failpoint('committed')
    if (reply.kind === 'applied') {
      this.#options.states.installed(partition)
      this.#customers.committed(partition, open.commit)
      part.open = null
      part.meta = { ...open.commit.meta, token: open.commit.token, addr: part.meta.addr, seq: open.commit.to }
      part.nextDue = await this.#dues.nextAfter(partition, part.nextDue, open.commit)
      this.#options.failpoint('installed')
      const erased = this.#customers.erasedIn(open.commit)
      const progress = { ...open.done.progress, nextDue: part.nextDue }
      return { ...open.done, progress, erased, stats: { ...open.done.stats, commitMs: performance.now() - started } }
    }
    this.#drop(partition)
    // Whoever fenced it may have let out what was applied unheard; no other refusal can hide that.
    if (reply.kind !== 'fenced' || open.doubted !== true) this.#stock.giveBack(open.claims ?? [])
    if (reply.kind === 'fenced' || reply.kind === 'expired') return { kind: reply.kind }
    if (reply.stored < open.commit.from) return { kind: 'rewound' }
    const reason = `The stored commit number ${reply.stored} is beyond ${open.commit.to}, which only a fault can cause.`
    return { kind: 'closed', reason }
  }

  /** Nothing of the batch is kept. */
  #refused(partition: number, error: unknown): Refused {
    const refused = refusedFor(error)
    if (refused.kind === 'retry') this.#options.states.discard(partition)
    else this.#drop(partition)
    return refused
  }
}
