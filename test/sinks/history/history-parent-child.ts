/** A parent to be killed: starts a history with a long statement and tells the id of its process. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startHistory } from '../../../sinks/history/start-history.ts'
import { testErasure } from './history-world.ts'

const dir = process.argv[2] ?? ''
const log = { kind: 'lmdb', dir: join(dir, 'log') } as const
const history = await startHistory({ dataDir: dir, log, erasure: testErasure, retentionDays: 1 })
while (history.status().state !== 'running') await sleep(20)
history.query('SELECT sleepEachRow(1) FROM numbers(20) SETTINGS max_block_size = 1').catch(() => undefined)
history.query('SELECT count() FROM numbers(100000000000)').catch(() => undefined)
await sleep(300)
process.send?.(history.status().pid)
setInterval(() => undefined, 1_000)
