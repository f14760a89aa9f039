/**
 * The embedded store as a backup reads it, while the engine has it open: every partition in one read transaction, so as it was
 * at one moment. Readers hold up no writer; but pages freed while a transaction is open are used again only behind it, so the
 * file may grow by what is written while one partition is copied.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Transaction } from 'lmdb'
import { createAliasSeal } from '../../../ingest/identity/alias-seal.ts'
import { openLmdbIdentityMap } from '../../../ingest/identity/lmdb-identity-map.ts'
import { aliasSecret } from '../../nodes/node-key.ts'
import type { Stored } from '../../state/states.ts'
import { journalEntries } from '../journal.ts'
import { decodeInstant } from '../lmdb-due.ts'
import { openLmdbResources } from '../lmdb-resources.ts'
import { clusterKey, openTables, readHeader, type Tables } from '../lmdb-store-tables.ts'
import { decodeCluster } from '../redis/cluster-record.ts'
import { encodeState } from '../redis/state-value.ts'
import { headerMissing } from '../store.ts'
import { decodeRow, endKey, seqKey, seqOf, textKey } from '../stored-row.ts'
import { type BackupRecord, textRecord } from './backup-record.ts'
import type { BackupSource, EmbeddedFolders, RecordPieces } from './backup-source.ts'
import { dueRecord } from './due-records.ts'
import { identityRecords } from './identity-records.ts'
import { resourceRecords } from './resource-records.ts'

export type LmdbFolders = EmbeddedFolders & {
  /** Folder of the store. */
  readonly dir: string
  /** As the engine opens it, see `openLmdbStore`. */
  readonly mapSizeBytes?: number | undefined
}

/** Rows read in one go, before the event loop has its turn. */
const rowsAPiece = 256

/**
 * Opens the embedded store of a folder for reading only.
 * @throws StoreError `store_unavailable` when there is none
 */
export function openLmdbSource(options: LmdbFolders): BackupSource {
  const tables = openTables(options.dir, options.mapSizeBytes, 'read')
  return {
    store: 'LMDB',
    installation: async () => {
      tables.root.resetReadTxn()
      const json = tables.fixed.get(clusterKey)
      return json === undefined ? null : Buffer.from(json).toString()
    },
    sections: [
      { name: 'partitions', records: () => allPartitions(tables) },
      { name: 'identity', records: () => identities(tables, options.identityDir) },
      { name: 'shared', records: () => shared(tables, options.resourcesDir) },
    ],
    close: () => tables.root.close(),
  }
}

async function* allPartitions(tables: Tables): RecordPieces {
  const json = tables.fixed.get(clusterKey)
  const { partitions } = decodeCluster(json === undefined ? '' : Buffer.from(json).toString())
  for (let partition = 0; partition < partitions; partition++) {
    tables.root.resetReadTxn()
    const transaction = tables.root.useReadTransaction()
    try {
      yield* onePartition(tables, partition, transaction)
    } finally {
      transaction.done()
    }
  }
}

async function* onePartition(tables: Tables, partition: number, transaction: Transaction): RecordPieces {
  const header = readHeader(tables, partition, transaction)
  if (header === null) throw headerMissing()
  const recent = recentPatches(tables, partition, transaction)
  yield* states(tables, partition, { transaction, recent })
  yield* pieces(tables.outbox, seqKey(partition, 0), partition, transaction, (key, value) => ({
    kind: 'outbox',
    partition,
    key: String(seqOf(key)),
    value,
  }))
  yield* pieces(tables.tombstones, textKey(partition, ''), partition, transaction, (key, value) =>
    textRecord('tombstone', key.toString('latin1', 2), String(value.readDoubleLE(0)), partition),
  )
  if (tables.due !== null) {
    yield* pieces(tables.due.of, textKey(partition, ''), partition, transaction, (key, value) =>
      dueRecord(partition, { customerId: key.toString('latin1', 2), at: decodeInstant(value) }),
    )
  }
  const { token: _token, addr: _addr, ...rest } = header
  yield [textRecord('header', '', JSON.stringify(rest), partition)]
}

/** Rows with what the journal has for them, then the customers that have no row yet. */
async function* states(
  tables: Tables,
  partition: number,
  { transaction, recent }: { readonly transaction: Transaction; readonly recent: Map<string, Buffer[]> },
): RecordPieces {
  yield* pieces(tables.rows, textKey(partition, ''), partition, transaction, (key, value) => {
    const customerId = key.toString('latin1', 2)
    const { base, patches } = decodeRow(value)
    const later = recent.get(customerId) ?? []
    recent.delete(customerId)
    return stateRecord(partition, customerId, { base, patches: [...patches, ...later] })
  })
  let piece: BackupRecord[] = []
  for (const [customerId, patches] of recent) {
    if (patches.length > 0) piece.push(stateRecord(partition, customerId, { base: null, patches }))
    if (piece.length < rowsAPiece) continue
    yield piece
    piece = []
  }
  yield piece
}

/** The patches in the journal by customer: as much memory as the journal of one partition. */
function recentPatches(tables: Tables, partition: number, transaction: Transaction): Map<string, Buffer[]> {
  const recent = new Map<string, Buffer[]>()
  const range = { start: seqKey(partition, 0), end: endKey(partition), transaction }
  for (const { value } of tables.journal.getRange(range)) {
    for (const { customerId, patch } of journalEntries(Buffer.from(value))) {
      if (patch === null) recent.delete(customerId)
      else recent.set(customerId, [...(recent.get(customerId) ?? []), patch])
    }
  }
  return recent
}

/** The entries of a table that belong to a partition, as records. */
async function* pieces(
  table: Tables['rows'],
  start: Buffer,
  partition: number,
  transaction: Transaction,
  recordOf: (key: Buffer, value: Buffer) => BackupRecord,
): RecordPieces {
  for (let from = start; ; ) {
    const range = { start: from, end: endKey(partition), limit: rowsAPiece, transaction }
    const found = [...table.getRange(range)].map(({ key, value }) => [Buffer.from(key), Buffer.from(value)] as const)
    yield found.map(([key, value]) => recordOf(key, value))
    const last = found.at(-1)
    if (last === undefined || found.length < rowsAPiece) return
    from = Buffer.concat([last[0], Buffer.of(0)])
  }
}

async function* identities(tables: Tables, dir: string): RecordPieces {
  if (!existsSync(join(dir, 'data.mdb'))) return
  const json = tables.fixed.get(clusterKey)
  const { salt } = decodeCluster(json === undefined ? '' : Buffer.from(json).toString())
  const map = openLmdbIdentityMap({ dir, seal: createAliasSeal(aliasSecret(salt)), now: () => 0 })
  try {
    yield* identityRecords(map)
  } finally {
    await map.close()
  }
}

async function* shared(tables: Tables, resourcesDir: string): RecordPieces {
  tables.root.resetReadTxn()
  const packs = [...tables.fixed.getRange({ start: Buffer.from('pack/'), end: Buffer.from('pack0') })]
  for (const { key, value } of packs) {
    yield [{ kind: 'pack', partition: 0, key: Buffer.from(key).toString('latin1', 5), value: Buffer.from(value) }]
  }
  if (!existsSync(join(resourcesDir, 'data.mdb'))) return
  const resources = openLmdbResources({ dir: resourcesDir })
  try {
    yield* resourceRecords(resources)
  } finally {
    await resources.close()
  }
}

function stateRecord(partition: number, key: string, stored: Stored): BackupRecord {
  return { kind: 'state', partition, key, value: encodeState(stored) }
}
