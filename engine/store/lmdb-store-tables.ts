/** The LMDB environment of the embedded store: how it is opened, its tables, its two records in JSON. */
import { mkdirSync } from 'node:fs'
import { type Database, open, type RootDatabase, type Transaction } from 'lmdb'
import { unlinkCommitted } from '../../ingest/lmdb-unlink.ts'
import type { DueTables } from './lmdb-due.ts'
import { type Cluster, type Meta, nothingAdded, StoreError } from './store.ts'
import { endKey, textKey } from './stored-row.ts'

type Bytes = Database<Uint8Array, Buffer>

/** The tables of a store. */
export type Tables = {
  readonly root: RootDatabase<Uint8Array, Buffer>
  /** Cluster record and packs. */
  readonly fixed: Bytes
  /** Headers: partition + token, version = seq. */
  readonly headers: Bytes
  readonly rows: Bytes
  /** Journal values by seq. */
  readonly journal: Bytes
  readonly outbox: Bytes
  /** Tombstones: partition + hash of the id, the instant of the erasure. */
  readonly tombstones: Bytes
  /** null: a store of an earlier build, which had none, and which is only read. */
  readonly due: DueTables | null
}

/** Key of the installation's record. */
export const clusterKey = Buffer.from('cluster')

/** Largest size of the data file unless an installation says otherwise. */
export const defaultMaxBytes = 64 * 2 ** 30

/** What headers did not say in earlier builds. */
const absent = { addr: '', dpos: 0, adopting: null, activation: 0, begun: [], fill: null } as const

/**
 * Opens, or makes, the environment of a folder with its tables.
 * @param use `read`: nothing is written or made, while another process may write; a folder without a store fails
 */
export function openTables(dir: string, maxBytes = defaultMaxBytes, use: 'write' | 'read' = 'write'): Tables {
  try {
    if (use === 'write') mkdirSync(dir, { recursive: true })
    const root = open<Uint8Array, Buffer>({
      path: dir,
      // A commit is durable when it resolves: fsync belongs to the transaction and is not overlapped with the next.
      overlappingSync: false,
      mapSize: Math.min(maxBytes * 2, 256 * 2 ** 30),
      maxDbs: 16,
      noSubdir: false,
      // A promise of its own for each event turn would reject unheard when a transaction fails.
      eventTurnBatching: false,
      keyEncoding: 'binary',
      encoding: 'binary',
      readOnly: use === 'read',
    })
    if (use === 'write') unlinkCommitted(root)
    const table = (name: string, useVersions = false): Bytes =>
      root.openDB<Uint8Array, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary', useVersions })
    return {
      root,
      fixed: table('fixed'),
      headers: table('headers', true),
      rows: table('rows'),
      journal: table('journal'),
      outbox: table('outbox'),
      tombstones: table('tombstones'),
      due: dueTables(table('due'), table('due-of')),
    }
  } catch (cause) {
    throw new StoreError('store_unavailable', `The store in ${dir} cannot be opened.`, { retryable: false, cause })
  }
}

/** lmdb gives no table, whatever its types say, where it may not make one that is missing. */
function dueTables(order: Bytes | undefined, of: Bytes | undefined): DueTables | null {
  return order === undefined || of === undefined ? null : { order, of }
}

/**
 * The record of the installation; null before the first start.
 * @throws StoreError when it is damaged
 */
export function readCluster(tables: Tables): Cluster | null {
  const json = tables.fixed.get(clusterKey)
  if (json === undefined) return null
  try {
    const cluster: Cluster = { log: '', ...nothingAdded, ...JSON.parse(Buffer.from(json).toString()) }
    return cluster
  } catch (cause) {
    throw new StoreError(
      'store_unavailable',
      'The record of the installation is damaged. Restore the store from a backup.',
      {
        retryable: false,
        cause,
      },
    )
  }
}

/**
 * The header of a partition; null when it has none.
 * @param at the transaction to read in; left out: as it is now
 */
export function readHeader(tables: Tables, partition: number, at?: Transaction): Meta | null {
  for (const { value } of tables.headers.getRange({
    start: textKey(partition, ''),
    end: endKey(partition),
    limit: 1,
    ...(at === undefined ? {} : { transaction: at }),
  })) {
    const meta: Meta = { ...absent, ...JSON.parse(Buffer.from(value).toString()) }
    return meta
  }
  return null
}

/** A header as it is stored. */
export function encodeMeta(meta: Meta): Buffer {
  return Buffer.from(JSON.stringify(meta))
}
