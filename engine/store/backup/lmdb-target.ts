/**
 * The embedded store as a backup is put into it: made beside the one that is there, and moved into its place in the end. Until
 * then the old one is untouched.
 */
import assert from 'node:assert/strict'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import type { IdentityMap } from '../../../ingest/identity/identity-map.ts'
import { openLmdbIdentityMap } from '../../../ingest/identity/lmdb-identity-map.ts'
import { aliasSecret } from '../../nodes/node-key.ts'
import { planDue, writeDue } from '../lmdb-due.ts'
import { openLmdbResources } from '../lmdb-resources.ts'
import { translated } from '../lmdb-store-errors.ts'
import { clusterKey, openTables, type Tables } from '../lmdb-store-tables.ts'
import { decodeState } from '../redis/state-value.ts'
import type { Resources } from '../resource.ts'
import { encodeRow, seqKey, textKey } from '../stored-row.ts'
import { damaged } from './backup-error.ts'
import { type BackupRecord, textOf } from './backup-record.ts'
import { dueByPartition } from './due-records.ts'
import { headerOf } from './header-json.ts'
import { IdentityRestorer } from './identity-records.ts'
import type { LmdbFolders } from './lmdb-source.ts'
import { syncFolder } from './manifest.ts'
import { ResourceRestorer } from './resource-records.ts'
import type { RestoreOptions, RestoreTarget } from './restore-target.ts'

type LmdbTargetOptions = LmdbFolders & RestoreOptions

/** What is open between `clear` and `finish`. */
type Open = {
  readonly tables: Tables
  readonly resources: Resources
  readonly map: IdentityMap
  readonly restorers: readonly [ResourceRestorer, IdentityRestorer]
}

/** The embedded store of a folder. The caller holds the instance lock. */
export function openLmdbTarget(options: LmdbTargetOptions): RestoreTarget {
  return new LmdbTarget(options)
}

class LmdbTarget implements RestoreTarget {
  readonly #options: LmdbTargetOptions
  #open: Open | null = null

  constructor(options: LmdbTargetOptions) {
    this.#options = options
  }

  async isEmpty(): Promise<boolean> {
    const { dir, mapSizeBytes } = this.#options
    if (!existsSync(join(dir, 'data.mdb'))) return true
    const tables = openTables(dir, mapSizeBytes, 'write')
    try {
      const { fixed, headers, rows, journal, outbox, tombstones, due } = tables
      const all = [fixed, headers, rows, journal, outbox, tombstones, ...(due === null ? [] : [due.order, due.of])]
      return all.every((table) => [...table.getKeys({ limit: 1 })].length === 0)
    } finally {
      await tables.root.close()
    }
  }

  async clear(): Promise<void> {
    const { dir, resourcesDir, identityDir, mapSizeBytes, salt, now } = this.#options
    for (const left of [dir, resourcesDir, identityDir].flatMap((path) => [besides(path), replaced(path)])) {
      rmSync(left, { recursive: true, force: true })
    }
    const resources = openLmdbResources({ dir: besides(resourcesDir) })
    const tables = openTables(besides(dir), mapSizeBytes)
    const map = openLmdbIdentityMap({ dir: besides(identityDir), seal: createAliasSeal(aliasSecret(salt)), now })
    const restorers = [new ResourceRestorer(resources), new IdentityRestorer(map, salt)] as const
    this.#open = { tables, resources, map, restorers }
  }

  async write(records: readonly BackupRecord[]): Promise<void> {
    const { tables, restorers } = this.#opened()
    const { due } = tables
    assert(due !== null, 'a store that is made has every table')
    // A transaction does not see what it has written itself: one change for each customer, from what was there before.
    const moves = [...dueByPartition(records)].flatMap(([partition, changes]) => planDue(due, partition, changes))
    await this.#written(tables, () => {
      for (const record of records) put(tables, record)
      writeDue(due, moves)
    })
    for (const restorer of restorers) await restorer.take(records)
  }

  identities(): IdentityMap {
    return this.#opened().map
  }

  async finish(headers: ReadonlyMap<number, string>, cluster: string): Promise<void> {
    const { tables, resources, map, restorers } = this.#opened()
    await restorers[0].finish()
    await this.#written(tables, () => {
      for (const [partition, json] of headers) {
        const { seq, rest } = headerOf(json)
        const header = Buffer.from(JSON.stringify({ ...rest, token: '', addr: '', seq }))
        tables.headers.put(textKey(partition, ''), header, seq)
      }
      tables.fixed.put(clusterKey, Buffer.from(cluster))
    })
    await tables.root.close()
    await resources.close()
    await map.close()
    this.#open = null
    const { dir, resourcesDir, identityDir } = this.#options
    for (const path of [resourcesDir, identityDir, dir]) await moveIntoPlace(path)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = null
    if (open === null) return
    await open.tables.root.close()
    await open.resources.close()
    await open.map.close()
    const { dir, resourcesDir, identityDir } = this.#options
    for (const path of [dir, resourcesDir, identityDir]) {
      rmSync(besides(path), { recursive: true, force: true })
    }
  }

  #opened() {
    if (this.#open === null) throw new Error('a restore writes after it has cleared the place')
    return this.#open
  }

  /** One durable transaction. */
  async #written(tables: Tables, puts: () => void): Promise<void> {
    try {
      await tables.root.batch(puts)
    } catch (error) {
      throw await translated(error, besides(this.#options.dir))
    }
  }
}

function put(tables: Tables, record: BackupRecord): void {
  const { kind, partition, key } = record
  // Held until its transaction is written, when the block it lies in is used again.
  const value = Buffer.from(record.value)
  switch (kind) {
    case 'state':
      tables.rows.put(textKey(partition, key), encodeRow(decodeState(value)))
      return
    case 'gone':
      tables.rows.remove(textKey(partition, key))
      return
    case 'outbox':
      tables.outbox.put(seqKey(partition, Number(key)), value)
      return
    case 'tombstone':
      tables.tombstones.put(textKey(partition, key), instantOf(record))
      return
    case 'pack':
      tables.fixed.put(Buffer.from(`pack/${key}`), value)
      return
    default:
      return
  }
}

function instantOf(record: BackupRecord): Buffer {
  const at = Number(textOf(record))
  if (!Number.isFinite(at)) throw damaged('partitions.proffer', 'a tombstone has no instant')
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleLE(at, 0)
  return bytes
}

function besides(path: string): string {
  return `${path}.restoring`
}

function replaced(path: string): string {
  return `${path}.replaced`
}

/** The old one goes when the new one is in its place: it may hold customers that were erased since. */
async function moveIntoPlace(path: string): Promise<void> {
  if (existsSync(path)) renameSync(path, replaced(path))
  renameSync(besides(path), path)
  await syncFolder(dirname(path))
  rmSync(replaced(path), { recursive: true, force: true })
}
