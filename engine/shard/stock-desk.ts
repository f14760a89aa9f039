/**
 * What a shard knows of resources, and how it reserves of them: hints that are looked up now and then, beside the batches, and the claims of
 * a batch, all sent together, so that they cost one round trip.
 */
import { performance } from 'node:perf_hooks'
import { within } from '../../ingest/bounded-wait.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { nothingKnown, type StockInput } from '../step/funnel/stock-view.ts'
import type { ReserveReply, Resources } from '../store/resource.ts'
import type { Claim } from './step-batch.ts'

/** What came of the claims of a batch. */
export type Reserved =
  /** All are kept. */
  | { readonly kind: 'kept' }
  /** Some are not: the batch has to be stepped again from what is known now. */
  | { readonly kind: 'again'; readonly stock: StockInput }

/** Hints older than this are looked up while a batch goes on. */
const renewMs = 200
/** Hints older than this are looked up before a batch is stepped. */
const usableMs = 5_000
/** So long a batch waits for them; then those of before do, while they are not older than `oldestMs`. */
const lookMs = 50
const oldestMs = 60_000
/** So long a taking of a partition waits for them. */
const beginMs = 1_000
/** So long behind a take-over batches come again that were not committed before. */
const againMs = 5_000
/** So often a batch is stepped again because claims were refused; then nothing is claimed any more. */
const roundsMax = 4

export class StockDesk {
  readonly #resources: Resources
  readonly #ids: readonly string[]
  /** Most that an offer takes of each: as long as less is left, lapsed leases are freed. */
  readonly #amounts: readonly number[]
  readonly #left: number[]
  #lookedAt = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | null = null
  /** What is being given back, by claim. */
  readonly #lapsing: Map<string, Promise<void>>

