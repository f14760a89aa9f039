import type { FillRefusal, FillStep, Progress } from './shard-port.ts'

/** What came of a step of a backfill. */
export type FillReply =
  | {
      readonly kind: 'filled'
      /** Where to go on, records that were looked at, events that had something to add. */
      readonly at: number
      readonly read: number
      readonly added: number
      readonly progress: Progress
    }
  | { readonly kind: 'refused'; readonly why: FillRefusal }
  /**
   * `away`: nothing was done, or it is not known here: the partition is not run here now, or the shard had no room. `behind`: events
   * come first.
   */
  | { readonly kind: 'away' | 'behind' }

export type WaitingFill = { readonly step: FillStep; readonly reply: (reply: FillReply) => void }

/** The one step of a backfill that waits for a moment between two batches of a partition. */
export class FillSlot {
  #waiting: WaitingFill | null = null

  get isWaiting(): boolean {
    return this.#waiting !== null
  }

  /** One at a time: another one before the reply is told that the partition is away. */
  offer(step: FillStep): Promise<FillReply> {
    if (this.#waiting !== null) return Promise.resolve({ kind: 'away' })
    return new Promise((reply) => {
      this.#waiting = { step, reply }
    })
  }

  take(): WaitingFill | null {
    const waiting = this.#waiting
    this.#waiting = null
    return waiting
  }

  /** The partition is not run any more. */
  turnAway(): void {
    this.take()?.reply({ kind: 'away' })
  }
}
