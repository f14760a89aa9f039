/** `proffer serve`: run until told to stop. */
import { wallClock } from '../clock.ts'
import { startEngine } from '../compose.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../log.ts'
import { endAfter, stopSignal } from './stop-signal.ts'

/** Beyond the deadline of the parts, so that they can still say what did not stop. */
const graceMs = 1_000

/**
 * Starts the engine, says where it listens, stops it at SIGTERM or SIGINT; exit code 0 after an orderly stop, 1 when the
 * deadline ended it.
 */
export async function serve(config: Config): Promise<number> {
  const logger = createLogger(config.LOG_LEVEL, 'stdout')
  const signal = stopSignal()
  endAfter(signal, config.STOP_DEADLINE_MS + graceMs, () => {
    logger.error({}, 'did not stop within STOP_DEADLINE_MS: ended; nothing acknowledged is lost')
    process.exit(1)
  })
  const engine = await startEngine({
    config,
    clock: wallClock,
    serve: { host: config.HOST, port: config.PORT },
    history: config.HISTORY === 'on',
    logger,
  })
  for (const fact of engine.facts) logger[fact.includes(' WEAK') ? 'warn' : 'info']({}, fact)
  logger.info(
    {
      address: `http://${config.HOST}:${engine.port}`,
      key: engine.keyFrom === 'made' ? `new, in ${config.DATA_DIR}/api-key` : `from ${engine.keyFrom}`,
      log: engine.logName,
      store: engine.storeName,
      schemas: engine.schemasName,
      history:
        engine.history === null ? engine.historyOff : config.CLICKHOUSE_URL ? 'ClickHouse server' : 'embedded (chDB)',
      node: engine.node,
      shard: config.SHARD_MODE,
      partitions: engine.installation.cluster.partitions,
      pack: `${engine.installation.pack.loaded.model.name} ${engine.installation.pack.loaded.hash.slice(0, 12)}`,
    },
    'proffer is ready',
  )
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  logger.info({}, 'stopping: open batches finish and are published')
  await engine.stop()
  logger.info({}, 'stopped')
  return 0
}
