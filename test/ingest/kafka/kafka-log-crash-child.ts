import { crashRecord } from '../../conformance/crash-record.ts'
import { openLogs } from './open-logs.ts'

/** Appends to a log until it is killed; see `LogFixture.crash`. */
const [, , address = '', prefix = ''] = process.argv
const { decisions: log } = await openLogs({ brokers: [address] }, { prefix })

async function appendForever(partition: number): Promise<void> {
  let { end } = await log.bounds(partition)
  for (let size = 1; ; size = (size * 7) % 250) {
    const from = end
    const records = Array.from({ length: size }, (_, i) => crashRecord(partition, from + i))
    const { firstOffset, lastOffset } = await log.append(partition, records)
    process.stdout.write(`${partition} ${firstOffset} ${lastOffset}\n`)
    end = lastOffset + 1
  }
}

await Promise.all([appendForever(0), appendForever(1)])
