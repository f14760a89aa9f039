/** The history port: what the rest of the product may ask of ClickHouse. It never stands in the way of a decision. */
import type { Event } from '../../ingest/event.ts'
import type { Decision } from '../decision.ts'
import type { HistoryAddress } from './client.ts'
import type { PackStart } from './pack-facts.ts'

/**
 * `starting`: not ready yet. `running`: copies and answers. `failing`: cannot at present and tries again by itself.
 * `off`: will not run here, `sentence` says why. `stopped`: by `stop`.
 */
export type HistoryState = 'starting' | 'running' | 'failing' | 'off' | 'stopped'

export type HistoryStatus = {
  readonly state: HistoryState
  readonly engine: 'embedded' | 'server'
  /** Why it is off or failing; null otherwise. */
  readonly sentence: string | null
  /** Rows inserted since this process started; repeats after a failure count again. */
  readonly rows: { readonly events: number; readonly decisions: number }
  /** Records of the logs that are not copied yet, as last heard; of nodes that share the work, those that fall to this one. */
  readonly lagRecords: number
  /** For how long it has been behind, milliseconds; 0 when it has caught up. */
  readonly lagMs: number
  /** Records that the log's retention removed before they were copied. */
  readonly skipped: number
  /** Records that could not be decoded; the view `undecodable` says where they stand. */
  readonly undecodable: number
  /** Rows left out because their customer was erased. */
  readonly erased: number
  /** Erasures that this process is carrying out. */
  readonly erasing: number
  /** How often the history process had to be started again. */
  readonly restarts: number
  /** Id of the history process; null when none runs. */
  readonly pid: number | null
  /** Memory of the history process without mapped files, bytes; 0 when it does not run. */
  readonly memoryBytes: number
}

export const sqlFormats = ['table', 'json', 'csv'] as const

/** `table`: for eyes. `json`: one object a line. `csv`: with a header line. A FORMAT clause of the statement wins. */
export type SqlFormat = (typeof sqlFormats)[number]

/** `refused`: ClickHouse's own words, which may quote the data asked about: show them to who asked, never log them. */
export type QueryAnswer =
  | { readonly kind: 'ok'; readonly text: string }
  | { readonly kind: 'refused'; readonly code: number; readonly message: string }
  | { readonly kind: 'unavailable'; readonly message: string }

/**
 * How far history is with an erasure. Instants in Unix milliseconds.
 *
 * - `none`: history has not come by an erasure of this customer
 * - `pending`: it has, at `since`; the rows are being deleted, or were and are looked for once more
 * - `gone`: none was left at `since`. What they were may lie in files that ClickHouse has replaced until `filesGoneBy`, where no
 *   statement sees them; null: there are no such files any more
 *
 * `erasedAt` is when the log took the erasure. Rows that were accepted up to `refusedUntil` are not copied.
 */
export type ErasureState =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'pending'
      readonly erasedAt: number
      readonly refusedUntil: number
      readonly since: number
    }
  | {
      readonly kind: 'gone'
      readonly erasedAt: number
      readonly refusedUntil: number
      readonly since: number
      readonly filesGoneBy: number | null
    }

/**
 * Rows that name a customer in one table now, and the very statement that counted them, for `History.query` or any client: it
 * needs no setting and no other database. It holds the customer's id.
 */
export type TableReport = { readonly table: string; readonly rows: number; readonly sql: string }

/**
 * What is left of a customer in history: an entry for each table that names customers. All of their rows count, but those of a new
 * relation, accepted after `refusedUntil`.
 */
export type ErasureReport = { readonly state: ErasureState; readonly tables: readonly TableReport[] }

/** History could not be asked. Retryable. */
export class HistoryError extends Error {
  readonly code = 'history_unavailable'
  readonly retryable = true
}

export type History = {
  status(): HistoryStatus
  /** Where ClickHouse is asked by other processes of ours; null: it is not ready. Holds a secret. */
  address(): HistoryAddress | null
  /**
   * One read-only statement: at most 10,000 rows, 32 MB, 30 s; beyond that it is refused. `params` fill `{name:Type}`.
   */
  query(sql: string, format?: SqlFormat, params?: Readonly<Record<string, unknown>>): Promise<QueryAnswer>
  /** A decision by id; null when it is not there (yet: history lags by about a second). @throws HistoryError */
  decision(id: string): Promise<Decision | null>
  /** The first event of a customer with this id; null when it is not there (yet). @throws HistoryError */
  eventOf(customerId: string, eventId: string): Promise<Event | null>
  /** What is left of a customer now, for the receipt of an erasure. @throws HistoryError */
  erasure(customerId: string): Promise<ErasureReport>
  /** Another pack is in force: decisions are held against it from now on. */
  tellPack(pack: PackStart): void
  /** Copies everything the logs hold now; false when it did not get there within `deadlineMs`. */
  flush(deadlineMs: number): Promise<boolean>
  /** Ends the history process, by force at the deadline. What is not copied yet is copied after the next start. */
  stop(deadlineMs: number): Promise<void>
}
