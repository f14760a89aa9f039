import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import type { Log } from '../../../ingest/log.ts'
import { logConformance } from '../../conformance/log.ts'
import { describeWithKafka } from '../../parts/describe-with-parts.ts'
import { openLogs } from './open-logs.ts'

const crashChild = fileURLToPath(new URL('./kafka-log-crash-child.ts', import.meta.url))

await describeWithKafka('Kafka', (brokers) => {
  logConformance(
    'Kafka',
    async () => {
      const prefix = `${randomUUID()}.`
      return {
        async open({ partitions }): Promise<Log> {
          const logs = await openLogs({ brokers }, { prefix, partitions })
          return { ...logs.decisions, close: () => logs.close() }
        },
        crash: () => {
          const [address = ''] = brokers
          return spawn(process.execPath, [crashChild, address, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
        },
        dispose: async () => {},
      }
    },
    { ownClock: false, ownRetention: false },
  )
})
