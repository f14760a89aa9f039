import { Buffer } from 'node:buffer'
import { setImmediate } from 'node:timers/promises'
import { type Database, open, type RootDatabase } from 'lmdb'
import { z } from 'zod'
import type { DeadLetter, DeadLetterCounts, DeadLetters, NewDeadLetter } from './dead-letters.ts'
import { rejectReasons } from './event.ts'
import { createGroupCommit, type Outcome } from './group-commit.ts'
import { translateWriteError } from './lmdb-errors.ts'
import { LogError } from './log.ts'

export type DeadLetterOptions = {
  /** Directory of their own. */
  readonly dir: string
  /** Most letters kept. */
  readonly maxCount: number
  /** Most bytes of them kept. */
  readonly maxBytes: number
  /** Letters older than this go. */
  readonly retentionMs: number
  readonly now: () => number
}

/** Longest id, characters: also a bound of LMDB's keys. */
const ID_MAX = 128
const BYTES_MAX = 65_536
const GROUP_BYTES = 4 * 1024 * 1024
const WAITING_BYTES = 32 * 1024 * 1024
/** Letters that one transaction may drop beyond those it adds; the next one goes on. */
const DROP_STEP = 256
/** Letters looked at before others get a turn. */
const LIST_STEP = 256
const MAP_BYTES = 64 * 1024 ** 3
/** A letter's share of `maxBytes` beside its bytes. */
const LETTER_OVERHEAD = 256

const metaSchema = z.object({
  ordinal: z.number(),
  reason: z.enum(rejectReasons),
  field: z.string().nullable(),
  via: z.enum(['http', 'import', 'stream', 'demo']),
  partition: z.number().nullable(),
  offset: z.number().nullable(),
  at: z.number(),
  redrivenAt: z.number().nullable(),
})
type Meta = z.infer<typeof metaSchema>
type Stored = { readonly meta: Meta; readonly bytes: Uint8Array }

const totalsSchema = z.object({
  next: z.number(),
  kept: z.number(),
  bytes: z.number(),
  byReason: z.partialRecord(metaSchema.shape.reason, z.number()),
  taken: z.number(),
  dropped: z.number(),
})
type Totals = z.infer<typeof totalsSchema>

type Tables = {
  /** By id: length of the JSON (u32), JSON of `Meta`, the bytes. */
  readonly letters: Database<Buffer, string>
  /** Ordinal to id: the order they came in. */
  readonly order: Database<string, number>
  readonly totals: Database<unknown, string>
}

/** Opens (makes) dead letters in an LMDB environment of their own. */
export function openDeadLetters(options: DeadLetterOptions): DeadLetters {
  const root = openRoot(options.dir)
  const tables: Tables = {
    letters: root.openDB({ name: 'letters', encoding: 'binary' }),
    order: root.openDB({ name: 'order', encoding: 'string' }),
    totals: root.openDB({ name: 'totals', encoding: 'json' }),
  }
  let closed = false

  async function transact<T>(action: () => T): Promise<T> {
    if (closed) throw new LogError('log_closed', 'the dead letters are closed', { retryable: false })
    try {
      return await tables.letters.childTransaction(action)
    } catch (cause) {
      throw await translateWriteError(cause, options.dir)
    }
  }
  const group = createGroupCommit<NewDeadLetter, null>({
    groupBytes: GROUP_BYTES,
    waitingBytes: WAITING_BYTES,
    overloaded: () => new LogError('log_unavailable', 'too many dead letters wait for the disk', { retryable: true }),
    commit: (letters) => transact(() => putLetters(tables, letters, options)),
  })

  return {
    async put(letter) {
      if (letter.id.length < 1 || letter.id.length > ID_MAX) throw new RangeError('id of a dead letter')
      await group.add(letter, letter.bytes.length)
    },
    list: (query) => listLetters(tables, query),
    get: async (id) => toLetter(id, readLetter(tables, id)),
    markRedriven: (id, atMs) =>
      transact(() => {
        const stored = readLetter(tables, id)
        if (stored === null) return false
        writeLetter(tables, id, { ...stored.meta, redrivenAt: atMs }, stored.bytes)
        return true
      }),
    remove: async (ids) => {
      let removed = 0
      for (let from = 0; from < ids.length; from += DROP_STEP) {
        const step = ids.slice(from, from + DROP_STEP)
        removed += await transact(() => removeLetters(tables, step))
      }
      return removed
    },
    async counts() {
      const { kept, bytes, byReason, taken, dropped } = readTotals(tables)
      return { kept, bytes, byReason, taken, dropped } satisfies DeadLetterCounts
    },
    async close() {
      await group.idle()
      closed = true
      await root.close()
    },
  }
}

function openRoot(dir: string): RootDatabase {
  try {
    // Synced before acknowledged; no batching by event turn, see `lmdb-log.ts`.
    return open({ path: dir, noSubdir: false, mapSize: MAP_BYTES, overlappingSync: false, eventTurnBatching: false })
  } catch (cause) {
    throw new LogError('log_unavailable', 'the directory of the dead letters cannot be opened', {
      retryable: false,
      cause,
    })
  }
}

