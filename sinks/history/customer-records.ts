/** What a replay of one customer reads of history. SQL chooses: of a partition's batches few touch a customer. */
import { z } from 'zod'
import { createHistoryClient, type HistoryAddress, type HistoryClient, rowsOf } from './client.ts'
import { askOf, batchesOf } from './record-rows.ts'
import { asked, type HistoryRecords, openRecords, rowsBy } from './records.ts'

/** Batches that are missing between two numbers, or events of the log that a batch took. */
export type RecordGap =
  | { readonly kind: 'batches'; readonly after: number; readonly before: number }
  | { readonly kind: 'events'; readonly from: number; readonly to: number; readonly count: number }

export type CustomerRecords = HistoryRecords & {
  gap(partition: number, last: number): Promise<RecordGap | null>
}

/** Most numbers of batches that are asked for at once, and most of them whose records are: those go into a URL. */
const numbersAtOnce = 16_384
const recordsAtOnce = 256
/** Offsets whose events are held against their batches at once: about 16 MB there. */
const offsetsAtOnce = 1_048_576

/**
 * Opens the records of one customer. `batches` are those with a request or an event of the customer, or something due, those that adopt or fill,
 * and those that say of the series. `gap` is the first thing that is missing in the batches up to a number, whoever it is about: of batches that
 * the store lost nothing is missed, nor events where customers were erased.
 * Every call throws HistoryError when ClickHouse does not answer.
 */
export function openCustomerRecords(
  address: HistoryAddress,
  { partitions, customerId }: { readonly partitions: number; readonly customerId: string },
): CustomerRecords {
  const records = openRecords(address, { partitions, customerId })
  const client = createHistoryClient(address, { isBusy: true })
  const ask = askOf(rowsBy(client), customerId)
  const numbers = new TouchingNumbers(client, customerId)
  return {
    ...records,
    async batches(partition, after, limit) {
      const some = await asked(() => numbers.behind(partition, after, Math.min(limit, recordsAtOnce)))
      const last = some.at(-1)
      if (last === undefined) return []
      return batchesOf(ask, partition, { after, limit: some.length, numbers: some })
    },
    async gap(partition, last) {
      const [lost, mayMiss] = await Promise.all([records.lost(partition), records.mayMiss(partition)])
      const span = { partition, last, lost }
      return asked(() => firstGap(client, span, mayMiss))
    },
    async close() {
      await Promise.all([records.close(), client.close()])
    },
  }
}

/** Numbers of the batches that touch a customer, ascending, asked for many at a time. */
class TouchingNumbers {
  readonly #client: HistoryClient
  readonly #customerId: string
  #known: { readonly partition: number; readonly after: number; readonly numbers: readonly number[] } | null = null

  constructor(client: HistoryClient, customerId: string) {
    this.#client = client
    this.#customerId = customerId
  }

  async behind(partition: number, after: number, limit: number): Promise<readonly number[]> {
    const known = this.#known
    if (known?.partition === partition && known.after <= after) {
      const at = known.numbers.findIndex((seq) => seq > after)
      if (at >= 0) return known.numbers.slice(at, at + limit)
      // Fewer than asked for: there were no more.
      if (known.numbers.length < numbersAtOnce) return []
    }
    const rows = await rowsOf(this.#client, z.object({ seq: z.number() }), touching, {
      ...{ p: partition, after, limit: numbersAtOnce, customer: this.#customerId },
    })
    const numbers = rows.map(({ seq }) => seq)
    this.#known = { partition, after, numbers }
    return numbers.slice(0, limit)
  }
}

