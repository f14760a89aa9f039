import type { IdentityMap } from '../../../ingest/identity/identity-map.ts'
import type { BackupRecord } from './backup-record.ts'
import type { EmbeddedFolders } from './backup-source.ts'

export type RestoreOptions = EmbeddedFolders & {
  /** Of the installation that is restored. */
  readonly salt: string
  readonly now: () => number
}

/** A place that a backup is put into. Nothing counts before `finish`: until then no engine can take a partition. */
export type RestoreTarget = {
  /** Whether nothing of an installation is there. */
  isEmpty(): Promise<boolean>
  /**
   * Gets ready; what an installation has left there goes, its header records first.
   * @throws StoreError
   */
  clear(): Promise<void>
  /**
   * Writes what customers and resources have: `state`, `gone`, `outbox`, `tombstone`, `due`, `pack`, `resource`, `reservation`,
   * `alias`, `forgotten`. Values
   * are not needed any more when it resolves.
   * @throws StoreError
   */
  write(records: readonly BackupRecord[]): Promise<void>
  /** The identity map that is being made: for what the log says of aliases since the backup. From `clear` until `finish`. */
  identities(): IdentityMap
  /**
   * Makes it count: the headers by partition, owned by nobody, then the installation's record; JSON as in the backup. Durable
   * when it resolves.
   * @throws StoreError
   */
  finish(headers: ReadonlyMap<number, string>, cluster: string): Promise<void>
  close(): Promise<void>
}
