/** One log on its way into one table. */
import { Readable } from 'node:stream'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import { decodeDecision } from '../decision-codec.ts'
import { codeOf, type HistoryClient } from './client.ts'
import { decisionColumns, type LoggedDecision } from './decision-row.ts'
import { eventColumns, type LoggedEvent, type Place } from './event-row.ts'
import { createLogCursor, type LogCursor, type LogSource } from './log-cursor.ts'
import { type Column, nativeBlock } from './native-block.ts'

/** What a batch changed: `keep` is for after its positions are stored. */
export type Copied = {
  readonly next: ReadonlyMap<number, number>
  readonly rows: number
  readonly undecodable: number
  keep(): void
}

export type FeedName = 'events' | 'decisions'

export type Feed = Pick<LogCursor<never>, 'lag' | 'ends' | 'reached' | 'skipped'> & {
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
  ...options
}: FeedOptions & {
  readonly name: FeedName
  readonly columns: readonly Column<Item>[]
  readonly decode: (value: Uint8Array, place: Place) => Item | null
}): Feed {
  const cursor = createLogCursor(options)
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
      if (taken.items.length > 0) await insert(client, statement, nativeBlock(columns, taken.items))
      return {
        next: taken.next,
        rows: taken.items.length,
        undecodable: taken.undecodable,
        keep: () => cursor.advance(taken),
      }
    },
  }
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
