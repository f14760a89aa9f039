/** The past of a bank as rows of history, whoever asks ClickHouse for them. */
import { openCodecs, type SchemaPlace } from '../../sinks/codecs.ts'
import { type AskRows, askOf, batchesOf, eventPageOf, mayMissOf, readerOf } from '../../sinks/history/record-rows.ts'
import type { PastChoice, PastSource, Stretch } from './read-past.ts'

/** How long a registry of schemas may take over a page, milliseconds. */
const learnWithinMs = 10_000

/** Every call throws HistoryError when history does not answer. */
export function pastSource(rows: AskRows, schemas: SchemaPlace, partitions: number): PastSource {
  const ask = askOf(rows)
  const { events: codec, learnEvents } = openCodecs(schemas)
  return {
    partitions,
    codec,
    batches: (partition, after, limit) => batchesOf(ask, partition, { after, limit }),
    async events(partition, from, to, limit) {
      const page = await eventPageOf(ask, partition, { from, to, limit })
      await learnEvents(page.values(), learnWithinMs)
      return page
    },
    mayMiss: (partition) => mayMissOf(rows, partition),
    choices: (stretch) => choicesOf(rows, stretch),
  }
}

async function choicesOf(rows: AskRows, { from, to }: Stretch): Promise<readonly PastChoice[]> {
  const answer = await readerOf(rows, choicesQuery, { from, to })
  const choices: PastChoice[] = []
  while (!answer.atEnd) {
    const id = answer.text()
    const decidedAt = answer.uint64()
    const [packHash, outcome, reason, print] = [answer.text(), answer.text(), answer.text(), answer.text()]
    choices.push({ id, decidedAt, packHash, outcome, reason, print })
  }
  return choices
}

/** What makes a print is put together as `fingerprint` does. */
const choicesQuery = `
SELECT id, toUnixTimestamp64Milli(decided_at), toString(pack_hash), toString(outcome), toString(reason),
       lower(hex(MD5(concat(toString(outcome), '|', toString(reason), '|', arrayStringConcat(offer_ids, ','), '|',
         arrayStringConcat(arrayMap((o, s, r, w) -> concat(o, ':', s, ':', r, ':', ifNull(w, '')),
           fate_offers, fate_stages, fate_reasons, fate_rules), ';')))))
FROM decisions_raw
WHERE toDate(decided_at) >= toDate(fromUnixTimestamp64Milli({from:Int64})) AND toDate(decided_at) <= toDate(fromUnixTimestamp64Milli({to:Int64}))
  AND decided_at >= fromUnixTimestamp64Milli({from:Int64}) AND decided_at < fromUnixTimestamp64Milli({to:Int64})
ORDER BY decided_at LIMIT 1 BY id`
