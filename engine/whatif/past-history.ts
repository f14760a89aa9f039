/** What a what-if has to know of the past before it reads it. Every call throws HistoryError when history does not answer. */
import type { AskRows } from '../../sinks/history/record-rows.ts'
import type { PastSource } from './read-past.ts'

export type PastHistory = PastSource & {
  /** For who reads it in another thread, see `pastSource`. */
  readonly rows: AskRows
  /** When the first batch that is kept was stepped, Unix milliseconds; null: there is none. */
  startsAt(): Promise<number | null>
  /** Where to begin to read for everything from an instant on. `isWhole`: nothing of the installation was before it. */
  begin(from: number): Promise<{ readonly after: readonly number[]; readonly isWhole: boolean }>
  /** About how many events were accepted in a stretch. */
  count(from: number, to: number): Promise<number>
  /** Units left of resources at an instant, by id, as the batches of then knew it. @param pack whose resources are meant, in its order */
  stockLeft(
    at: number,
    pack: { readonly hash: string; readonly resources: readonly string[] },
  ): Promise<ReadonlyMap<string, number>>
  close(): Promise<void>
}
