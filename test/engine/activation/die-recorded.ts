/** An engine that puts a pack in force and dies as by kill -9 when the record names it and no shard was told. */
import { wallClock } from '../../../engine/clock.ts'
import { startEngine } from '../../../engine/compose.ts'
import { createLogger } from '../../../engine/log.ts'
import { testConfig } from '../running-engine.ts'

const [dataDir = '', hash = ''] = process.argv.slice(2)
const engine = await startEngine({
  config: testConfig(dataDir, { SHARD_MODE: 'worker' }),
  clock: wallClock,
  completeSince: 0,
  serve: null,
  history: false,
  logger: createLogger('silent', 'stderr'),
  onRecorded: () => process.kill(process.pid, 'SIGKILL'),
})
await engine.activator.activate(hash)
