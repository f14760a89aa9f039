/** A ClickHouse server for tests: the embedded engine behind its HTTP interface, in a process of its own. */
import { openEngine } from '../../../sinks/history/embedded/chdb-engine.ts'
import { startEmbeddedServer } from '../../../sinks/history/embedded/http-server.ts'

const [dir = '', key = ''] = process.argv.slice(2)
const engine = await openEngine(dir)
const server = await startEmbeddedServer({ engine, key, defaults: new Map(), queriesAtOnce: 2 })
process.send?.(server.url)
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
