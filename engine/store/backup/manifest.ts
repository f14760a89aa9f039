/** What a folder holds that is a backup. Written last: without it there is none. */
import { open, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BackupError, damaged } from './backup-error.ts'
import { writeFailed } from './backup-file-writer.ts'
import { jsonOf } from './backup-tally.ts'

const manifestFile = 'manifest.json'

/** Version of the backup's own format; that of what is stored in it is `storeFormat`. */
export const backupFormat = 1

const whole = z.number().int().nonnegative()

const Manifest = z.object({
  format: whole,
  storeFormat: whole,
  /** Release of proffer that made it. */
  release: z.string(),
  begunAt: z.iso.datetime(),
  endedAt: z.iso.datetime(),
  /** The kind of store it was made of; it can be restored into either. */
  store: z.string(),
  /** Of the installation's record. */
  log: z.string(),
  clock: z.enum(['wall', 'event']),
  pack: z.string(),
  encryption: z
    .object({
      cipher: z.literal('aes-256-gcm'),
      kdf: z.literal('scrypt 32768 8 1'),
      salt: z.string(),
      check: z.string(),
    })
    .nullable(),
  /** In the order in which they are restored. */
  sections: z.array(
    z.object({ name: z.string(), file: z.string(), bytes: whole, records: whole, sha256: z.string() }).readonly(),
  ),
  partitions: z.array(
    z
      .object({
        partition: whole,
        seq: whole,
        next: whole,
        appendTime: z.number(),
        dpos: whole,
        states: whole,
        gone: whole,
        outbox: whole,
        tombstones: whole,
        /** Backups of earlier builds have none. */
        due: whole.default(0),
      })
      .readonly(),
  ),
})

export type Manifest = Readonly<z.infer<typeof Manifest>>

/** Makes the folder a backup: durable, in one step. @throws BackupError */
export async function writeManifest(dir: string, manifest: Manifest): Promise<void> {
  const path = join(dir, manifestFile)
  try {
    const file = await open(`${path}.tmp`, 'wx', 0o600)
    await file.writeFile(`${JSON.stringify(manifest, null, 2)}\n`)
    await file.sync()
    await file.close()
    // The names of the files first, then the one that makes them count.
    await syncFolder(dir)
    await rename(`${path}.tmp`, path)
    await syncFolder(dir)
  } catch (error) {
    throw writeFailed(error)
  }
}

/** @throws BackupError `backup_damaged`, `format_unsupported` */
export async function readManifest(dir: string): Promise<Manifest> {
  let text: string
  try {
    text = await readFile(join(dir, manifestFile), 'utf8')
  } catch (cause) {
    const message = `There is no backup in ${dir}: ${manifestFile} is missing. A backup that was cut off has none.`
    throw new BackupError('backup_damaged', message, { cause })
  }
  const json = jsonOf(text)
  const head = z.object({ format: whole }).safeParse(json)
  if (head.success && head.data.format !== backupFormat) {
    throw new BackupError(
      'format_unsupported',
      `The backup is in format ${head.data.format}, this release reads format ${backupFormat}. Use the release that made it.`,
    )
  }
  const manifest = Manifest.safeParse(json)
  if (!manifest.success) throw damaged(manifestFile, 'it is not what was written')
  return manifest.data
}

/** Makes the names in a folder durable. */
export async function syncFolder(dir: string): Promise<void> {
  const folder = await open(dir, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
