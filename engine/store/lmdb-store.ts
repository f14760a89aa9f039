/**
 * The embedded store: one LMDB environment of its own, every commit one durable transaction.
 *
 * Headers are rows named by partition and token whose version is the seq, so that LMDB's writer thread itself checks token
 * and seq inside the transaction. Commits of several partitions that arrive together share one transaction and one fsync; the
 * event loop is not blocked by it. Patches go to a journal first (see `journal.ts`), bases to the customers' rows.
 */
import assert from 'node:assert/strict'
import { mkdirSync, statfsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { createJournal, type Journal } from './journal.ts'
import { type Cluster, type Commit, type CommitReply, type Meta, type Store, StoreError, storeFormat } from './store.ts'
import { decodeRow, encodeRow, endKey, maxCustomerIdBytes, seqKey, seqOf, textKey } from './stored-row.ts'

export type LmdbStoreOptions = {
  /** Folder of the environment; created when missing. */
  readonly dir: string
  /** Largest size of the data file. Reached, commits fail with `store_full` and nothing is lost. Default 64 GiB. */
  readonly mapSizeBytes?: number
  /** Patches of all partitions kept in the journal before they are folded into the customers' rows. Default 128 MiB. */
  readonly journalBytes?: number
}

type Bytes = Database<Uint8Array, Buffer>

type Tables = {
  readonly root: RootDatabase<Uint8Array, Buffer>
  /** Cluster record and packs. */
  readonly fixed: Bytes
  /** Headers: partition + token, version = seq. */
  readonly headers: Bytes
  readonly rows: Bytes
  /** Journal values by seq. */
  readonly journal: Bytes
  readonly outbox: Bytes
}

const clusterKey = Buffer.from('cluster')
/** MDB_MAP_FULL, ENOSPC, EFBIG, EDQUOT. */
const fullCodes: ReadonlySet<number> = new Set([-30792, 28, 27, 122])
/** LMDB reports a write cut short by a full disk as EIO. */
const shortWrite = 5
const roomNeeded = 16 * 2 ** 20

/**
 * Opens, or creates, the store of a folder.
 *
 * @throws StoreError `format_unsupported` when another release wrote it, `store_unavailable` when it cannot be opened
 */
export function openLmdbStore(options: LmdbStoreOptions): Store {
  const maxBytes = options.mapSizeBytes ?? 64 * 2 ** 30
  const tables = openTables(options.dir, maxBytes)
  const found = readCluster(tables)
  if (found !== null && found.format !== storeFormat) {
    void tables.root.close()
    throw new StoreError(
      'format_unsupported',
      `The data were written in format ${found.format}, this release reads format ${storeFormat}. ` +
        'Use the release that wrote them, or start with an empty folder.',
      { retryable: false },
    )
  }
  const file = join(options.dir, 'data.mdb')
  const journals = new Map<number, Journal>()
  const journalLimit = (partitions: number): number => Math.ceil((options.journalBytes ?? 128 * 2 ** 20) / partitions)
  const trimmed = new Map<number, number>()
  let partitions = found?.partitions ?? 8

  /** The journal of a partition, read again when another owner changed it. */
  function journalAt(partition: number, seq: number): Journal {
    const present = journals.get(partition)
    if (present !== undefined && present.seq() === seq) return present
    const journal = createJournal(journalLimit(partitions))
    for (const { key, value } of tables.journal.getRange({ start: seqKey(partition, 0), end: endKey(partition) })) {
      journal.restore(seqOf(key), value)
    }
    journal.restored(seq)
    journals.set(partition, journal)
    return journal
  }

  /** What a commit that may not be applied is answered; null: it may go on. */
  function refusal(partition: number, commit: Commit): CommitReply | null {
    const header = readHeader(tables, partition)
    if (header === null || header.token !== commit.token) return { kind: 'fenced' }
    if (header.seq === commit.to) return { kind: 'applied' }
    return header.seq === commit.from ? null : { kind: 'seq_mismatch', stored: header.seq }
  }

  function refuseWhenFull(): void {
    const size = statSync(file).size
    if (size < maxBytes) return
    throw new StoreError('store_full', `The store's file has reached its bound of ${maxBytes} bytes.`, {
      retryable: true,
    })
  }

  /** Seqs of outbox values to delete, oldest first. */
  function trimList(partition: number, upTo: number): number[] {
    let from = trimmed.get(partition)
    if (from === undefined) {
      const keys = [...tables.outbox.getKeys({ start: seqKey(partition, 0), end: endKey(partition), limit: 1 })]
      from = keys[0] === undefined ? upTo : seqOf(keys[0]) - 1
    }
    const seqs: number[] = []
    for (let seq = from + 1; seq <= upTo; seq++) seqs.push(seq)
    return seqs
  }

  async function commit(partition: number, wanted: Commit): Promise<CommitReply> {
    checkCommit(wanted)
    const refused = refusal(partition, wanted)
    if (refused !== null) return refused
    refuseWhenFull()
    const journal = journalAt(partition, wanted.from)
    const plan = journal.plan(wanted.writes)
    const trims = trimList(partition, wanted.trim)
    const meta = encodeMeta({ ...wanted.meta, token: wanted.token, seq: wanted.to })
    const key = textKey(partition, wanted.token)
    const rows = plan.folds.map((fold): [Buffer, Buffer] => {
      const rowKey = textKey(partition, fold.customerId)
      const row = tables.rows.get(rowKey)
      const before = row === undefined ? { base: null, patches: [] } : decodeRow(row)
      return [rowKey, encodeRow({ base: before.base, patches: [...before.patches, ...fold.patches] })]
    })
    for (const write of wanted.writes) {
      if (write.kind === 'base') {
        rows.push([textKey(partition, write.customerId), encodeRow({ base: write.bytes, patches: [] })])
      }
    }
    try {
      // Nothing below may throw between the first and the last put: all of it is one conditional block.
      const applied = await tables.headers.ifVersion(key, wanted.from, () => {
        for (const [rowKey, row] of rows) tables.rows.put(rowKey, row)
        if (plan.value !== null) tables.journal.put(seqKey(partition, wanted.to), plan.value)
        for (const seq of plan.drops) tables.journal.remove(seqKey(partition, seq))
        for (const seq of trims) tables.outbox.remove(seqKey(partition, seq))
        if (wanted.outbox !== null) tables.outbox.put(seqKey(partition, wanted.to), wanted.outbox)
        tables.headers.put(key, meta, wanted.to)
      })
      if (!applied) {
        journal.abandon()
        const reply = refusal(partition, wanted)
        if (reply === null) throw unavailable('The commit was refused without a reason.', undefined)
        return reply
      }
    } catch (error) {
      journal.abandon()
      throw await translated(error, options.dir)
    }
    journal.install(wanted.to)
    if (wanted.trim > (trimmed.get(partition) ?? 0)) trimmed.set(partition, wanted.trim)
    return { kind: 'applied' }
  }

  return {
    async cluster() {
      return readCluster(tables)
    },
    async putCluster(cluster) {
      const before = readCluster(tables)
      if (before !== null && before.partitions !== cluster.partitions) {
        throw new StoreError(
          'partitions_changed',
          `The data were laid out for ${before.partitions} partitions and ${cluster.partitions} are asked for. ` +
            'The number is fixed at the first start.',
          { retryable: false },
        )
      }
      assert(cluster.format === storeFormat, 'a release writes its own format')
      await written(tables.fixed.put(clusterKey, Buffer.from(JSON.stringify(cluster))))
      partitions = cluster.partitions
    },
    async putPack(hash, json) {
      const key = Buffer.from(`pack/${hash}`)
      if (tables.fixed.get(key) === undefined) await written(tables.fixed.put(key, Buffer.from(json)))
    },
    async pack(hash) {
      const json = tables.fixed.get(Buffer.from(`pack/${hash}`))
      return json === undefined ? null : Buffer.from(json).toString()
    },
    async create(partition, meta) {
      assert(readHeader(tables, partition) === null, 'a header is created once')
      const header = { ...meta, token: '', seq: 0 }
      await written(tables.headers.put(textKey(partition, ''), encodeMeta(header), 0))
    },
    async acquire(partition, token) {
      assert(token.length > 0 && token.length <= maxCustomerIdBytes, 'a token is a short text')
      journals.delete(partition)
      trimmed.delete(partition)
      for (let attempt = 0; attempt < 100; attempt++) {
        const header = readHeader(tables, partition)
        if (header === null) return null
        if (header.token === token) return header
        const before = textKey(partition, header.token)
        const mine = { ...header, token }
        const taken = await written(
          tables.headers.ifVersion(before, header.seq, () => {
            tables.headers.remove(before)
            tables.headers.put(textKey(partition, token), encodeMeta(mine), header.seq)
          }),
        )
        if (taken) return mine
      }
      throw unavailable('The partition could not be taken: another owner commits without pause.', undefined)
    },
    async meta(partition) {
      return readHeader(tables, partition)
    },
    async load(partition, customerIds) {
      const header = readHeader(tables, partition)
      if (header === null) return customerIds.map(() => null)
      const journal = journalAt(partition, header.seq)
      return customerIds.map((customerId) => {
        const row = tables.rows.get(textKey(partition, customerId))
        const recent = journal.patches(customerId)
        if (row === undefined) return recent.length === 0 ? null : { base: null, patches: recent }
        const { base, patches } = decodeRow(row)
        return { base, patches: [...patches, ...recent] }
      })
    },
    commit,
    async outbox(partition, from, to) {
      const range = tables.outbox.getRange({ start: seqKey(partition, from + 1), end: seqKey(partition, to + 1) })
      return [...range].map(({ key, value }) => ({ seq: seqOf(key), value }))
    },
    async close() {
      await tables.root.close()
    },
  }
}

function openTables(dir: string, maxBytes: number): Tables {
  try {
    mkdirSync(dir, { recursive: true })
    const root = open<Uint8Array, Buffer>({
      path: dir,
      // A commit is durable when it resolves: fsync belongs to the transaction and is not overlapped with the next.
      overlappingSync: false,
      mapSize: Math.min(maxBytes * 2, 256 * 2 ** 30),
      maxDbs: 8,
      noSubdir: false,
      // A promise of its own for each event turn would reject unheard when a transaction fails.
      eventTurnBatching: false,
      keyEncoding: 'binary',
      encoding: 'binary',
    })
    const table = (name: string, useVersions = false): Bytes =>
      root.openDB<Uint8Array, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary', useVersions })
    return {
      root,
      fixed: table('fixed'),
      headers: table('headers', true),
      rows: table('rows'),
      journal: table('journal'),
      outbox: table('outbox'),
    }
  } catch (cause) {
    throw new StoreError('store_unavailable', `The store in ${dir} cannot be opened.`, { retryable: false, cause })
  }
}

function readCluster(tables: Tables): Cluster | null {
  const json = tables.fixed.get(clusterKey)
  if (json === undefined) return null
  const cluster: Cluster = JSON.parse(Buffer.from(json).toString())
  return cluster
}

function readHeader(tables: Tables, partition: number): Meta | null {
  for (const { value } of tables.headers.getRange({
    start: textKey(partition, ''),
    end: endKey(partition),
    limit: 1,
  })) {
    const meta: Meta = JSON.parse(Buffer.from(value).toString())
    return meta
  }
  return null
}

function encodeMeta(meta: Meta): Buffer {
  return Buffer.from(JSON.stringify(meta))
}

/** A commit that breaks the contract is a bug; found before anything is written. */
function checkCommit(commit: Commit): void {
  assert(commit.to > commit.from, 'a commit moves the seq forward')
  assert(commit.writes.length <= 4_096, 'a commit is bounded')
  for (const { customerId } of commit.writes) {
    assert(
      customerId.length > 0 && customerId.length <= maxCustomerIdBytes,
      'a customer id is 1 to 64 ASCII characters',
    )
  }
}

function unavailable(message: string, cause: unknown): StoreError {
  return new StoreError('store_unavailable', message, { retryable: true, cause })
}

async function written(promise: Promise<boolean>): Promise<boolean> {
  try {
    return await promise
  } catch (error) {
    throw await translated(error, null)
  }
}

/** lmdb-js rejects with a general error whose `commitError` is a promise that rejects with LMDB's own. */
async function translated(error: unknown, dir: string | null): Promise<StoreError> {
  if (error instanceof StoreError) return error
  let cause = error
  if (error instanceof Error && 'commitError' in error && error.commitError instanceof Promise) {
    cause = await error.commitError.catch((reason: unknown) => reason)
  }
  const code = cause instanceof Error && 'code' in cause && typeof cause.code === 'number' ? cause.code : 0
  if (fullCodes.has(code) || (code === shortWrite && dir !== null && !hasRoom(dir))) {
    return new StoreError('store_full', 'There is no room left for the store.', { retryable: true, cause })
  }
  return unavailable('The store did not take the commit.', cause)
}

function hasRoom(dir: string): boolean {
  const disk = statfsSync(dir)
  return disk.bavail * disk.bsize >= roomNeeded
}
