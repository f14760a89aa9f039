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

export type FeedName = 'events' | 'decisions'

/** How the records of a log become rows. */
export type FeedKind<Item> = {
  readonly name: FeedName
  readonly columns: readonly Column<Item>[]
  /** Asks for the schemas that records need and the codec does not know. */
  readonly learn: SchemaLearning
  /** A row, or why the record is none. */
  decode(record: LogRecord, partition: number): { readonly item: Item } | { readonly reason: string }
  customerIdOf(item: Item): string
  /** Decides whether an erasure concerns the row, Unix milliseconds. */
  acceptedAtOf(item: Item): number
  /** Takes out what erases customers and records it; such a record is no row. */
  erase(
    items: readonly Item[],
  ): Promise<{ readonly rest: readonly Item[]; readonly erasures: readonly RecordedErasure[] }>
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
  // One buffer for all batches, which follow each other: a new one each time would be tens of megabytes of garbage.
  const out = nativeBytes()
  const columns = kind.columns.map((column) => column.name).join(', ')
  const statement = `INSERT INTO ${kind.name}_raw (${columns}) FORMAT Native`
  return {
    name: kind.name,
    source,
    cursor,
    async copy(limit) {
      const taken = await cursor.take(limit)
      if (taken.next.size === 0) return null
      // While the registry cannot be asked the batch waits: what it would make undecodable may be sound.
      await kind.learn(valuesOf(taken), learnWithinMs)
      out.reset()
      const { rows, undecodable, erasures, left } = await writeBlocks(out, taken, kind, erased)
      if (rows > 0) await insert(client, statement, out.take())
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
  out: NativeBytes,
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
    const kept = rest.filter((item) => erased.erasedAt(kind.customerIdOf(item), kind.acceptedAtOf(item)) === null)
    if (kept.length > 0) writeBlock(out, kind.columns, kept)
    // A long batch must not keep the heartbeats of a consumer group waiting.
    if (++blocks % blocksBetweenBreaths === 0) await setImmediate()
    written.rows += kept.length
    written.left += items.length - kept.length
  }
  return written
}

function lateRows<Item>(taken: Taken, kind: FeedKind<Item>, erased: ErasedCustomers): readonly LateRows[] {
  const late = new Map<string, LateRows>()
  for (const { items } of blocksOf(taken, kind)) {
    for (const item of items) {
      const customerId = kind.customerIdOf(item)
      const erasedAt = erased.erasedAt(customerId, kind.acceptedAtOf(item))
      if (erasedAt !== null) late.set(customerId, { customerId, erasedAt })
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
