export type BackupErrorCode =
  /** Nothing is stored that could be backed up. */
  | 'no_installation'
  /** The folder is not empty, or cannot be made. */
  | 'folder_unusable'
  /** There is no room for the backup. */
  | 'disk_full'
  /** Another backup copies the same partitions. */
  | 'backup_running'
  /** The copy is not of one moment: the server changed, or the backup stood still for too long. Run it again. */
  | 'backup_torn'
  /** What lies there is no whole backup: bytes changed, or something is missing. */
  | 'backup_damaged'
  /** No key, or not the one it was made with. */
  | 'key_wrong'
  /** Another release's format. */
  | 'format_unsupported'
  /** It was told to stop. */
  | 'interrupted'

/** A backup or a restore that cannot go on; the message says what to do and holds no customer data. */
export class BackupError extends Error {
  readonly code: BackupErrorCode
  /** Whether the same command may succeed later. */
  readonly retryable: boolean
  constructor(code: BackupErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = code === 'backup_running' || code === 'backup_torn' || code === 'interrupted'
  }
}

/** The refusal of bytes that are not what was written. */
export function damaged(file: string, what: string, cause?: unknown): BackupError {
  return new BackupError('backup_damaged', `${file} is damaged: ${what}. Use another backup.`, { cause })
}

/** The refusal of a copy that is not of one moment. */
export function torn(why: string): BackupError {
  return new BackupError('backup_torn', `The backup is not of one moment: ${why}. Run it again.`)
}
