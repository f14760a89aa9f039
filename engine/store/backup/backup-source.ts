import type { BackupRecord } from './backup-record.ts'

/** Records of a backup in pieces. Values need not outlive the step to the next piece. */
export type RecordPieces = AsyncIterable<readonly BackupRecord[]>

/** Folders of what is embedded beside the store. */
export type EmbeddedFolders = {
  readonly resourcesDir: string
  readonly identityDir: string
}

/** One file of a backup. */
export type BackupSection = {
  /** Also the file's name; known to those who restore it. */
  readonly name: string
  /**
   * Everything of it.
   * @throws StoreError, BackupError
   */
  records(): RecordPieces
}

/** A store to be backed up while others use it. It changes nothing that they would notice. */
export type BackupSource = {
  /** For people: what kind of store it is. */
  readonly store: string
  /**
   * The installation's record as JSON; null: there is none.
   * @throws StoreError
   */
  installation(): Promise<string | null>
  /** In the order in which they are to be copied: what partitions refer to lies in a later one. */
  readonly sections: readonly BackupSection[]
  close(): Promise<void>
}
