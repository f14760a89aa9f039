/** Copies a store into a folder. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { decodeCluster } from '../redis/cluster-record.ts'
import { BackupError } from './backup-error.ts'
import { BackupFileWriter, type WrittenFile, writeFailed } from './backup-file-writer.ts'
import { type BackupRecord, textRecord } from './backup-record.ts'
import type { BackupSource } from './backup-source.ts'
import { type BackupProgress, BackupTally } from './backup-tally.ts'
import { newKey } from './block-cipher.ts'
import { backupFormat, type Manifest, writeManifest } from './manifest.ts'

export type BackupOptions = {
  /** Made when it is missing; must be empty. */
  readonly dir: string
  /** Encrypts the backup; null: it is not encrypted. */
  readonly secret: string | null
  /** Of proffer, for the manifest. */
  readonly release: string
  readonly now: () => number
  readonly onProgress: (progress: BackupProgress) => void
  readonly signal: AbortSignal
}

/**
 * Makes a backup: each partition as it was at one moment, while the engine goes on. A backup that fails leaves the folder as
 * it was; one that is killed leaves a folder without manifest, which is none.
 *
 * @throws BackupError, StoreError
 */
export async function writeBackup(source: BackupSource, options: BackupOptions): Promise<Manifest> {
  const { dir, secret, now } = options
  const begunAt = new Date(now()).toISOString()
  const before = await source.installation()
  if (before === null) {
    throw new BackupError('no_installation', 'There is no installation in the store: nothing to back up.')
  }
  const cluster = decodeCluster(before)
  const isNew = await claimFolder(dir)
  try {
    const key = secret === null ? null : newKey(secret)
    const tally = new BackupTally()
    const sections: (WrittenFile & { readonly name: string })[] = []
    for (const [i, section] of source.sections.entries()) {
      const writer = await BackupFileWriter.open(dir, `${section.name}.proffer`, key)
      try {
        for await (const piece of section.records()) {
          await addTo(writer, tally, piece)
          if (options.signal.aborted)
            throw new BackupError('interrupted', 'The backup was stopped; nothing is left of it.')
          options.onProgress(tally)
        }
        // The record that makes a restored store count comes last.
        if (i === source.sections.length - 1) {
          await addTo(writer, tally, [await sameInstallation(source, before)])
        }
        sections.push({ name: section.name, ...(await writer.finish()) })
      } catch (error) {
        await writer.abandon()
        throw error
      }
    }
    const { log, clock, pack, format: storeFormat } = cluster
    const manifest: Manifest = {
      format: backupFormat,
      storeFormat,
      release: options.release,
      begunAt,
      endedAt: new Date(now()).toISOString(),
      store: source.store,
      log,
      clock,
      pack,
      encryption: key?.encryption ?? null,
      sections,
      partitions: [...tally.partitions()],
    }
    await writeManifest(dir, manifest)
    return manifest
  } catch (error) {
    await leave(dir, isNew)
    throw error
  }
}

async function addTo(writer: BackupFileWriter, tally: BackupTally, piece: readonly BackupRecord[]): Promise<void> {
  tally.add(piece)
  await writer.add(piece)
}

/**
 * The installation's record, which says since when each series is observed. States copied under one record and read under
 * another would take the past for known that was not recorded.
 */
async function sameInstallation(source: BackupSource, before: string): Promise<BackupRecord> {
  if ((await source.installation()) === before) return textRecord('cluster', '', before)
  throw new BackupError('backup_torn', 'Another rule pack was put in force during the backup. Run it again.')
}

/** Whether it had to be made. */
async function makeFolder(dir: string): Promise<boolean> {
  const mode = 0o700
  try {
    await mkdir(dir, { mode })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : ''
    if (code === 'EEXIST') return false
    // With `recursive` Node tries for ever where a file system has the parent and takes no folders.
    if (code !== 'ENOENT' || existsSync(dirname(dir))) throw error
    return (await mkdir(dir, { recursive: true, mode })) !== undefined
  }
}

/** Whether the folder was made. */
async function claimFolder(dir: string): Promise<boolean> {
  let found: string[]
  let isNew: boolean
  try {
    isNew = await makeFolder(dir)
    found = await readdir(dir)
  } catch (error) {
    throw writeFailed(error)
  }
  if (found.length === 0) return isNew
  const isCutOff = !found.includes('manifest.json') && found.every((name) => /\.(proffer|tmp)$/.test(name))
  const what = isCutOff ? 'holds a backup that was cut off: remove it' : 'is not empty: give a new folder'
  throw new BackupError('folder_unusable', `${dir} ${what} (--to).`)
}

/** Removes what a backup that failed has written. */
async function leave(dir: string, isNew: boolean): Promise<void> {
  try {
    for (const name of await readdir(dir)) {
      if (/\.(proffer|tmp)$/.test(name)) await rm(join(dir, name), { force: true })
    }
    if (isNew) await rmdir(dir)
  } catch {
    // The failure that led here is what the caller hears of.
  }
}