  /** @param lapsing where that is noted: what an earlier pack gave back must not be what is reserved under this one */
  constructor(resources: Resources, { loaded, offers }: CompiledPack, lapsing: Map<string, Promise<void>> = new Map()) {
    this.#lapsing = lapsing
    this.#resources = resources
    this.#ids = loaded.model.resources.map(({ id }) => id)
    this.#left = this.#ids.map(() => Number.NaN)
    this.#amounts = this.#ids.map((_, index) =>
      Math.max(
        1,
        ...offers
          .flatMap(({ takes }) => takes?.of.filter((take) => take.resource === index) ?? [])
          .map((t) => t.amount),
      ),
    )
  }

  /** Whether the pack has any resource. */
  get isUsed(): boolean {
    return this.#ids.length > 0
  }

  /**
   * What is known for a batch; null: it is too old, look first.
   * @param now the partition's clock, by which leases end
   * @param takenAt when the partition was taken, by the monotonic clock
   */
  known(now: number, takenAt: number): StockInput | null {
    const age = this.isUsed ? performance.now() - this.#lookedAt : 0
    if (age > usableMs) return null
    if (age > renewMs) void this.#look(now)
    return this.#hints(takenAt)
  }

  /** Looks what is left before the first batch of a partition, which need not wait for a connection then. Never rejects. */
  async begin(now: number): Promise<void> {
    if (this.isUsed) await within(beginMs, 'stock', this.#look(now)).catch(() => undefined)
  }

  /** Looks what is left, and says it. What fails to answer is not known; what is slow is as it was, for a while. */
  async look(now: number, takenAt: number): Promise<StockInput> {
    const age = performance.now() - this.#lookedAt
    const isAnswered = await within(lookMs, 'stock', this.#look(now)).then(
      () => true,
      () => false,
    )
    return isAnswered || age <= oldestMs ? this.#hints(takenAt) : this.#closed()
  }

  /**
   * Reserves what a batch claims, all at once. What an earlier round kept and this one does not claim is given back.
   * @param stock what the batch was stepped with
   * @param round from 1
   */
  async reserve(claims: readonly Claim[], stock: StockInput, round: number): Promise<Reserved> {
    const wanted = claims.filter(({ id }) => !stock.kept.has(id))
    const replies = await Promise.all(wanted.map((claim) => this.#reserve(claim)))
    const refused = new Map(stock.refused)
    let isAway = false
    wanted.forEach(({ resource: name, id, amount }, i) => {
      const reply = replies[i] ?? null
      const resource = this.#ids.indexOf(name)
      if (reply?.kind === 'reserved') this.#left[resource]! -= amount
      else if (reply === null) isAway = true
      else {
        const left = reply.kind === 'refused' ? reply.left : Number.NaN
        this.#left[resource] = left
        refused.set(id, { resource, left })
      }
    })
    const made = new Set(claims.map(({ id }) => id))
    const kept = [...made].filter((id) => !refused.has(id))
    // Nothing is known of those that were not answered; a lease frees what cannot be given back now.
    if (isAway || (refused.size > stock.refused.size && round >= roundsMax)) {
      this.giveBack(claims)
      this.giveBackKept(stock.kept, made)
      return { kind: 'again', stock: this.#closed() }
    }
    this.giveBack(wanted.filter(({ id }, i) => refused.has(id) && replies[i]?.kind === 'reserved'))
    this.giveBackKept(stock.kept, made)
    if (refused.size === stock.refused.size) return { kind: 'kept' }
    return { kind: 'again', stock: { left: [...this.#left], kept: new Set(kept), refused } }
  }

  /**
   * Gives back what was reserved for a batch that is not committed. Should that fail, the leases end. Nobody waits for it but who reserves
   * under the same ids again: that must not be what is given back.
   */
  giveBack(claims: readonly Pick<Claim, 'resource' | 'id'>[]): void {
    for (const { resource, id } of claims) {
      const before = this.#lapsing.get(id)
      const lapse = Promise.all([before, this.#resources.lapse(resource, id)]).then(
        () => undefined,
        () => undefined,
      )
      const over = lapse.finally(() => {
        if (this.#lapsing.get(id) === over) this.#lapsing.delete(id)
      })
      this.#lapsing.set(id, over)
    }
  }

  /**
   * Gives back what earlier rounds of a batch kept and it does not need: something else was chosen since, or the batch failed.
   * @param but what it claims all the same
   */
  giveBackKept(kept: ReadonlySet<string>, but: ReadonlySet<string>): void {
    for (const id of kept) {
      if (!but.has(id)) this.giveBack(this.#ids.map((resource) => ({ resource, id })))
    }
  }

  close(): Promise<void> {
    return this.#resources.close()
  }

  /** null: it did not answer, or it is not known how it ended. */
  async #reserve({ resource, id, amount, leaseUntil, at }: Claim): Promise<ReserveReply | null> {
    try {
      const lapsing = this.#lapsing.get(id)
      if (lapsing !== undefined) await lapsing
      return await this.#resources.reserve(resource, id, { amount, leaseUntil, now: at })
    } catch {
      return null
    }
  }

  /**
   * What was reserved for a batch that was not committed is taken, and is the batch's own when it comes again behind a take-over: then what
   * seems sold out is asked for all the same.
   */
  #hints(takenAt: number): StockInput {
    const doubts = performance.now() - takenAt < againMs
    const left = this.#left.map((units) => (doubts && !Number.isNaN(units) ? Number.POSITIVE_INFINITY : units))
    return { left, ...nothingKnown }
  }

  /** Everything unknown: no offer that takes of a resource is made. */
  #closed(): StockInput {
    return { left: this.#ids.map(() => Number.NaN), ...nothingKnown }
  }

  #look(now: number): Promise<void> {
    this.#looking ??= this.#lookAll(now).finally(() => {
      this.#looking = null
      this.#lookedAt = performance.now()
    })
    return this.#looking
  }

  async #lookAll(now: number): Promise<void> {
    await Promise.all(
      this.#ids.map(async (id, index) => {
        this.#left[index] = await this.#leftOf(id, this.#amounts[index] ?? 1, now).catch(() => Number.NaN)
      }),
    )
  }

  async #leftOf(id: string, amount: number, now: number): Promise<number> {
    const left = await this.#countOf(id)
    // Also what lapsed counts as reserved until somebody frees it.
    return left < amount && (await this.#resources.sweep(id, now)) > 0 ? this.#countOf(id) : left
  }

  async #countOf(id: string): Promise<number> {
    const count = await this.#resources.count(id)
    return count === null ? Number.NaN : Math.max(0, count.capacity - count.reserved - count.confirmed)
  }
}

/** When half of the shortest lease is gone: what is not sent by then is not committed. Unix milliseconds; Infinity: there is no claim. */
export function halfOfLease(claims: readonly Claim[]): number {
  return claims.reduce(
    (first, { at, leaseUntil }) => Math.min(first, Math.floor(at + (leaseUntil - at) / 2)),
    Number.POSITIVE_INFINITY,
  )
}
