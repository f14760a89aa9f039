import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import { crashRecord } from '../conformance/crash-record.ts'

/** Appends to a log until it is killed; see `LogFixture.crash`. */
const dir = process.argv[2] ?? ''
const log = await openLmdbLog({
  dir,
  name: 'events',
  partitions: 2,
  now: () => Date.now(),
  retentionMs: Number.MAX_SAFE_INTEGER,
  maxBytes: 64_000_000,
})

async function appendForever(partition: number): Promise<void> {
  let { end } = await log.bounds(partition)
  for (let size = 1; ; size = (size * 7) % 250) {
    const from = end
    const { firstOffset, lastOffset } = await log.append(
      partition,
      Array.from({ length: size }, (_, i) => crashRecord(partition, from + i)),
    )
    process.stdout.write(`${partition} ${firstOffset} ${lastOffset}\n`)
    end = lastOffset + 1
  }
}

await Promise.all([appendForever(0), appendForever(1)])
