/**
 * The embedded store: one LMDB environment of its own, every commit one durable transaction.
 *
 * Headers are rows named by partition and token whose version is the seq, so that LMDB's writer thread itself checks token
 * and seq inside the transaction. Commits of several partitions that arrive together share one transaction and one fsync; the
 * event loop is not blocked by it. Patches go to a journal first (see `journal.ts`), bases to the customers' rows.
 */
import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Due, Stored } from '../state/states.ts'
import { checkCommit, checkDueLimit } from './check-commit.ts'
import { dueChanges } from './due-changes.ts'
import { partitionsChanged } from './init-store.ts'
import { Journal, type JournalPlan } from './journal.ts'
import { type DueTables, firstDue, planDue, writeDue } from './lmdb-due.ts'
import { translated, unavailable } from './lmdb-store-errors.ts'
import {
  clusterKey,
  defaultMaxBytes,
  encodeMeta,
  openTables,
  readCluster,
  readHeader,
  type Tables,
} from './lmdb-store-tables.ts'
import {
  type Cluster,
  type Commit,
  type CommitMeta,
  type CommitReply,
  headerMissing,
  type Meta,
  type Store,
  StoreError,
  storeFormat,
} from './store.ts'
import { decodeRow, encodeRow, endKey, maxCustomerIdBytes, seqKey, seqOf, textKey } from './stored-row.ts'

export type LmdbStoreOptions = {
  /** Folder of the environment; created when missing. */
  readonly dir: string
  /** Largest size of the data file. Reached, commits fail with `store_full` and nothing is lost. Default 64 GiB. */
  readonly mapSizeBytes?: number
  /** Patches of all partitions kept in the journal before they are folded into the customers' rows. Default 128 MiB. */
  readonly journalBytes?: number
}

/**
 * Opens, or creates, the store of a folder.
 *
 * @throws StoreError `format_unsupported` when another release wrote it, `store_unavailable` when it cannot be opened
 */
export function openLmdbStore(options: LmdbStoreOptions): Store {
  const maxBytes = options.mapSizeBytes ?? defaultMaxBytes
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
  return new LmdbStore(tables, { dir: options.dir, maxBytes, journalBytes: options.journalBytes ?? 128 * 2 ** 20 })
}

class LmdbStore implements Store {
  readonly #tables: Tables
  readonly #due: DueTables
  readonly #dir: string
  readonly #maxBytes: number
  readonly #journalBytes: number
  readonly #journals = new Map<number, Journal>()
  /** Last known owner by partition. */
  readonly #tokens = new Map<number, string>()
  /** Address of the owner that this instance made, by partition: part of the header that each commit writes whole. */
  readonly #addrs = new Map<number, string>()
  /** Highest seq whose outbox value this instance dropped, by partition. */
  readonly #trimmed = new Map<number, number>()

  constructor(
    tables: Tables,
    bounds: { readonly dir: string; readonly maxBytes: number; readonly journalBytes: number },
  ) {
    assert(tables.due !== null, 'a store that may be written has every table')
    this.#tables = tables
    this.#due = tables.due
    this.#dir = bounds.dir
    this.#maxBytes = bounds.maxBytes
    this.#journalBytes = bounds.journalBytes
  }

