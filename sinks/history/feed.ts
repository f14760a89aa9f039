/** One log on its way into one table. */
import { Readable } from 'node:stream'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import { decodeDecision } from '../decision-codec.ts'
import { codeOf, type HistoryClient } from './client.ts'
import { decisionColumns, type LoggedDecision } from './decision-row.ts'
import { eventColumns, type LoggedEvent, type Place } from './event-row.ts'
import { createLogCursor, type LogCursor, type LogSource, type Taken } from './log-cursor.ts'
import { type Column, writeBlock } from './native-block.ts'
import { type NativeBytes, nativeBytes } from './native-bytes.ts'

/** What a batch changed: `keep` is for after its positions are stored. */
export type Copied = {
  readonly next: ReadonlyMap<number, number>
  readonly rows: number
  readonly undecodable: number
  keep(): void
}

export type FeedName = 'events' | 'decisions'

export type Feed = Pick<LogCursor, 'lag' | 'ends' | 'reached' | 'skipped'> & {
  readonly name: FeedName
  /** Inserts the next batch; null when there is nothing to copy. */
  copy(limit: { readonly rowsMax: number; readonly bytesMax: number }): Promise<Copied | null>
}

type FeedOptions = {
  readonly client: HistoryClient
  readonly source: LogSource
  /** Positions by partition. */
  readonly start: ReadonlyMap<number, number>
}

export function eventsFeed(options: FeedOptions): Feed {
  return createFeed<LoggedEvent>({ ...options, name: 'events', columns: eventColumns, decode: eventOf })
}

export function decisionsFeed(options: FeedOptions): Feed {
  return createFeed<LoggedDecision>({ ...options, name: 'decisions', columns: decisionColumns, decode: decisionOf })
}

function createFeed<Item>({
  client,
  name,
  columns,
  decode,
  ...options
}: FeedOptions & {
  readonly name: FeedName
  readonly columns: readonly Column<Item>[]
  readonly decode: (value: Uint8Array, place: Place) => Item | null
}): Feed {
  const cursor = createLogCursor(options)
  // One buffer for all batches, which follow each other: a new one each time would be tens of megabytes of garbage.
  const out = nativeBytes()
  const statement = `INSERT INTO ${name}_raw (${columns.map((column) => column.name).join(', ')}) FORMAT Native`
  return {
    name,
    lag: cursor.lag,
    ends: cursor.ends,
    reached: cursor.reached,
    skipped: cursor.skipped,
    async copy(limit) {
      const taken = await cursor.take(limit)
      if (taken.next.size === 0) return null
      out.reset()
      const rows = writeBlocks(out, taken, { columns, decode })
      if (rows > 0) await insert(client, statement, out.take())
      return {
        next: taken.next,
        rows,
        undecodable: taken.records.length - rows,
        keep: () => cursor.advance(taken),
      }
    },
  }
}

/** Records decoded at a time: what a block holds in objects must die young, or collecting it costs as much as the work. */
const blockRows = 200

function writeBlocks<Item>(
  out: NativeBytes,
  { records }: Taken,
  {
    columns,
    decode,
  }: {
    readonly columns: readonly Column<Item>[]
    readonly decode: (value: Uint8Array, place: Place) => Item | null
  },
): number {
  let rows = 0
  let items: Item[] = []
  for (const [i, { partition, record }] of records.entries()) {
    const item = decode(record.value, { partition, offset: record.offset, appendTime: record.appendTime })
    if (item !== null) items.push(item)
    if (items.length === 0 || (items.length < blockRows && i < records.length - 1)) continue
    writeBlock(out, columns, items)
    rows += items.length
    items = []
  }
  return rows
}

// The client's `insert` knows no Native; `exec` sends any format.
async function insert(client: HistoryClient, statement: string, block: Buffer): Promise<void> {
  const { stream } = await client.exec({ query: statement, values: Readable.from([block], { objectMode: false }) })
  for await (const _ of stream) {
    // Nothing comes back; reading to the end frees the connection.
  }
}

function eventOf(value: Uint8Array, place: Place): LoggedEvent | null {
  const decoded = decodeEvent(value)
  return decoded.kind === 'ok' ? { event: decoded.event, place } : null
}

function decisionOf(value: Uint8Array, place: Place): LoggedDecision | null {
  try {
    return { decision: decodeDecision(value), place }
  } catch (error) {
    if (codeOf(error) === 'decision_undecodable') return null
    throw error
  }
}
