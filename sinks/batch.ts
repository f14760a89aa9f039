/**
 * What a commit of a partition was made from, besides the events of the log: with them every decision of it can be computed again.
 * The salt of the installation is not in it.
 */

/** A live request as it was stepped. */
export type BatchRequest = {
  readonly customerId: string
  readonly requestId: string
  readonly placement: string
  /** How many offers were wanted. */
  readonly count: number
  /** Whether the answer was to be made of what is known of the customer; false: of the placement alone. */
  readonly personalised: boolean
}

/** A claim that was refused when the batch was stepped before: the resource, by index, and what was left; NaN: not known. */
export type RefusedClaim = { readonly id: string; readonly resource: number; readonly left: number }

/** Units that a decision of the step took off what was left. */
export type TakenUnits = {
  /** Place of its input in the step: requests first, then events by their offset, then who was due. */
  readonly input: number
  /** Index of the resource in the pack. */
  readonly resource: number
  readonly amount: number
}

/** What was known of resources. Of a batch that was stepped several times only the last time counts. */
export type BatchStock = {
  /** Units left of each resource of the pack, in its order; NaN: not known. */
  readonly left: readonly number[]
  /** Claims that were reserved when it was stepped before. */
  readonly kept: readonly string[]
  readonly refused: readonly RefusedClaim[]
  readonly taken: readonly TakenUnits[]
}

/** Under what inputs were stepped. */
export type BatchForm = {
  /** Hash of the pack. */
  readonly pack: string
  /** Hash of the learned propensities; empty: none. */
  readonly learned: string
  /** Names of the rules that were out of service, ascending. */
  readonly quarantined: readonly string[]
  /** Sources that were revoked, ascending. */
  readonly revoked: readonly string[]
}

/** Since when the series of the pack are observed, and what they are called in stored states. */
export type BatchSeries = {
  /** Unix milliseconds, in the order of the pack's layout; Infinity: never. */
  readonly since: readonly number[]
  /** Series whose stored name is not their definition, by index. */
  readonly renamed: readonly { readonly index: number; readonly key: string }[]
}

/** Inputs that were stepped together, at one instant. */
export type BatchStep = {
  /** The partition's clock when it began, Unix milliseconds; with events on an event clock it runs on with them. */
  readonly now: number
  /** Of its first request; see `BatchStart.turn`. */
  readonly turn: number
  /** null: that of the step before in this record. */
  readonly form: BatchForm | null
  /** null: those of the step before in this partition. */
  readonly series: BatchSeries | null
  readonly requests: readonly BatchRequest[]
  /** null: the pack has no resources. */
  readonly stock: BatchStock | null
}

/** Entries of series that a backfill added. */
export type BatchFilled = {
  /** Number of the backfill. */
  readonly number: number
  /** Offsets of the events that were looked at again: `from` <= offset < `to`. */
  readonly from: number
  readonly to: number
  /** Those that had entries to add, ascending. */
  readonly offsets: readonly number[]
  /** For each series of the layout the offset below which it was filled; -1: it was not. */
  readonly limits: readonly number[]
}

export const batchKinds = ['step', 'adopt', 'amend', 'fill', 'quiet'] as const

/**
 * - `step`: inputs were stepped
 * - `adopt`: effects of decisions were taken that left although the store had lost their commits: `adopted` in their order
 * - `amend`: the header was changed: events up to `next` were given up by an operator, or an adoption ended
 * - `fill`: a backfill added entries
 * - `quiet`: nothing but how far everything is published
 */
export type BatchKind = (typeof batchKinds)[number]

/** One commit of a partition. Unique by `partition` and `seq`; a repeat has the same content. */
export type Batch = {
  readonly partition: number
  readonly seq: number
  /** The commit it was based on. When it is not `seq - 1` the store had lost the commits between the two, or numbers were jumped over. */
  readonly prev: number
  readonly kind: BatchKind
  /** Kind of the clock: on `event` each event has its append time. */
  readonly clock: 'wall' | 'event'
  /** The partition's clock behind the commit. */
  readonly now: number
  /** Events of the log it covers: `from` <= offset < `next`. */
  readonly from: number
  readonly next: number
  /**
   * How many of these offsets were records that a `step` took; 0 of other kinds. The others are no records: a log has holes where
   * transactions ended or were called off.
   */
  readonly events: number
  /**
   * Steps that it commits, before anything else it did. Of a `step`, events and who was due belong to the last one. The others changed
   * nothing; their answers waited for this commit.
   */
  readonly steps: readonly BatchStep[]
  /** Customers of whom something was due. */
  readonly due: readonly string[]
  /** Offsets of its events that were not taken because they had stopped the shard before. */
  readonly poisoned: readonly number[]
  /** Decisions that left with it, and which of them, by place, were made without the shard (fallbacks of the node). */
  readonly decisions: number
  readonly fallbacks: readonly number[]
  /** Ids of the decisions whose effects were taken. */
  readonly adopted: readonly string[]
  readonly filled: BatchFilled | null
}
