/** One log on its way into one table. */
import { Readable } from 'node:stream'
import { setImmediate } from 'node:timers/promises'
import type { LogRecord } from '../../ingest/log.ts'
import type { SchemaLearning } from '../../ingest/registry/schema-learning.ts'
import type { HistoryClient } from './client.ts'
import type { ErasedCustomers, RecordedErasure } from './erased-customers.ts'
import { createLogCursor, type LogCursor, type Taken } from './log-cursor.ts'
import type { LogSource } from './log-source.ts'
import { type Column, writeBlock } from './native-block.ts'
import { type NativeBytes, nativeBytes } from './native-bytes.ts'
import { storeUndecodable, type Undecodable } from './undecodable.ts'

export type FeedName = 'events' | 'decisions' | 'batches'

/** How the records of a log become rows. */
export type FeedKind<Item> = {
  readonly name: FeedName
  /** Where its items go, all of them before their position counts. */
  readonly tables: readonly FeedTable<Item>[]
  /** Asks for the schemas that records need and the codec does not know. */
  readonly learn: SchemaLearning
  /** A row, or why the record is none. */
  decode(record: LogRecord, partition: number): { readonly item: Item } | { readonly reason: string }
  /** Whom it names, each once or more. */
  customersOf(item: Item): readonly string[]
  /** Decides whether an erasure concerns the item, Unix milliseconds. */
  acceptedAtOf(item: Item): number
  /** Takes out what erases customers and records it; such a record is no row. */
  erase(
    items: readonly Item[],
  ): Promise<{ readonly rest: readonly Item[]; readonly erasures: readonly RecordedErasure[] }>
}

/** A table, and how items become rows of it. */
export type FeedTable<Item> = {
  /** Its name, and the names of its columns. */
  readonly name: string
  readonly columns: readonly string[]
  /** Writes the rows of items but those that are about somebody who is erased; returns how many those are. */
  write(
    out: NativeBytes,
    items: readonly Item[],
    isErased: (customerId: string, acceptedAt: number) => boolean,
  ): {
    readonly rows: number
    readonly left: number
  }
}

/**
 * A table of a feed.
 * @param rowsOf the rows of an item
 * @param subjectOf whom a row is about, and when it was accepted; null: about nobody
 */
export function feedTable<Item, Row>(
  name: string,
  columns: readonly Column<Row>[],
  rowsOf: (item: Item) => readonly Row[],
  subjectOf: (row: Row) => { readonly customerId: string; readonly acceptedAt: number } | null,
): FeedTable<Item> {
  return {
    name,
    columns: columns.map((column) => column.name),
    write(out, items, isErased) {
      const all = items.flatMap(rowsOf)
      const kept = all.filter((row) => {
        const subject = subjectOf(row)
        return subject === null || !isErased(subject.customerId, subject.acceptedAt)
      })
      if (kept.length > 0) writeBlock(out, columns, kept)
      return { rows: kept.length, left: all.length - kept.length }
    },
  }
}

/** Rows that came in although their customer was erased. */
export type LateRows = { readonly customerId: string; readonly erasedAt: number }

/** What a batch brought: `keep` is for after its positions are stored. */
export type Copied = {
  readonly next: ReadonlyMap<number, number>
  readonly rows: number
  readonly undecodable: number
  /** Rows left out because their customer was erased. */
  readonly erased: number
  /** Of this batch, to be carried out now that its rows are in. */
  readonly erasures: readonly RecordedErasure[]
  keep(): void
  /** The rows whose customers are known as erased by now. */
  late(): readonly LateRows[]
}

export type Feed = {
  readonly name: FeedName
  readonly source: LogSource
  readonly cursor: LogCursor
  /** Inserts the next batch; null when there is nothing to copy. */
  copy(limit: { readonly rowsMax: number; readonly bytesMax: number }): Promise<Copied | null>
}

/** Records decoded at a time: what a block holds in objects must die young, or collecting it costs as much as the work. */
const blockRows = 200
const blocksBetweenBreaths = 10

/** How long a schema registry may take to answer. */
const learnWithinMs = 5_000
/** Less than the client waits, so that an insert it has given up on ends soon and cannot bring back what was erased since. */
const insertSecondsMax = 50

type FeedOptions = { readonly client: HistoryClient; readonly source: LogSource; readonly erased: ErasedCustomers }

