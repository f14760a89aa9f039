/** Finds the engine of a DATA_DIR for a command, or starts one for the length of the command. */
import { apiKeyOf } from '../api/api-key.ts'
import { eventClock, wallClock } from '../clock.ts'
import { startEngine, storedClock } from '../compose.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../log.ts'
import { runningInstance } from '../store/instance-lock.ts'
import { type Client, ClientError, createClient } from './client.ts'

/** How long history may take to catch up before a command that reads it goes on with what is there. */
const historyWithinMs = 30_000

/**
 * The engine that a command asks: that of ENGINE_URL, else the one that runs on the DATA_DIR; null when none runs and the command
 * may start one for itself.
 * @throws ClientError when it cannot be asked, or when only a running engine may answer: one that a command starts would take
 *   partitions from the others of its group
 */
export async function runningEngine(config: Config): Promise<Client | null> {
  const { DATA_DIR: dataDir, ENGINE_URL: url } = config
  const clientOf = async (base: string): Promise<Client> => {
    if (config.PROFFER_KEY !== undefined) return createClient(base, config.PROFFER_KEY)
    const { key } = await apiKeyOf({ dataDir, key: config.API_KEY, keyFile: config.API_KEY_FILE, made: null })
    return createClient(base, key)
  }
  if (url !== undefined) return clientOf(url)
  const running = runningInstance(dataDir)
  if (running !== null) {
    if (running.address === null)
      throw new ClientError(
        `An engine (process ${running.pid}) uses ${dataDir} and offers no address to ask. Try again when it is done.`,
      )
    return clientOf(`http://${running.address}`)
  }
  if (config.KAFKA_BROKERS !== undefined)
    throw new ClientError(
      `No engine runs on ${dataDir}. With KAFKA_BROKERS set, commands ask a running one: start it with \`npm start\`, or set ENGINE_URL to one and API_KEY to its key.`,
    )
  return null
}

/** Who asks changes nothing: a command works under the version in force, whatever PACK and PACK_CHANGES of its shell say. */
export function asInForce(config: Config): Config {
  return { ...config, PACK_CHANGES: 'governed' }
}

/**
 * Runs a command's work with a client and returns its exit code.
 * @throws ClientError when the DATA_DIR has no installation, or its engine is not answering
 */
export async function withClient(
  config: Config,
  needs: { readonly history?: boolean },
  work: (client: Client) => Promise<number>,
): Promise<number> {
  const { DATA_DIR: dataDir } = config
  const running = await runningEngine(config)
  if (running !== null) return work(running)
  // To look at a folder must not set it up: that would settle since when its log is complete.
  const kind = await storedClock(config)
  if (kind === null)
    throw new ClientError(`There is no installation in ${dataDir}. Start one with \`npm start\`, or set DATA_DIR.`)
  const clock = kind === 'event' ? eventClock(0) : wallClock
  const engine = await startEngine({
    config: asInForce(config),
    clock,
    serve: { host: '127.0.0.1', port: 0 },
    history: needs.history === true,
    logger: createLogger('silent', 'stderr'),
  })
  try {
    if (needs.history === true) await engine.history?.flush(historyWithinMs)
    return await work(createClient(`http://127.0.0.1:${engine.port}`, config.PROFFER_KEY ?? engine.key))
  } finally {
    await engine.stop()
  }
}
