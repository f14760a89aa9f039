/** Pages of the decisions log over all partitions, for `GET /v1/tail`. */
import type { Log } from '../../ingest/log.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import { decisionJson } from '../../sinks/decision-json.ts'

export type TailPage = { readonly cursor: string; readonly decisions: readonly object[] }

const pageBytes = 4 * 1024 * 1024
const learnWithinMs = 5_000

/**
 * Reads the next decisions after a cursor, oldest first, at most `limit` (1 to 1000).
 *
 * The cursor holds the next offset of each partition. `start` begins at the oldest decision kept, `end` gives an empty
 * page that stands at the present end. null: the cursor is not one of ours.
 */
export async function tailPage(
  { decisions, codecs }: { readonly decisions: Log; readonly codecs: Codecs },
  cursor: string,
  limit: number,
): Promise<TailPage | null> {
  const offsets = await offsetsOf(decisions, cursor)
  if (offsets === null) return null
  if (cursor === 'end') return { cursor: offsets.join('.'), decisions: [] }
  const records = await Promise.all(
    offsets.map(async (from, partition) => {
      const { start, end } = await decisions.bounds(partition)
      // Retention may have overtaken the cursor: go on with the oldest that is left.
      const at = Math.min(Math.max(from, start), end)
      const read = await decisions.read(partition, at, { maxBytes: pageBytes, maxRecords: limit })
      return read.map((record) => ({ partition, record }))
    }),
  )
  const page = records
    .flat()
    .sort(
      (a, b) =>
        a.record.appendTime - b.record.appendTime || a.partition - b.partition || a.record.offset - b.record.offset,
    )
    .slice(0, limit)
  const next = [...offsets]
  for (const { partition, record } of page) next[partition] = Math.max(next[partition] ?? 0, record.offset + 1)
  const values = page.map(({ record }) => record.value)
  await codecs.learnDecisions(values, learnWithinMs)
  return { cursor: next.join('.'), decisions: values.map((value) => decisionJson(codecs.decisions.decode(value))) }
}

async function offsetsOf(decisions: Log, cursor: string): Promise<number[] | null> {
  const partitions = Array.from({ length: decisions.partitions }, (_, partition) => partition)
  if (cursor === 'start' || cursor === 'end') {
    const bounds = await Promise.all(partitions.map((partition) => decisions.bounds(partition)))
    return bounds.map((bound) => (cursor === 'start' ? bound.start : bound.end))
  }
  const offsets = cursor.split('.').map(Number)
  const sound =
    offsets.length === decisions.partitions && offsets.every((offset) => Number.isSafeInteger(offset) && offset >= 0)
  return sound ? offsets : null
}
