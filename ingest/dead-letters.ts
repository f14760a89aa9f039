import type { RejectReason, Via } from './event.ts'

/** Something that came in and is not an event of the log, kept as it came. */
export type DeadLetter = {
  /** Stable: the same refusal, found again, has the same id. 1 to 128 characters. */
  readonly id: string
  readonly reason: RejectReason
  /** The field at fault, never its value; null when there is none. */
  readonly field: string | null
  readonly via: Via
  /** Where in the log it stands, when it was refused after it was taken; null when it was refused at the door. */
  readonly partition: number | null
  readonly offset: number | null
  /** What came: JSON text, or a framed Avro record. */
  readonly bytes: Uint8Array
  /** When it was refused, Unix milliseconds. */
  readonly at: number
  /** When it was handed in again and taken, Unix milliseconds; null: not yet. */
  readonly redrivenAt: number | null
}

/** A dead letter to keep. */
export type NewDeadLetter = Omit<DeadLetter, 'partition' | 'offset' | 'redrivenAt'> & {
  readonly partition?: number | null
  readonly offset?: number | null
}

export type DeadLetterCounts = {
  /** Kept now. */
  readonly kept: number
  readonly bytes: number
  /** Kept now, by reason; reasons without any are absent. */
  readonly byReason: Readonly<Partial<Record<RejectReason, number>>>
  /** Ever taken, and dropped because they were the oldest and the bounds were reached. */
  readonly taken: number
  readonly dropped: number
}

/** The port of the dead letters: bounded; when full the oldest go first, and are counted. */
export type DeadLetters = {
  /**
   * Keeps a dead letter; durable when resolved. Its id known already: nothing changes. Bytes beyond 64 KB are cut off.
   * @throws LogError `log_full`, `log_unavailable`, `log_closed`
   */
  put(letter: NewDeadLetter): Promise<void>
  /** Newest first, at most `limit`; `after` is the id the page before ended with. Unknown ids and reasons find nothing. */
  list(query: {
    readonly limit: number
    readonly reason?: string
    readonly after?: string
  }): Promise<readonly DeadLetter[]>
  get(id: string): Promise<DeadLetter | null>
  /** Notes that it was handed in again and taken; false when it is not there (any more). */
  markRedriven(id: string, atMs: number): Promise<boolean>
  /** Removes letters for good, not counted as dropped; returns how many were there. Unknown ids are none. */
  remove(ids: readonly string[]): Promise<number>
  counts(): Promise<DeadLetterCounts>
  close(): Promise<void>
}
