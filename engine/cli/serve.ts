/** `proffer serve`: run until told to stop. */
import { wallClock } from '../clock.ts'
import { startEngine } from '../compose.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../log.ts'
import { stopSignal } from './stop-signal.ts'

/** Starts the engine, says where it listens, stops it at SIGTERM or SIGINT; exit code 0 after an orderly stop. */
export async function serve(config: Config): Promise<number> {
  const logger = createLogger(config.LOG_LEVEL, 'stdout')
  const signal = stopSignal()
  const engine = await startEngine({
    config,
    clock: wallClock,
    serve: { host: config.HOST, port: config.PORT },
    history: config.HISTORY === 'on',
    logger,
  })
  logger.info(
    {
      address: `http://${config.HOST}:${engine.port}`,
      key: engine.keyFrom === 'made' ? `new, in ${config.DATA_DIR}/api-key` : `from ${engine.keyFrom}`,
      log: 'embedded (LMDB)',
      store: 'embedded (LMDB)',
      history:
        engine.history === null ? engine.historyOff : config.CLICKHOUSE_URL ? 'ClickHouse server' : 'embedded (chDB)',
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
