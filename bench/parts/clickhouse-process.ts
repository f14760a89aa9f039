/**
 * The embedded ClickHouse engine as a server: what `clickhouse.ts` starts. Folder and port are arguments, the key comes by the
 * environment, where other users of the machine cannot see it.
 */
import { EngineError, openEngine } from '../../sinks/history/embedded/chdb-engine.ts'
import { startEmbeddedServer } from '../../sinks/history/embedded/http-server.ts'
import { messageOf } from './part-error.ts'

const [dir = '', port = ''] = process.argv.slice(2)
const key = process.env['CLICKHOUSE_KEY'] ?? ''

try {
  const engine = await openEngine(dir)
  await startEmbeddedServer({ engine, key, defaults: new Map(), queriesAtOnce: 4, port: Number(port) })
} catch (cause) {
  process.stderr.write(`${cause instanceof EngineError ? `${cause.code}: ` : ''}${messageOf(cause)}\n`)
  process.exit(1)
}
// Always by SIGKILL: a plain exit waits for statements that still run, however long.
process.on('SIGTERM', () => process.kill(process.pid, 'SIGKILL'))
