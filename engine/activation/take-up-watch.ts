/** What keeps a node from taking up the pack in force, and when that is told. */
import type { Timing } from '../clock.ts'
import { placeOf } from '../shard/error-place.ts'
import { type Cluster, StoreError } from '../store/store.ts'
import type { KnownActivation } from './mend-record.ts'

/**
 * Why a node cannot take up the pack in force, in a word. `store_failed`: the store fails what is asked of it. `record_gone`: it has
 * no record of the installation any more. `pack_not_kept`: it does not keep the pack. `shard_behind`: a shard does not confirm that it runs
 * the pack. `failed`: anything else.
 */
export const takeUpReasons = ['store_failed', 'record_gone', 'pack_not_kept', 'shard_behind', 'failed'] as const
export type TakeUpReason = (typeof takeUpReasons)[number]

/** Why a node cannot take up the pack in force, and what to do, in sentences. */
export type TakeUpFault = { readonly reason: TakeUpReason; readonly message: string }

/** One that lasts. `since`: Unix milliseconds, from the first fault on, whatever became of it. */
export type TakeUpTrouble = TakeUpFault & { readonly since: number }

/** What is told of it; `forMs`: how long it has lasted. */
export type TakeUpNews =
  | { readonly kind: 'failing'; readonly trouble: TakeUpTrouble; readonly forMs: number }
  | { readonly kind: 'over'; readonly reason: TakeUpReason; readonly forMs: number }

/** The same reason is not told again sooner, milliseconds, whether it lasts or comes and goes. */
export const tellAgainMs = 60_000

/** Notes what came of each look at the record, and tells when trouble begins, that it lasts, and when it is over. */
export class TakeUpWatch {
  readonly #timing: Pick<Timing, 'elapsed'>
  readonly #now: () => number
  readonly #tell: (news: TakeUpNews) => void
  #trouble: TakeUpTrouble | null = null
  #began = 0
  /** Whether somebody was told of what is going on now. */
  #isTold = false
  readonly #toldAt = new Map<TakeUpReason, number>()

  /** @param parts.now Unix milliseconds */
  constructor(parts: {
    readonly timing: Pick<Timing, 'elapsed'>
    readonly now: () => number
    readonly tell: (news: TakeUpNews) => void
  }) {
    this.#timing = parts.timing
    this.#now = parts.now
    this.#tell = parts.tell
  }

  /** What keeps the node from taking up the pack in force; null: nothing. */
  get trouble(): TakeUpTrouble | null {
    return this.#trouble
  }

  /** @param fault of this look; null: the node runs what is in force */
  note(fault: TakeUpFault | null): void {
    const at = this.#timing.elapsed()
    const before = this.#trouble
    if (before === null) this.#began = at
    const forMs = Math.round(at - this.#began)
    if (fault === null) {
      this.#trouble = null
      if (before !== null && this.#isTold) this.#tell({ kind: 'over', reason: before.reason, forMs })
      this.#isTold = false
      return
    }
    const { reason, message } = fault
    const trouble = { reason, message, since: before?.since ?? this.#now() }
    this.#trouble = trouble
    const toldAt = this.#toldAt.get(reason)
    if (toldAt !== undefined && at - toldAt < tellAgainMs) return
    this.#toldAt.set(reason, at)
    this.#isTold = true
    this.#tell({ kind: 'failing', trouble, forMs })
  }
}

/** The record of the installation is gone. */
export const recordGone: TakeUpFault = {
  reason: 'record_gone',
  message: 'The store has no record of the installation any more. Restore the store from a backup.',
}

/** The store does not keep a pack that is in force. */
export function packNotKept({ activation, pack }: KnownActivation): TakeUpFault {
  return {
    reason: 'pack_not_kept',
    message: `The store does not keep the pack ${pack.slice(0, 12)} of activation ${activation}. Propose that version again, which keeps it, or restore the store from a backup.`,
  }
}

/** Shards did not confirm the pack in force; null: all did. */
export function shardsBehind(
  shards: readonly number[],
  { activations }: Pick<Cluster, 'activations'>,
): TakeUpFault | null {
  if (shards.length === 0) return null
  return {
    reason: 'shard_behind',
    message: `Shard ${shards.join(', ')} did not confirm the pack of activation ${activations}: it is silent, or a commit is in doubt. Look at \`proffer partitions\`; restart the node when it lasts.`,
  }
}

/** What an error that ended a look says of it. Nothing of its text, which may hold values. */
export function faultOf(cause: unknown): TakeUpFault {
  if (cause instanceof StoreError)
    return {
      reason: 'store_failed',
      message: `The store fails what is asked of it to take up the pack in force (${cause.code}). Look at the store.`,
    }
  return {
    reason: 'failed',
    message: `The pack in force cannot be taken up: ${placeOf(cause)}. Put another version in force, and report this.`,
  }
}
