/** Goal: who shares a log's partitions is told at once what is not its own. Method: two readers of a group on a real broker. */
import { randomUUID } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { expect, test } from 'vitest'
import { SharedReader } from '../../../ingest/kafka/shared-reader.ts'
import { describeWithKafka } from '../../parts/describe-with-parts.ts'
import { eventually } from './follow.ts'
import { openLogs } from './open-logs.ts'

const partitions = 4
const all = Array.from({ length: partitions }, (_, partition) => partition)
const limit = { maxRecords: 10, maxBytes: 100_000 }

await describeWithKafka('readers that share a log', (brokers) => {
  test('what another one was given is refused at once, and what is its own is read', { timeout: 60_000 }, async () => {
    const prefix = `${randomUUID()}.`
    const topic = `${prefix}events`
    const logs = await openLogs({ brokers }, { prefix, partitions })
    for (const partition of all) await logs.events.append(partition, [{ key: 'k', value: new Uint8Array([partition]) }])
    const join = (node: string) =>
      new SharedReader({
        ...{ connection: { brokers, clientId: node }, groupId: `${prefix}group`, node, topics: [topic], partitions },
        ...{ now: Date.now, sessionTimeoutMs: 3_000, maxBytesPerPartition: 1_048_588 },
      })
    const a = join('a')
    await eventually('a has all', () => a.assigned().length === partitions)
    const before = a.assigned()
    const b = join('b')
    await eventually('they share', () => a.assigned().length === 2 && b.assigned().length === 2)
    // As one does that was about to read when the partitions were shared anew.
    const began = performance.now()
    const reads = await Promise.allSettled(before.map((partition) => a.readOn(topic, partition, 0, limit)))
    expect(performance.now() - began).toBeLessThan(5_000)
    for (const [partition, read] of reads.entries()) {
      const isMine = a.assigned().includes(partition)
      expect(read.status).toBe(isMine ? 'fulfilled' : 'rejected')
      if (read.status === 'rejected') expect(read.reason).toMatchObject({ code: 'log_unavailable', retryable: true })
      else expect(read.value.records.map(({ value }) => value[0])).toEqual([partition])
    }
    await Promise.all([a.close(), b.close(), logs.close()])
  })
})