/** A feed that covers no partition yet. */
export function createFeed<Item>(kind: FeedKind<Item>, { client, source, erased }: FeedOptions): Feed {
  const cursor = createLogCursor(source)
  const tables = kind.tables.map((table) => ({
    table,
    // One buffer for all batches, which follow each other: a new one each time would be tens of megabytes of garbage.
    out: nativeBytes(),
    statement: `INSERT INTO ${table.name} (${table.columns.join(', ')}) FORMAT Native`,
  }))
  return {
    name: kind.name,
    source,
    cursor,
    async copy(limit) {
      const taken = await cursor.take(limit)
      if (taken.next.size === 0) return null
      // While the registry cannot be asked the batch waits: what it would make undecodable may be sound.
      await kind.learn(valuesOf(taken), learnWithinMs)
      for (const { out } of tables) out.reset()
      const { rows, undecodable, erasures, left } = await writeBlocks(tables, taken, kind, erased)
      for (const { statement, out } of tables) {
        const block = out.take()
        if (block.length > 0) await insert(client, statement, block)
      }
      await storeUndecodable(client, kind.name, undecodable)
      return {
        next: taken.next,
        rows,
        undecodable: undecodable.length,
        erased: left,
        erasures,
        keep: () => cursor.advance(taken),
        late: () => lateRows(taken, kind, erased),
      }
    },
  }
}

function* valuesOf({ records }: Taken): Iterable<Uint8Array> {
  for (const { record } of records) yield record.value
}

type Written = {
  rows: number
  left: number
  readonly undecodable: Undecodable[]
  readonly erasures: RecordedErasure[]
}

async function writeBlocks<Item>(
  tables: readonly { readonly table: FeedTable<Item>; readonly out: NativeBytes }[],
  taken: Taken,
  kind: FeedKind<Item>,
  erased: ErasedCustomers,
): Promise<Written> {
  const written: Written = { rows: 0, left: 0, undecodable: [], erasures: [] }
  let blocks = 0
  for (const { items, undecodable } of blocksOf(taken, kind)) {
    written.undecodable.push(...undecodable)
    const { rest, erasures } = await kind.erase(items)
    written.erasures.push(...erasures)
    const isErased = (customerId: string, acceptedAt: number) => erased.erasedAt(customerId, acceptedAt) !== null
    for (const [i, { table, out }] of tables.entries()) {
      const { rows, left } = table.write(out, rest, isErased)
      // The first table is the one that is counted; the others hold the same, or parts of it.
      if (i === 0) written.rows += rows
      if (i === 0) written.left += left
    }
    written.left += items.length - rest.length
    // A long batch must not keep the heartbeats of a consumer group waiting.
    if (++blocks % blocksBetweenBreaths === 0) await setImmediate()
  }
  return written
}

function lateRows<Item>(taken: Taken, kind: FeedKind<Item>, erased: ErasedCustomers): readonly LateRows[] {
  const late = new Map<string, LateRows>()
  for (const { items } of blocksOf(taken, kind)) {
    for (const item of items) {
      for (const customerId of kind.customersOf(item)) {
        const erasedAt = erased.erasedAt(customerId, kind.acceptedAtOf(item))
        if (erasedAt !== null) late.set(customerId, { customerId, erasedAt })
      }
    }
  }
  return [...late.values()]
}

function* blocksOf<Item>(
  { records }: Taken,
  kind: FeedKind<Item>,
): Iterable<{ readonly items: readonly Item[]; readonly undecodable: readonly Undecodable[] }> {
  for (let i = 0; i < records.length; i += blockRows) {
    const items: Item[] = []
    const undecodable: Undecodable[] = []
    for (const { partition, record } of records.slice(i, i + blockRows)) {
      const decoded = kind.decode(record, partition)
      if ('item' in decoded) items.push(decoded.item)
      else undecodable.push({ partition, offset: record.offset, appendTime: record.appendTime, reason: decoded.reason })
    }
    yield { items, undecodable }
  }
}

// The client's `insert` knows no Native; `exec` sends any format.
async function insert(client: HistoryClient, statement: string, block: Buffer): Promise<void> {
  const { stream } = await client.exec({
    query: statement,
    values: Readable.from([block], { objectMode: false }),
    clickhouse_settings: { max_execution_time: insertSecondsMax },
  })
  for await (const _ of stream) {
    // Nothing comes back; reading to the end frees the connection.
  }
}
