/** A node that dies as by kill -9 when the installation's record names another pack, before it can say so in the control log. */
import { wallClock } from '../../../engine/clock.ts'
import { startEngine } from '../../../engine/compose.ts'
import { createLogger } from '../../../engine/log.ts'
import { testConfig } from '../running-engine.ts'

const [dataDir = '', settings = '{}'] = process.argv.slice(2)
const engine = await startEngine({
  config: testConfig(dataDir, JSON.parse(settings)),
  clock: wallClock,
  completeSince: 0,
  serve: { host: '127.0.0.1', port: 0 },
  history: false,
  logger: createLogger('silent', 'stderr'),
  onRecorded: () => process.kill(process.pid, 'SIGKILL'),
})
process.stdout.write(`${JSON.stringify({ port: engine.port, key: engine.key })}\n`)
