/** Reads a backup whole and compares everything with everything. */
import { isDeepStrictEqual } from 'node:util'
import { decodeCluster } from '../redis/cluster-record.ts'
import { decodeState } from '../redis/state-value.ts'
import { type Cluster, StoreError } from '../store.ts'
import { BackupError, damaged } from './backup-error.ts'
import { readBackupFile } from './backup-file-reader.ts'
import type { BackupRecord } from './backup-record.ts'
import { type BackupProgress, BackupTally } from './backup-tally.ts'
import { type BackupKey, keyOf } from './block-cipher.ts'
import { dueInstantOf } from './due-records.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** A backup that was read once, and was whole then. */
export type SoundBackup = {
  readonly dir: string
  readonly manifest: Manifest
  readonly cluster: Cluster
  readonly key: BackupKey | null
}

/** What looking at a backup came to; the reason is a sentence. */
export type Verified =
  | { readonly kind: 'sound'; readonly backup: SoundBackup }
  | { readonly kind: 'refused'; readonly reason: string }

/** The files of a backup that this release knows, in their order. */
const sectionNames = ['partitions', 'identity', 'shared'] as const

/** @throws BackupError `interrupted`; what is wrong with the backup is a value */
export async function verifyBackup(
  dir: string,
  secret: string | null,
  options: { readonly onProgress: (progress: BackupProgress) => void; readonly signal: AbortSignal },
): Promise<Verified> {
  try {
    const manifest = await readManifest(dir)
    const names = manifest.sections.map(({ name }) => name)
    if (!isDeepStrictEqual(names, [...sectionNames])) {
      const message = `The backup has other files (${names.join(', ')}) than this release knows. Use the release that made it.`
      throw new BackupError('format_unsupported', message)
    }
    if (manifest.sections.some(({ name, file }) => file !== `${name}.proffer`)) {
      throw damaged('manifest.json', 'it names files that are not of a backup')
    }
    const key = keyFor(manifest, secret)
    const tally = new BackupTally()
    for (const section of manifest.sections) {
      for await (const piece of readBackupFile(dir, section, key)) {
        checkRecords(section.file, piece)
        tally.add(piece)
        if (options.signal.aborted) throw new BackupError('interrupted', 'Stopped; nothing was written.')
        options.onProgress(tally)
      }
    }
    return { kind: 'sound', backup: { dir, manifest, cluster: checkedCluster(manifest, tally), key } }
  } catch (error) {
    if (error instanceof BackupError && error.code !== 'interrupted') return { kind: 'refused', reason: error.message }
    throw error
  }
}

/** @throws BackupError `key_wrong` */
function keyFor({ encryption }: Manifest, secret: string | null): BackupKey | null {
  if (encryption === null && secret !== null) {
    // Else whoever can write to the folder could put customers of their making into the bank's store.
    const message =
      'The backup is not encrypted although BACKUP_KEY_FILE is set. Unset it if this backup is what you mean.'
    throw new BackupError('key_wrong', message)
  }
  if (encryption === null) return null
  if (secret === null) throw new BackupError('key_wrong', 'The backup is encrypted: set BACKUP_KEY_FILE.')
  const key = keyOf(secret, encryption)
  if (key === null)
    throw new BackupError('key_wrong', 'BACKUP_KEY_FILE holds another key than the backup was made with.')
  return key
}

/** @throws BackupError `backup_damaged` */
function checkRecords(file: string, records: readonly BackupRecord[]): void {
  for (const record of records) if (record.kind === 'due') dueInstantOf(record)
  try {
    for (const { kind, value } of records) if (kind === 'state') decodeState(Buffer.from(value))
  } catch (cause) {
    throw damaged(file, 'a state is not one', cause)
  }
}

/** What the records say of the whole, compared with the manifest. */
function checkedCluster(manifest: Manifest, tally: BackupTally): Cluster {
  const { fault, cluster: json } = tally
  if (fault !== null) throw damaged('partitions.proffer', fault)
  const partitions = tally.partitions()
  if (!isDeepStrictEqual(partitions, manifest.partitions))
    throw damaged('manifest.json', 'it tells of other partitions')
  let cluster: Cluster
  try {
    cluster = decodeCluster(json ?? '')
  } catch (cause) {
    if (cause instanceof StoreError && cause.code === 'format_unsupported') {
      const message = `The backup holds data in format ${manifest.storeFormat}, which this release does not read. Use the release that made it.`
      throw new BackupError('format_unsupported', message, { cause })
    }
    throw damaged('shared.proffer', 'the record of the installation is not one', cause)
  }
  const { pack, log, clock } = manifest
  const isSame = pack === cluster.pack && log === cluster.log && clock === cluster.clock
  if (!isSame || partitions.length !== cluster.partitions || partitions.some(({ partition }, i) => partition !== i)) {
    throw damaged('manifest.json', 'it tells of another installation')
  }
  return cluster
}
