import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe } from 'vitest'
import type { Log } from '../../../ingest/log.ts'
import { logConformance } from '../../conformance/log.ts'
import { type Broker, hasBroker, startBroker } from './broker.ts'
import { openLogs } from './open-logs.ts'

const crashChild = fileURLToPath(new URL('./kafka-log-crash-child.ts', import.meta.url))
let broker: Broker

describe.runIf(hasBroker)('Kafka', () => {
  beforeAll(async () => {
    broker = await startBroker()
  }, 60_000)
  afterAll(() => broker.stop())

  logConformance(
    'Kafka',
    async () => {
      const prefix = `${randomUUID()}.`
      return {
        async open({ partitions }): Promise<Log> {
          const logs = await openLogs(broker, { prefix, partitions })
          return { ...logs.decisions, close: () => logs.close() }
        },
        crash: () => {
          const [address = ''] = broker.brokers
          return spawn(process.execPath, [crashChild, address, prefix], { stdio: ['ignore', 'pipe', 'inherit'] })
        },
        dispose: async () => {},
      }
    },
    { ownClock: false, ownRetention: false },
  )
})
