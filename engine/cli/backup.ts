/** `proffer backup`: copy the customers while the engine runs; or look whether a copy is whole. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { wallClock } from '../clock.ts'
import { embeddedFolders, secretIn, storePlace } from '../compose-store.ts'
import type { Config } from '../config.ts'
import { BackupError } from '../store/backup/backup-error.ts'
import type { Manifest } from '../store/backup/manifest.ts'
import { openBackupSource } from '../store/backup/open-backup-source.ts'
import { verifyBackup } from '../store/backup/verify-backup.ts'
import { writeBackup } from '../store/backup/write-backup.ts'
import { instant } from './print.ts'
import { megabytes, progressLine } from './progress-line.ts'
import { stopSignal } from './stop-signal.ts'

export type BackupFlags = { readonly quiet: boolean; readonly json: boolean }

/**
 * Makes a backup in a new folder and tells of it in one line; exit code 0, 130 when it was stopped.
 * @throws BackupError, StoreError, InstallationError
 */
export async function backup(config: Config, to: string, flags: BackupFlags & { release: string }): Promise<number> {
  const place = storePlace(config)
  if (place.kind === 'lmdb' && !existsSync(join(place.dir, 'data.mdb'))) {
    const message = `There is no installation in ${config.DATA_DIR}: set DATA_DIR, or REDIS_URL where the customers are in Redis.`
    throw new BackupError('no_installation', message)
  }
  const source = await openBackupSource(place, embeddedFolders(config))
  const line = progressLine('backup', flags.quiet)
  const started = performance.now()
  try {
    const manifest = await writeBackup(source, {
      dir: to,
      secret: backupSecret(config),
      release: flags.release,
      now: () => wallClock.now(),
      onProgress: (progress) => line.update(progress),
      signal: stopSignal(),
    })
    line.done()
    const seconds = (performance.now() - started) / 1_000
    if (flags.json) process.stdout.write(`${JSON.stringify({ ...summaryOf(manifest), seconds })}\n`)
    else if (!flags.quiet)
      process.stdout.write(`${to} holds ${sentenceOf(manifest)}, made in ${seconds.toFixed(1)} s.\n`)
    return 0
  } catch (error) {
    line.done()
    if (!(error instanceof BackupError) || error.code !== 'interrupted') throw error
    process.stderr.write(`${error.message}\n`)
    return 130
  } finally {
    await source.close()
  }
}

/** Reads a backup whole; exit code 1 with the reason when it cannot be relied on. Needs no store. */
export async function verify(config: Config, dir: string, flags: BackupFlags): Promise<number> {
  const line = progressLine('verify', flags.quiet)
  const onProgress = line.update
  const verified = await verifyBackup(dir, backupSecret(config), { onProgress, signal: stopSignal() })
  line.done()
  if (verified.kind === 'refused') {
    process.stderr.write(`${verified.reason}\n`)
    return 1
  }
  const { manifest } = verified.backup
  if (flags.json) process.stdout.write(`${JSON.stringify(summaryOf(manifest))}\n`)
  else if (!flags.quiet) process.stdout.write(`${dir} is whole: ${sentenceOf(manifest)}.\n`)
  return 0
}

/** The secret of backups; null: they are not encrypted. @throws InstallationError `secret_unreadable` */
export function backupSecret(config: Config): string | null {
  return config.BACKUP_KEY_FILE === undefined ? null : secretIn(config.BACKUP_KEY_FILE)
}

/** What a backup holds, in words. */
export function sentenceOf(manifest: Manifest): string {
  const { partitions, states, bytes } = summaryOf(manifest)
  const how = manifest.encryption === null ? '' : ', encrypted'
  // In Redis a state that changes while it is copied is copied again.
  const most = manifest.store === 'LMDB' ? '' : 'at most '
  return (
    `${most}${states.toLocaleString('en-US')} customers in ${partitions} partitions as of ${instant(Date.parse(manifest.endedAt))}, ` +
    `${megabytes(bytes)}${how}`
  )
}

function summaryOf({ partitions, sections, begunAt, endedAt, encryption, log, pack }: Manifest) {
  return {
    partitions: partitions.length,
    states: partitions.reduce((sum, { states }) => sum + states, 0),
    bytes: sections.reduce((sum, { bytes }) => sum + bytes, 0),
    begunAt,
    endedAt,
    encrypted: encryption !== null,
    log,
    pack,
  }
}
