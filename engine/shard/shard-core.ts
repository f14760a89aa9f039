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
import { adoptedCustomers, adoptedIds, adoptRecords } from './adopt-records.ts'
import { doneWith, nothingSaid } from './batch-done.ts'
import { type Changed, fillChange, keepStep, stepBytesMax } from './batch-record.ts'
import type { BatchOutcome } from './batch-steps.ts'
import { copyOf } from './customer-copy.ts'
import type { Edition, EditionShared } from './edition.ts'
import { codeOf, isRetryable, placeOf } from './error-place.ts'
import { frameValues } from './event-frame.ts'
import { EventSchemas, learnWithinMs } from './event-schemas.ts'
import { amendment, batchCommit } from './make-commit.ts'
import { type OpenCommit, type Owned, ownedFrom } from './owned-partition.ts'
import { type Refused, refusedFor } from './refused-batch.ts'
import type { Past } from './series-past.ts'
import type { ShardCoreOptions } from './shard-core-options.ts'
import { ShardEditions } from './shard-editions.ts'
import type {
  AcquireResult,
  AdoptTask,
  AmendTask,
  BatchResult,
  BatchTask,
  CacheUsage,
  FillRefusal,
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

/** Records beyond this many bytes make the batch that meets them commit. */
const waitingBytesMax = 4 * 2 ** 20

type ClosedBatch = Pick<Parameters<typeof batchCommit>[1], 'stepped' | 'step' | 'stats' | 'customersDue'>
type Looked<Value> = (edition: Edition, slot: Slot, asOf: number, known: boolean) => Value

/** A shard over its store and cache. It acquires nothing by itself. Closing it closes the store. */
export class ShardCore implements ShardPort {
  readonly #options: EditionShared
  readonly #owned = new Map<number, Owned>()
  readonly #editions: ShardEditions

  constructor(options: ShardCoreOptions) {
    const { states, context, rules, past, ...rest } = options
    this.#options = { ...rest, erased: new Map(), lapsing: new Map() }
    this.#editions = new ShardEditions({ states, context, rules, past }, this.#options, rest.open ?? null, this.#owned)
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
      await this.#editions.current.customers.acquired(partition, meta.clock)
      await this.#editions.current.stock.begin(meta.clock)
      const nextDue = await this.#editions.current.dues.next(partition)
      const newer = await this.#editions.newerPack(partition, meta)
      if (newer !== null) return { kind: 'behind', runs: this.#editions.current.activation, reason: newer }
      // Nothing is waited for from here on.
      const edition = this.#editions.current
      edition.takesOver(meta)
      const schemas = new EventSchemas(this.#options.codecs.learnEvents)
      const takenAt = performance.now()
      this.#owned.set(partition, ownedFrom({ meta, edition, nextDue, takenAt, schemas }))
      return { kind: 'acquired', meta, nextDue }
    } catch (error) {
      return { kind: 'failed', reason: isRetryable(error) ? error.message : `The store failed: ${placeOf(error)}.` }
    }
  }

  batch(given: BatchTask): BatchResult | Promise<BatchResult> {
    const part = this.#editions.goOver(given.partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'one unfinished batch a partition')
    // Requests do not wait for a registry: the events of this batch come again.
    const task = part.schemas.mayDecode(given.events) ? given : { ...given, events: null }
    const until = part.edition.dues.until(part, task)
    const result = until > 0 ? this.#takeDue(part, task, until) : this.#step(part, task, [])
    return result instanceof Promise ? this.#editions.flight(given.partition, result) : result
  }

  adopt(task: AdoptTask): Promise<BatchResult> {
    return this.#editions.flight(task.partition, this.#adopt(task))
  }

  async #adopt(task: AdoptTask): Promise<BatchResult> {
    const { partition } = task
    const { codecs } = this.#options
    const part = this.#editions.goOver(partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'decisions are adopted between batches')
    try {
      await codecs.learnDecisions(frameValues(task.records), learnWithinMs)
    } catch (error) {
      return { kind: 'retry', reason: codeOf(error) }
    }
    const { customers, states } = part.edition
    const { slots, missing } = customers.open(partition, adoptedCustomers(task.records))
    try {
      await customers.load(partition, slots, missing)
      const clock = Math.max(part.meta.clock, adoptRecords({ states, codec: codecs.decisions }, slots, task.records))
      const { to, adopting, notAfter } = task
      const changed = { kind: 'adopt', adopted: adoptedIds(task.records) } as const
      const amended = { to, change: { clock, adopting }, notAfter, changed }
      return this.#send(partition, part, this.#amendment(part, partition, amended))
    } catch (error) {
      return this.#refused(partition, error)
    }
  }

  async amend(task: AmendTask): Promise<BatchResult> {
    const { partition } = task
    const part = this.#editions.goOver(partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'a header is amended between batches')
    part.edition.states.begin(partition)
    const amended = this.#amendment(part, partition, { ...task, changed: { kind: 'amend' } })
    return this.#editions.flight(partition, this.#send(partition, part, amended))
  }

  fill(task: FillTask): Promise<FillResult> {
    return this.#editions.flight(task.partition, this.#fill(task))
  }

  async #fill({ partition, step, published, dpos, notAfter }: FillTask): Promise<FillResult> {
    const part = this.#editions.goOver(partition)
    if (part === undefined) return { kind: 'lost' }
    assert(part.open === null, 'a series is filled between batches')
    try {
      if (step.kind !== 'set') await this.#options.codecs.learnEvents(frameValues(step.records), learnWithinMs)
    } catch (error) {
      return { kind: 'retry', reason: codeOf(error) }
    }
    const { rules, past, fills, customers } = part.edition
    const standing = { fill: part.meta.fill, begun: past.begun(part.meta) }
    try {
      const plan = rules.during(partition, () => fills.plan(partition, step, standing, past), 'uncounted')
      if (plan.kind === 'refused') return plan
      const { found, limits, at, fill } = plan
      const filled = { kind: 'filled', at, read: found.read } as const
      if (fill === null)
        return { ...filled, added: 0, result: doneWith(part, part.meta, { ...nothingSaid, committed: false }) }
      const { slots, missing } = customers.open(partition, found.customers)
      await customers.load(partition, slots, missing)
      const added = rules.during(partition, () => fills.add(slots, found, limits), 'uncounted')
      if (added === 'quarantined') return this.#fillRefused(part, partition, added)
      const changed = fillChange(step, plan, fill.number)
      const task = { to: part.meta.seq + 1, change: { fill, published, dpos }, notAfter, changed }
      return { ...filled, added, result: await this.#send(partition, part, this.#amendment(part, partition, task)) }
    } catch (error) {
      if (error instanceof FilterFault) return this.#fillRefused(part, partition, error.code)
      fills.forget(partition)
      return this.#refused(partition, error)
    }
  }

  /** Nothing of a step of a backfill is kept: it goes on where the header says. */
  #fillRefused({ edition }: Owned, partition: number, why: FillRefusal): FillResult {
    edition.letGo(partition)
    return { kind: 'refused', why }
  }

  async learn(past: Past): Promise<void> {
    this.#editions.current.learn(past)
  }

  prepare(task: PackTask): Promise<Prepared> {
    return this.#editions.prepare(task)
  }

  async forget(): Promise<void> {
    this.#editions.forget()
  }

  switchTo(past: Past, packHash: string): Promise<Switched> {
    return this.#editions.switchTo(past, packHash)
  }

  async resend(partition: number): Promise<BatchResult> {
    const part = this.#owned.get(partition)
    if (part === undefined || part.open === null) return { kind: 'lost' }
    return this.#editions.flight(partition, this.#send(partition, part, part.open))
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
    const view = await this.#look(partition, customerId, now, ({ context }, slot, asOf, known) =>
      customerView(context, slot, { customerId, partition, known, asOf }),
    )
    return view === null ? { kind: 'lost' } : { kind: 'view', view }
  }

  copy(partition: number, customerId: string, now: number): Promise<CustomerCopy | null> {
    return this.#look(partition, customerId, now, (edition, slot, asOf, known) =>
      copyOf(edition, slot, { customerId, partition, known, asOf }),
    )
  }

  permit(partition: number, request: PermitRequest, now: number): Promise<Permit | null> {
    return this.#look(partition, request.customerId, now, ({ context }, slot, asOf) =>
      permitMessage(context, slot, request, asOf),
    )
  }

  async usage(): Promise<CacheUsage> {
    const { states } = this.#editions.current
    return { ...states.usage(), overflows: { ...states.overflows } }
  }

  async close(): Promise<void> {
    this.#editions.forget()
    await this.#options.resources.close()
    await this.#options.store.close()
  }

  #drop(partition: number): void {
    const edition = this.#owned.get(partition)?.edition ?? this.#editions.current
    this.#owned.delete(partition)
    edition.letGo(partition)
  }

  /** A batch that also takes up what is due. */
  async #takeDue(part: Owned, task: BatchTask, until: number): Promise<BatchResult> {
    try {
      return await this.#step(part, task, await part.edition.dues.due(task.partition, until))
    } catch (error) {
      return this.#refused(task.partition, error)
    }
  }

  #step(part: Owned, task: BatchTask, due: readonly string[]): BatchResult | Promise<BatchResult> {
    const outcome = part.edition.steps.run(part, task, due)
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
    const { states, rules, tools, dues } = part.edition
    if (outcome.kind === 'failed') return this.#refused(partition, outcome.error)
    if (outcome.kind === 'abandoned') {
      states.discard(partition)
      return { kind: 'retry', reason: 'lease_half_gone' }
    }
    const { slots, stepped, step, half } = outcome
    const tally = rules.during(partition, () => tools.tally.take(stepped.lastEvent))
    const stats = { ...outcome.stats, tally }
    const changes = stepped.next !== part.meta.next || stepped.reserves || due.length > 0
    const isFull = part.waitingBytes >= waitingBytesMax || part.stepBytes >= stepBytesMax
    if (changes || task.flush || isFull) {
      const notAfter = half === Number.POSITIVE_INFINITY ? task.notAfter : Math.min(task.notAfter ?? half, half)
      const nextDue = dues.changed(partition, slots, due)
      const batch = { stepped, step, stats, customersDue: due }
      const open = this.#closeBatch(part, { ...task, notAfter }, batch, nextDue)
      return this.#send(partition, part, { ...open, claims: stepped.claims.filter(({ asked }) => asked) })
    }
    keepStep(part, step, part.edition.told)
    for (let i = 0; i < task.records.length; i++) part.waitingFallbacks.push(part.waiting.length + i)
    for (const record of [...task.records, ...stepped.decisions]) {
      part.waiting.push(record)
      part.waitingBytes += record.bytes.length
    }
    states.installed(partition)
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
    const part = this.#editions.goOver(partition)
    if (part === undefined) return null
    assert(part.open === null, 'a customer is looked at between batches')
    const { edition, meta } = part
    const asOf = this.#options.clock === 'event' && meta.clock > 0 ? meta.clock : Math.max(now, meta.clock)
    const during = (slot: Slot, known: boolean): Value =>
      edition.rules.during(partition, () => of(edition, slot, asOf, known))
    return this.#editions.flight(partition, edition.customers.look(partition, customerId, during))
  }

  /** The commit of a stepped batch. */
  #closeBatch(part: Owned, task: BatchTask, batch: ClosedBatch, due: Commit['due']): OpenCommit {
    const { clock } = this.#options
    const { past, customers, rules, told: series } = part.edition
    const begun = past.begun(part.meta)
    const writes = customers.writes(task.partition)
    const poisoned = rules.poisoned(task.partition)
    return batchCommit(part, { ...batch, task, clock, begun, writes, due, series, poisoned })
  }

  /** The commit of what the open batch changed outside of a step, with nothing to let out. */
  #amendment(
    part: Owned,
    partition: number,
    task: Pick<AmendTask, 'to' | 'notAfter'> & { readonly change: Partial<CommitMeta>; readonly changed: Changed },
  ): OpenCommit {
    const { clock } = this.#options
    const { states, past, customers } = part.edition
    const change = { begun: past.begun(part.meta), ...task.change }
    const writes = customers.writes(partition)
    return amendment(part, { ...task, partition, clock, change, writes, due: states.dues(partition) })
  }

  async #send(partition: number, part: Owned, open: OpenCommit): Promise<BatchResult> {
    part.open = open
    const { states, customers, dues } = part.edition
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
      states.installed(partition)
      customers.committed(partition, open.commit)
      part.open = null
      part.meta = { ...open.commit.meta, token: open.commit.token, addr: part.meta.addr, seq: open.commit.to }
      part.nextDue = await dues.nextAfter(partition, part.nextDue, open.commit)
      this.#options.failpoint('installed')
      const erased = customers.erasedIn(open.commit)
      const progress = { ...open.done.progress, nextDue: part.nextDue }
      return { ...open.done, progress, erased, stats: { ...open.done.stats, commitMs: performance.now() - started } }
    }
    this.#drop(partition)
    // Whoever fenced it may have let out what was applied unheard; no other refusal can hide that.
    if (reply.kind !== 'fenced' || open.doubted !== true) part.edition.stock.giveBack(open.claims ?? [])
    if (reply.kind === 'fenced' || reply.kind === 'expired') return { kind: reply.kind }
    if (reply.stored < open.commit.from) return { kind: 'rewound' }
    const reason = `The stored commit number ${reply.stored} is beyond ${open.commit.to}, which only a fault can cause.`
    return { kind: 'closed', reason }
  }

  /** Nothing of the batch is kept. */
  #refused(partition: number, error: unknown): Refused {
    const refused = refusedFor(error)
    if (refused.kind === 'retry') this.#owned.get(partition)?.edition.states.discard(partition)
    else this.#drop(partition)
    return refused
  }
}
