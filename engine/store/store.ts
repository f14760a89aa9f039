/**
 * The store port: states, positions and outbox of each partition, changed only by one atomic, fenced commit.
 * The contract is that of the commit protocol (ARCHITECTURE.md); adapters pass `test/conformance/store.ts`.
 */
import type { Due, Stored, Write } from '../state/states.ts'

/** Version of the stored formats that this release reads and writes. */
export const storeFormat = 1

/** What is fixed for an installation at its first start. */
export type Cluster = {
  /** Version of the stored formats; another one is refused with a sentence. */
  readonly format: number
  readonly partitions: number
  /** The kind of clock it runs on; append times of one never mix with the other's. */
  readonly clock: 'wall' | 'event'
  /** Names the log whose events these customers are made of; empty in records of earlier builds. */
  readonly log: string
  /** Secret for decision ids. */
  readonly salt: string
  /** From this instant on the log is complete, so that no event means none happened. Unix milliseconds. */
  readonly completeSince: number
  /** Hash of the pack in force. */
  readonly pack: string
  /** Since when each series definition (`SeriesDef.key`) has been observed. */
  readonly observedSince: Readonly<Record<string, number>>
  /** Number of the activation that put the pack in force; 0: the first start did. Never runs back, also where an older pack is put in force again. */
  readonly activations: number
  /** The series definitions of the pack in force that it did not have at the first start. */
  readonly added: Readonly<Record<string, AddedSeries>>
  readonly backfill: Backfill
}

/** A series that a pack added later: what was counted under the definition before, if anything, says nothing of it. */
export type AddedSeries = {
  /** What it is called in stored states instead of by its definition. */
  readonly key: string
  /** Number of the activation that added it. */
  readonly activation: number
  /** Number of the backfill that filled in its past, after which that is never read again; 0: none did. */
  readonly filled: number
}

/** The backfill in progress. One that is halted keeps its number and its series, so that it goes on where it was. */
export type Backfill = {
  /** Number of the last one that was asked for; 0: none ever was. */
  readonly number: number
  /** Definitions of the series it fills; empty: none is in progress. */
  readonly series: readonly string[]
  /** It is not gone on with from this instant on, Unix milliseconds. */
  readonly until: number
  /** Why it is not gone on with: it was told to stop, or event ids had no room (`BACKFILL_MAX_MB`). `none`: it is. */
  readonly halt: 'none' | 'asked' | 'full'
}

/** An installation that fills nothing and has nothing to fill. */
export const nothingAdded = {
  activations: 0,
  added: {},
  backfill: { number: 0, series: [], until: 0, halt: 'none' },
} as const

/** The header of a partition. */
export type Meta = {
  /** The owner's secret; another owner has another one. */
  readonly token: string
  /** Where the owner can be asked, `host:port`; empty: nowhere, or it has let go. */
  readonly addr: string
  readonly seq: number
  /** Next offset of the events log to read. */
  readonly next: number
  /** Append time of the last applied record. */
  readonly appendTime: number
  /** Last `now`. */
  readonly clock: number
  readonly pack: string
  /** Number of the activation that put it in force, see `Cluster.activations`. */
  readonly activation: number
  /** Highest seq whose outbox value was published. */
  readonly published: number
  /** Offset of the decisions log: no record of a seq above `published` lies below it. */
  readonly dpos: number
  /**
   * Decisions of these seqs left although the store lost their commits, and are being adopted in several commits: above `from`,
   * up to `to`. null: nothing is.
   */
  readonly adopting: { readonly from: number; readonly to: number } | null
  /** Where series that are not filled yet begin: one entry for each activation that added some. */
  readonly begun: readonly Begun[]
  /** The last backfill of this partition; null: there was none. */
  readonly fill: Fill | null
  /** Running totals of the partition. */
  readonly accepted: number
  readonly duplicates: number
  readonly deadLettered: number
  readonly decisions: number
}

/** Events from offset `at` on were applied under a pack that names the series of an activation. */
export type Begun = { readonly activation: number; readonly at: number }

/**
 * How far a partition is with a backfill. Stored with the entries it stands for, and kept until the next one begins, so that none
 * is done twice.
 */
export type Fill = {
  /** Number of the backfill. */
  readonly number: number
  /** Where it began to read the events log, and where it goes on. */
  readonly from: number
  readonly at: number
  /** Whether everything was read that had to be. */
  readonly isDone: boolean
  /** From this instant on the log it reads is complete, Unix milliseconds. */
  readonly since: number
}

/** What a commit says of the partition. Owner and seq are not among it: `acquire` sets the one, the commit number is the other. */
export type CommitMeta = Omit<Meta, 'token' | 'addr' | 'seq'>

