/** Puts a backup that was verified into a store. */
import type { IdentityMap } from '../../../ingest/identity/identity-map.ts'
import { BackupError } from './backup-error.ts'
import { readBackupFile } from './backup-file-reader.ts'
import { textOf } from './backup-record.ts'
import { type BackupProgress, BackupTally } from './backup-tally.ts'
import type { RestoreTarget } from './restore-target.ts'
import type { SoundBackup } from './verify-backup.ts'

/**
 * Replaces what the target holds by the backup. A restore that is cut off leaves a store without the installation's record, on
 * which no engine starts; made again it begins anew.
 *
 * @throws StoreError, BackupError `backup_damaged` when the files changed since they were verified, `interrupted`
 */
export async function restoreBackup(
  { dir, manifest, key }: SoundBackup,
  target: RestoreTarget,
  options: {
    readonly onProgress: (progress: BackupProgress) => void
    readonly signal: AbortSignal
    /** Takes over what the log says of aliases since. Nothing counts before it is done. */
    readonly catchUp: (identities: IdentityMap) => Promise<void>
  },
): Promise<void> {
  await target.clear()
  const tally = new BackupTally()
  const headers = new Map<number, string>()
  for (const section of manifest.sections) {
    for await (const piece of readBackupFile(dir, section, key)) {
      for (const record of piece) if (record.kind === 'header') headers.set(record.partition, textOf(record))
      await target.write(piece)
      tally.add(piece)
      if (options.signal.aborted) {
        throw new BackupError('interrupted', 'The restore was stopped half-way; no engine starts on it. Run it again.')
      }
      options.onProgress(tally)
    }
  }
  await options.catchUp(target.identities())
  await target.finish(headers, tally.cluster ?? '')
}
