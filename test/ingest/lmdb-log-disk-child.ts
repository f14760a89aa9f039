import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import { LogError } from '../../ingest/log.ts'

/** Appends until the disk refuses, reads everything back, and prints what it met as one line of JSON. */
const dir = process.argv[2] ?? ''
const log = await openLmdbLog({
  dir,
  name: 'events',
  partitions: 1,
  now: () => Date.now(),
  retentionMs: Number.MAX_SAFE_INTEGER,
  maxBytes: 1e9,
})
const records = Array.from({ length: 200 }, (_, i) => ({ key: `C${i}`, value: new Uint8Array(500).fill(i) }))
const { end: before } = await log.bounds(0)
let appended = 0
let error: LogError | null = null
while (error === null && appended < 40_000) {
  try {
    await log.append(0, records)
    appended += records.length
  } catch (cause) {
    if (!(cause instanceof LogError)) throw cause
    error = cause
  }
}
const { end } = await log.bounds(0)
let read = 0
while (read < end) read += (await log.read(0, read, { maxBytes: 1e6, maxRecords: 4_096 })).length
await log.close()
process.stdout.write(
  `${JSON.stringify({ before, appended, end, read, code: error?.code, retryable: error?.retryable })}\n`,
)