/** What a commit writes for one customer. An erasure leaves a tombstone: a hash of the id that cannot be turned back. */
export type StoreWrite =
  | Exclude<Write, { kind: 'erase' }>
  | (Extract<Write, { kind: 'erase' }> & { readonly tombstone: string })

/** One batch of one partition. All of it is applied, or nothing. */
export type Commit = {
  readonly token: string
  /** The seq it is based on and the seq it makes. */
  readonly from: number
  readonly to: number
  readonly meta: CommitMeta
  readonly writes: readonly StoreWrite[]
  /**
   * When something of these customers is due next, in place of what was said of them before; of several for one customer the last
   * counts. At most 4,096. A customer that is erased has no entry behind the commit, whatever stands here.
   */
  readonly due: readonly Due[]
  /** What has to leave, see `engine/shard/outbox.ts`; null when nothing does. */
  readonly outbox: Uint8Array | null
  /** Outbox values up to and including this seq were published and may be dropped. */
  readonly trim: number
  /**
   * Instant of the store's clock from which on the commit is not applied any more, Unix milliseconds: its sender may have stood
   * still and somebody else may have had the partition meanwhile. null: none. A store without a clock of its own does not look.
   */
  readonly notAfter: number | null
}

export type CommitReply =
  | { readonly kind: 'applied' }
  /** Another owner has the partition. Nothing was written. */
  | { readonly kind: 'fenced' }
  /** `notAfter` is over. Nothing was written. */
  | { readonly kind: 'expired' }
  /** The stored seq is neither `from` nor `to`. Nothing was written. */
  | { readonly kind: 'seq_mismatch'; readonly stored: number }

export type StoreErrorCode =
  | 'store_full'
  | 'store_unavailable'
  | 'state_corrupt'
  | 'format_unsupported'
  | 'already_open'
  | 'partitions_changed'

export class StoreError extends Error {
  readonly code: StoreErrorCode
  /** Whether the same call may succeed later: then the caller is in doubt and resends the same bytes. */
  readonly retryable: boolean
  constructor(code: StoreErrorCode, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = options.retryable
  }
}

/** The refusal to read states of a partition without a header: every customer of it would look new. */
export function headerMissing(): StoreError {
  return new StoreError(
    'state_corrupt',
    'The header of the partition is missing from the store. Restore the store from a backup.',
    { retryable: false },
  )
}

export type Store = {
  /** Reads the installation's record; null before the first start. */
  cluster(): Promise<Cluster | null>
  /**
   * Writes the installation's record in place of `before` (null: of none). False when the stored one is another: read it again.
   * @throws StoreError `partitions_changed`
   */
  putCluster(cluster: Cluster, before: Cluster | null): Promise<boolean>
  /** Keeps a pack (its JSON) for ever under its hash, and the certificate of its proof under a name made of it. */
  putPack(hash: string, json: string): Promise<void>
  pack(hash: string): Promise<string | null>
  /** Creates the header of a partition with seq 0; one that is there stays as it is. */
  create(partition: number, meta: CommitMeta): Promise<void>
  /**
   * Takes the partition: sets token and address. null: there is no header, the partition must be closed, never created anew.
   * From here on the owner before can commit nothing.
   */
  acquire(partition: number, token: string, addr: string): Promise<Meta | null>
  /** Forgets the owner's address when the token is still its; nothing else changes. */
  release(partition: number, token: string): Promise<void>
  meta(partition: number): Promise<Meta | null>
  /**
   * States in the order asked; null: never stored.
   * @throws StoreError `state_corrupt` when what is stored is not what was written, or the partition has no header: nothing may
   *   go on as if the customer were new
   */
  load(partition: number, customerIds: readonly string[]): Promise<readonly (Stored | null)[]>
  /**
   * Atomic, durable (and replicated, where the store has replicas to wait for) when resolved, idempotent by (token, to).
   * @throws StoreError retryable: whether it was applied is not known; send the same commit again
   */
  commit(partition: number, commit: Commit): Promise<CommitReply>
  /** Outbox values with from < seq <= to, ascending. */
  outbox(partition: number, from: number, to: number): Promise<readonly { seq: number; value: Uint8Array }[]>
  /**
   * Who has something due next, by instant and then by id, ascending: the first `limit` of them, at most 4,096.
   * @throws as `load`
   */
  due(partition: number, limit: number): Promise<readonly Due[]>
  /** Tombstones of a partition with the instants of their erasures; those from before `keepSince` are dropped for good. */
  tombstones(partition: number, keepSince: number): Promise<ReadonlyMap<string, number>>
  /** The store's own clock, Unix milliseconds; null: it has none but this machine's. */
  now(): Promise<number | null>
  close(): Promise<void>
}
