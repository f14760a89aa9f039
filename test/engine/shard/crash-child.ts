/**
 * A process to be killed: brings the stream into the log, chunk by chunk, while the shards run over it and live requests come
 * in. Prints `chunk N` when the chunks below N are durable in the log, `running` when the shards run, `done` at the end.
 */
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import type { FailAt } from '../../../engine/shard/failpoint.ts'
import type { NewRecord } from '../../../ingest/log.ts'
import { bankPack, openFolder, partitions } from './data-folder.ts'
import { noise, streamRecord } from './event-stream.ts'

export type CrashRun = {
  readonly dir: string
  readonly mode: 'inline' | 'worker'
  readonly fromChunk: number
  /** Where it stops appending and waits to be killed; null: it ends when everything is published. */
  readonly untilChunk: number | null
  readonly events: number
  readonly customers: number
  readonly failAt: FailAt | null
}

export const chunkSize = 20

async function main(run: CrashRun): Promise<void> {
  const folder = await openFolder(run.dir, { clock: 'event', pack: await bankPack('app_counts') })
  const shards = await folder.shards({ mode: run.mode, ...(run.failAt === null ? {} : { failAt: run.failAt }) })
  await shards.start('')
  writeSync(1, 'running\n')
  const end = Math.min(run.untilChunk ?? Number.POSITIVE_INFINITY, Math.ceil(run.events / chunkSize))
  for (let chunk = run.fromChunk; chunk < end; chunk++) {
    const records: NewRecord[][] = Array.from({ length: partitions }, () => [])
    for (let n = chunk * chunkSize; n < Math.min(run.events, (chunk + 1) * chunkSize); n++) {
      const { partition, record } = streamRecord(n, run.customers)
      records[partition]?.push(record)
    }
    await Promise.all(records.map((some, partition) => (some.length > 0 ? folder.log.append(partition, some) : null)))
    writeSync(1, `chunk ${chunk + 1}\n`)
    // An adviser's desk reserves nothing, so that requests leave the events' decisions alone.
    void shards.decide({
      customerId: `C${Math.floor(noise(chunk, 20) * run.customers)}`,
      requestId: `${process.pid}-${chunk}`,
      placement: 'adviser_desk',
      count: 1,
      deadlineAt: folder.clock.now() + 1_000,
      after: null,
    })
  }
  if (run.untilChunk !== null) await new Promise((resolve) => setTimeout(resolve, 60_000))
  await shards.drained()
  await shards.stop(10_000)
  await folder.close()
  writeSync(1, 'done\n')
}

if (isMainThread && process.argv[1]?.endsWith('crash-child.ts') === true) {
  const run: CrashRun = JSON.parse(process.argv[2] ?? '')
  await main(run)
}