  async cluster(): Promise<Cluster | null> {
    return readCluster(this.#tables)
  }

  async putCluster(cluster: Cluster, before: Cluster | null): Promise<boolean> {
    const stored = readCluster(this.#tables)
    if (stored !== null && stored.partitions !== cluster.partitions) {
      throw partitionsChanged(stored.partitions, cluster.partitions)
    }
    assert(cluster.format === storeFormat, 'a release writes its own format')
    const json = Buffer.from(JSON.stringify(cluster))
    // Within LMDB's one write transaction: else an activation and a backfill that ends could both find what they had read.
    return this.#written(
      this.#tables.root.transaction(() => {
        if (!isDeepStrictEqual(readCluster(this.#tables), before)) return false
        void this.#tables.fixed.put(clusterKey, json)
        return true
      }),
    )
  }

  async putPack(hash: string, json: string): Promise<void> {
    const key = Buffer.from(`pack/${hash}`)
    if (this.#tables.fixed.get(key) !== undefined) return
    await this.#written(this.#tables.fixed.put(key, Buffer.from(json)))
  }

  async pack(hash: string): Promise<string | null> {
    const json = this.#tables.fixed.get(Buffer.from(`pack/${hash}`))
    return json === undefined ? null : Buffer.from(json).toString()
  }

  async create(partition: number, meta: CommitMeta): Promise<void> {
    if (readHeader(this.#tables, partition) !== null) return
    const header = encodeMeta({ ...meta, token: '', addr: '', seq: 0 })
    await this.#written(this.#tables.headers.put(textKey(partition, ''), header, 0))
  }

  async acquire(partition: number, token: string, addr: string): Promise<Meta | null> {
    assert(token.length > 0 && token.length <= maxCustomerIdBytes, 'a token is a short text')
    this.#journals.delete(partition)
    this.#trimmed.delete(partition)
    const { headers } = this.#tables
    for (let attempt = 0; attempt < 100; attempt++) {
      const header = readHeader(this.#tables, partition)
      if (header === null) return null
      if (header.token === token && header.addr === addr) return this.#owned(partition, header)
      const before = textKey(partition, header.token)
      const mine = { ...header, token, addr }
      const taken = headers.ifVersion(before, header.seq, () => {
        headers.remove(before)
        headers.put(textKey(partition, token), encodeMeta(mine), header.seq)
      })
      if (await this.#written(taken)) return this.#owned(partition, mine)
    }
    throw unavailable('The partition could not be taken: another owner commits without pause.', undefined)
  }

  async release(partition: number, token: string): Promise<void> {
    const header = readHeader(this.#tables, partition)
    if (header === null || header.token !== token) return
    const { headers } = this.#tables
    const key = textKey(partition, token)
    await this.#written(
      headers.ifVersion(key, header.seq, () => {
        headers.put(key, encodeMeta({ ...header, addr: '' }), header.seq)
      }),
    )
    this.#addrs.delete(partition)
  }

  async tombstones(partition: number, keepSince: number): Promise<ReadonlyMap<string, number>> {
    const { tombstones } = this.#tables
    const kept = new Map<string, number>()
    for (const { key, value } of tombstones.getRange({ start: textKey(partition, ''), end: endKey(partition) })) {
      const at = Buffer.from(value).readDoubleLE(0)
      if (at >= keepSince) kept.set(Buffer.from(key).toString('latin1', 2), at)
      else await this.#written(tombstones.remove(Buffer.from(key)))
    }
    return kept
  }

  /** This machine's clock is the store's. */
  async now(): Promise<null> {
    return null
  }

  /**
   * Makes the journal now, before anything is stepped: its large ring makes V8 collect at once, and objects of an open batch
   * that survive such a collection have V8 allocate all later ones of their kind as long-lived.
   */
  #owned(partition: number, header: Meta): Meta {
    this.#tokens.set(partition, header.token)
    this.#addrs.set(partition, header.addr)
    this.#journalAt(partition, header.seq)
    return header
  }

  async meta(partition: number): Promise<Meta | null> {
    return readHeader(this.#tables, partition)
  }

  async load(partition: number, customerIds: readonly string[]): Promise<readonly (Stored | null)[]> {
    const journal = this.#journalNow(partition)
    if (journal === null) throw headerMissing()
    return customerIds.map((customerId) => {
      const row = this.#tables.rows.get(textKey(partition, customerId))
      const recent = journal.patches(customerId)
      if (row === undefined) return recent.length === 0 ? null : { base: null, patches: recent }
      const { base, patches } = decodeRow(row)
      return { base, patches: [...patches, ...recent] }
    })
  }

  async due(partition: number, limit: number): Promise<readonly Due[]> {
    checkDueLimit(limit)
    if (!this.#hasHeader(partition)) throw headerMissing()
    return firstDue(this.#due, partition, limit)
  }

  async commit(partition: number, commit: Commit): Promise<CommitReply> {
    checkCommit(commit)
    const refused = this.#refusal(partition, commit)
    if (refused !== null) return refused
    this.#refuseWhenFull()
    const journal = this.#journalAt(partition, commit.from)
    const plan = journal.plan(commit.writes)
    try {
      if (!(await this.#write(partition, commit, plan))) {
        journal.abandon()
        const reply = this.#refusal(partition, commit)
        if (reply === null) throw unavailable('The commit was refused without a reason.', undefined)
        return reply
      }
    } catch (error) {
      journal.abandon()
      throw await translated(error, this.#dir)
    }
    journal.install(commit.to)
    if (commit.trim > (this.#trimmed.get(partition) ?? 0)) this.#trimmed.set(partition, commit.trim)
    return { kind: 'applied' }
  }

  async outbox(partition: number, from: number, to: number): Promise<readonly { seq: number; value: Uint8Array }[]> {
    const range = this.#tables.outbox.getRange({ start: seqKey(partition, from + 1), end: seqKey(partition, to + 1) })
    return [...range].map(({ key, value }) => ({ seq: seqOf(key), value }))
  }

  async close(): Promise<void> {
    await this.#tables.root.close()
  }

  /** One conditional block: LMDB's writer applies all of it when token and seq are right, else nothing. */
  #write(partition: number, commit: Commit, plan: JournalPlan): Promise<boolean> {
    const { headers, rows, journal, outbox, tombstones } = this.#tables
    const erased = commit.writes.filter((write) => write.kind === 'erase')
    // All that may throw comes first: a block that was begun is closed and written as far as it got.
    const changed = this.#rowsOf(partition, commit, plan)
    const trims = this.#trims(partition, commit.trim)
    const moves = planDue(this.#due, partition, dueChanges(commit))
    const addr = this.#addrs.get(partition) ?? readHeader(this.#tables, partition)?.addr ?? ''
    const meta = encodeMeta({ ...commit.meta, token: commit.token, addr, seq: commit.to })
    const key = textKey(partition, commit.token)
    const seq = seqKey(partition, commit.to)
    return headers.ifVersion(key, commit.from, () => {
      for (const [rowKey, row] of changed) rows.put(rowKey, row)
      for (const { customerId, tombstone, at } of erased) {
        rows.remove(textKey(partition, customerId))
        tombstones.put(textKey(partition, tombstone), instantBytes(at))
      }
      writeDue(this.#due, moves)
      if (plan.value !== null) journal.put(seq, plan.value)
      for (const dropped of plan.drops) journal.remove(seqKey(partition, dropped))
      for (const trimmed of trims) outbox.remove(seqKey(partition, trimmed))
      if (commit.outbox !== null) outbox.put(seq, commit.outbox)
      headers.put(key, meta, commit.to)
    })
  }

  /** Rows that change: folded customers with their patches added, written customers with their new base alone. */
  #rowsOf(partition: number, commit: Commit, plan: JournalPlan): (readonly [Buffer, Buffer])[] {
    const changed = plan.folds.map(({ customerId, patches }) => {
      const key = textKey(partition, customerId)
      const row = this.#tables.rows.get(key)
      const before = row === undefined ? { base: null, patches: [] } : decodeRow(row)
      return [key, encodeRow({ base: before.base, patches: [...before.patches, ...patches] })] as const
    })
    for (const write of commit.writes) {
      if (write.kind === 'base')
        changed.push([textKey(partition, write.customerId), encodeRow({ base: write.bytes, patches: [] })])
    }
    return changed
  }

  /** Seqs of outbox values to drop, oldest first. */
  #trims(partition: number, upTo: number): number[] {
    let from = this.#trimmed.get(partition)
    if (from === undefined) {
      const range = { start: seqKey(partition, 0), end: endKey(partition), limit: 1 }
      const [oldest] = [...this.#tables.outbox.getKeys(range)]
      from = oldest === undefined ? upTo : seqOf(oldest) - 1
    }
    return Array.from({ length: Math.max(0, upTo - from) }, (_, i) => from + 1 + i)
  }

  /** The journal of a partition, read again when it is not known or another owner changed it. */
  #journalAt(partition: number, seq: number): Journal {
    const present = this.#journals.get(partition)
    if (present !== undefined && present.seq === seq) return present
    const partitions = readCluster(this.#tables)?.partitions ?? 1
    const journal = new Journal(Math.ceil(this.#journalBytes / partitions))
    const range = { start: seqKey(partition, 0), end: endKey(partition) }
    for (const { key, value } of this.#tables.journal.getRange(range)) journal.restore(seqOf(key), value)
    journal.restored(seq)
    this.#journals.set(partition, journal)
    return journal
  }

  /** The journal as of the partition's stored seq; null when there is no header. */
  #journalNow(partition: number): Journal | null {
    const present = this.#journals.get(partition)
    const token = this.#tokens.get(partition)
    if (present !== undefined && token !== undefined && this.#isAt(partition, token, present.seq)) return present
    const header = readHeader(this.#tables, partition)
    if (header === null) return null
    this.#tokens.set(partition, header.token)
    return this.#journalAt(partition, header.seq)
  }

  #hasHeader(partition: number): boolean {
    const journal = this.#journals.get(partition)
    const token = this.#tokens.get(partition)
    const isKnown = journal !== undefined && token !== undefined && this.#isAt(partition, token, journal.seq)
    return isKnown || readHeader(this.#tables, partition) !== null
  }

  /** Whether the stored token and seq are these. Cheaper than reading the header: a range costs objects that outlive it. */
  #isAt(partition: number, token: string, seq: number): boolean {
    return this.#tables.headers.doesExist(textKey(partition, token), seq)
  }

  /** What a commit that may not be applied is answered; null: it may go on. */
  #refusal(partition: number, commit: Commit): CommitReply | null {
    if (this.#isAt(partition, commit.token, commit.from)) return null
    const header = readHeader(this.#tables, partition)
    if (header === null || header.token !== commit.token) return { kind: 'fenced' }
    if (header.seq === commit.to) return { kind: 'applied' }
    return header.seq === commit.from ? null : { kind: 'seq_mismatch', stored: header.seq }
  }

  #refuseWhenFull(): void {
    if (statSync(join(this.#dir, 'data.mdb')).size < this.#maxBytes) return
    throw new StoreError('store_full', `The store's file has reached its bound of ${this.#maxBytes} bytes.`, {
      retryable: true,
    })
  }

  async #written(promise: Promise<boolean>): Promise<boolean> {
    try {
      return await promise
    } catch (error) {
      throw await translated(error, this.#dir)
    }
  }
}

function instantBytes(at: number): Buffer {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeDoubleLE(at, 0)
  return bytes
}