/** Inside the transaction: keeps what is new, then drops what is too old or too much. */
function putLetters(
  tables: Tables,
  letters: readonly NewDeadLetter[],
  options: DeadLetterOptions,
): readonly Outcome<null>[] {
  const totals = readTotals(tables)
  for (const letter of letters) {
    if (tables.letters.getBinary(letter.id) !== undefined) continue
    const { reason, field, via, at } = letter
    const { partition = null, offset = null } = letter
    const bytes = letter.bytes.subarray(0, BYTES_MAX)
    const ordinal = totals.next++
    writeLetter(tables, letter.id, { ordinal, reason, field, via, partition, offset, at, redrivenAt: null }, bytes)
    tables.order.putSync(ordinal, letter.id)
    totals.kept++
    totals.taken++
    totals.bytes += bytes.length + LETTER_OVERHEAD
    totals.byReason[reason] = (totals.byReason[reason] ?? 0) + 1
  }
  dropOldest(tables, totals, letters.length + DROP_STEP, options)
  tables.totals.putSync('totals', totals)
  return letters.map(() => ({ kind: 'done', result: null }))
}

function dropOldest(tables: Tables, totals: Totals, most: number, options: DeadLetterOptions): void {
  const keepFrom = options.now() - options.retentionMs
  const oldest = Array.from(tables.order.getRange({ start: 0, limit: most }))
  for (const { key: ordinal, value: id } of oldest) {
    const stored = readLetter(tables, id)
    const tooMany = totals.kept > options.maxCount || totals.bytes > options.maxBytes
    if (stored !== null && !tooMany && stored.meta.at >= keepFrom) return
    tables.order.removeSync(ordinal)
    if (stored === null) continue
    takeOut(tables, totals, id, stored)
    totals.dropped++
  }
}

function takeOut(tables: Tables, totals: Totals, id: string, { meta: { reason }, bytes }: Stored): void {
  tables.letters.removeSync(id)
  totals.kept--
  totals.bytes -= bytes.length + LETTER_OVERHEAD
  totals.byReason[reason] = (totals.byReason[reason] ?? 1) - 1
  if (totals.byReason[reason] === 0) delete totals.byReason[reason]
}

/** Inside the transaction. */
function removeLetters(tables: Tables, ids: readonly string[]): number {
  const totals = readTotals(tables)
  let removed = 0
  for (const id of ids) {
    const stored = readLetter(tables, id)
    if (stored === null) continue
    takeOut(tables, totals, id, stored)
    tables.order.removeSync(stored.meta.ordinal)
    removed++
  }
  tables.totals.putSync('totals', totals)
  return removed
}

async function listLetters(
  tables: Tables,
  query: { readonly limit: number; readonly reason?: string; readonly after?: string },
): Promise<readonly DeadLetter[]> {
  tables.letters.resetReadTxn()
  let before = Number.MAX_SAFE_INTEGER
  if (query.after !== undefined) {
    const last = readLetter(tables, query.after)
    if (last === null) return []
    before = last.meta.ordinal
  }
  const letters: DeadLetter[] = []
  for (;;) {
    const step = Array.from(tables.order.getRange({ start: before - 1, end: -1, reverse: true, limit: LIST_STEP }))
    for (const { key: ordinal, value: id } of step) {
      before = ordinal
      const letter = toLetter(id, readLetter(tables, id))
      if (letter !== null && (query.reason === undefined || letter.reason === query.reason)) letters.push(letter)
      if (letters.length >= query.limit) return letters
    }
    if (step.length < LIST_STEP) return letters
    // A reason that few have is looked for among all of them; requests go on between the steps.
    await setImmediate()
  }
}

function toLetter(id: string, stored: Stored | null): DeadLetter | null {
  if (stored === null) return null
  const { ordinal: _, ...meta } = stored.meta
  return { id, ...meta, bytes: stored.bytes }
}

function readLetter(tables: Tables, id: string): Stored | null {
  if (id.length < 1 || id.length > ID_MAX) return null
  const value = tables.letters.getBinary(id)
  if (value === undefined) return null
  const split = 4 + value.readUInt32LE(0)
  return { meta: metaSchema.parse(JSON.parse(value.toString('utf8', 4, split))), bytes: value.subarray(split) }
}

function writeLetter(tables: Tables, id: string, meta: Meta, bytes: Uint8Array): void {
  const json = Buffer.from(JSON.stringify(meta))
  const value = Buffer.allocUnsafeSlow(4 + json.length + bytes.length)
  value.writeUInt32LE(json.length, 0)
  value.set(json, 4)
  value.set(bytes, 4 + json.length)
  tables.letters.putSync(id, value)
}

function readTotals(tables: Tables): Totals {
  const known = tables.totals.get('totals')
  if (known === undefined) return { next: 0, kept: 0, bytes: 0, byReason: {}, taken: 0, dropped: 0 }
  return totalsSchema.parse(known)
}