// A customer's events are few and batches are many: each batch looks for the customer's last event below its end, and has it when that is not
// below its beginning.
const touching = `
  SELECT DISTINCT seq FROM (
    SELECT seq FROM inputs_raw WHERE log_partition = {p:UInt16} AND seq > {after:UInt64} AND customer_id = {customer:String}
    UNION ALL
    SELECT seq FROM batches_raw
    WHERE log_partition = {p:UInt16} AND seq > {after:UInt64} AND (says_series OR kind IN ('adopt', 'fill'))
    UNION ALL
    SELECT b.seq AS seq FROM (
      SELECT log_partition, seq, from_offset, next_offset FROM batches_raw
      WHERE log_partition = {p:UInt16} AND seq > {after:UInt64} AND next_offset > from_offset
    ) AS b ASOF JOIN (
      SELECT log_partition, log_offset FROM event_records_raw WHERE log_partition = {p:UInt16} AND customer_id = {customer:String}
    ) AS e ON b.log_partition = e.log_partition AND b.next_offset > e.log_offset
    WHERE e.log_offset >= b.from_offset
  ) ORDER BY seq LIMIT {limit:UInt32}`

type Span = {
  readonly partition: number
  readonly last: number
  readonly lost: readonly { readonly from: number; readonly to: number }[]
}

/** The batches that count, up to the last one, each once. */
const counting = `
  SELECT seq, prev, kind, from_offset, next_offset, events FROM batches_raw
  WHERE log_partition = {p:UInt16} AND seq <= {last:UInt64}
    AND NOT arrayExists((a, b) -> seq > a AND seq < b, {froms:Array(UInt64)}, {tos:Array(UInt64)})
  ORDER BY seq LIMIT 1 BY seq`

// A gap in the numbers stands before the batch that names another one before it than there is.
const firstBreak = `
  SELECT behind AS after, seq AS before FROM (
    SELECT seq, prev, lagInFrame(seq, 1, 0) OVER (ORDER BY seq ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS behind
    FROM (${counting})
  ) WHERE prev != behind ORDER BY before LIMIT 1`

const eventsExtent = `SELECT min(from_offset) AS low, max(next_offset) AS high FROM (${counting}) WHERE events > 0`

const range = `log_partition = {p:UInt16} AND log_offset >= {at:UInt64} AND log_offset < (SELECT max(next_offset) FROM taking)`

const firstMissed = `
  WITH taking AS (
    SELECT {p:UInt16} AS log_partition, seq, from_offset, next_offset, events FROM (${counting})
    WHERE events > 0 AND seq < {until:UInt64} AND from_offset >= {at:UInt64} AND from_offset < {end:UInt64}
  )
  SELECT t.from_offset AS \`from\`, t.next_offset AS \`to\`, t.events - f.found AS count
  FROM taking AS t LEFT JOIN (
    SELECT b.seq AS seq, uniqExact(e.log_offset) AS found FROM (
      SELECT log_partition, log_offset FROM event_records_raw WHERE ${range}
      UNION ALL
      SELECT log_partition, log_offset FROM undecodable_raw WHERE endsWith(log, 'events') AND ${range}
    ) AS e ASOF JOIN taking AS b ON e.log_partition = b.log_partition AND e.log_offset >= b.from_offset
    WHERE e.log_offset < b.next_offset GROUP BY seq
  ) AS f ON f.seq = t.seq
  WHERE t.events > f.found ORDER BY t.seq LIMIT 1`

async function firstGap(client: HistoryClient, span: Span, mayMiss: boolean): Promise<RecordGap | null> {
  const { partition, last, lost } = span
  const params = { p: partition, last, froms: lost.map(({ from }) => from), tos: lost.map(({ to }) => to) }
  const [broken] = await rowsOf(client, z.object({ after: z.number(), before: z.number() }), firstBreak, params)
  if (!mayMiss) {
    const [extent] = await rowsOf(client, z.object({ low: z.number(), high: z.number() }), eventsExtent, params)
    const { low, high } = extent ?? { low: 0, high: 0 }
    const missed = z.object({ from: z.number(), to: z.number(), count: z.number() })
    for (let at = low; at < high; at += offsetsAtOnce) {
      const until = broken?.before ?? last + 1
      const part = { ...params, until, at, end: at + offsetsAtOnce }
      const [found] = await rowsOf(client, missed, firstMissed, part)
      if (found !== undefined) return { kind: 'events', ...found }
    }
  }
  return broken === undefined ? null : { kind: 'batches', ...broken }
}
