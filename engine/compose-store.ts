/** Where the customers are kept, as the settings say: embedded, or in Redis that was looked at first. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { InstallationError } from './installation-error.ts'
import type { EmbeddedFolders } from './store/backup/backup-source.ts'
import type { StorePlace } from './store/open-store.ts'
import { checkRedis } from './store/redis/check-redis.ts'

/** The place, one line that names it, and what an operator should know of it. */
export type StoreSide = { readonly place: StorePlace; readonly name: string; readonly facts: readonly string[] }

/**
 * The place of the customers.
 * @throws StoreError `store_unavailable`, InstallationError `redis_unfit` with every reason
 */
export async function storeSide(config: Config): Promise<StoreSide> {
  const place = storePlace(config)
  if (place.kind === 'lmdb') return { place, name: 'embedded (LMDB)', facts: [] }
  const { facts, refusals, isCluster, waitReplicas } = await checkRedis(place)
  if (refusals.length > 0)
    throw new InstallationError('redis_unfit', `Redis cannot keep the customers:\n  ${refusals.join('\n  ')}`)
  return {
    // What `auto` came to at this start stays for the whole run.
    place: { ...place, waitReplicas },
    name: isCluster ? 'Redis Cluster' : 'Redis',
    facts: facts.map(({ server, verdict, text }) => `${server}${verdict === 'weak' ? ' WEAK' : ''}: ${text}`),
  }
}

/** The place that the settings name; nothing is asked. */
export function storePlace(config: Config): StorePlace {
  if (config.REDIS_URL === undefined) {
    return { kind: 'lmdb', dir: join(config.DATA_DIR, 'store'), mapSizeBytes: config.STORE_MAX_MB * 1024 * 1024 }
  }
  const password = config.REDIS_PASSWORD_FILE === undefined ? null : secretIn(config.REDIS_PASSWORD_FILE)
  const tls = {
    ...(config.REDIS_TLS_CA_FILE === undefined ? {} : { caFile: config.REDIS_TLS_CA_FILE }),
    ...(config.REDIS_TLS_CERT_FILE === undefined ? {} : { certFile: config.REDIS_TLS_CERT_FILE }),
    ...(config.REDIS_TLS_KEY_FILE === undefined ? {} : { keyFile: config.REDIS_TLS_KEY_FILE }),
  }
  return {
    kind: 'redis',
    urls: config.REDIS_URL.split(',').map((url) => (password === null ? url : withPassword(url, password))),
    prefix: config.REDIS_KEY_PREFIX,
    waitReplicas: config.REDIS_WAIT_REPLICAS,
    timeoutMs: config.REDIS_TIMEOUT_MS,
    tls,
  }
}

/**
 * The clock of old data is the rows'; a broker has its own.
 * @throws InstallationError `clock_changed`
 */
export function refuseEventClock(config: Config, clock: Clock): void {
  if (clock.kind === 'wall' || (config.KAFKA_BROKERS === undefined && config.REDIS_URL === undefined)) return
  throw new InstallationError(
    'clock_changed',
    'On the event clock everything is embedded: unset KAFKA_BROKERS and REDIS_URL, and use a DATA_DIR of its own.',
  )
}

/** Where what is embedded beside the store lies. */
export function embeddedFolders({ DATA_DIR }: Pick<Config, 'DATA_DIR'>): EmbeddedFolders {
  return { resourcesDir: join(DATA_DIR, 'resources'), identityDir: join(DATA_DIR, 'identity') }
}

/**
 * The secret in a file, without the white space around it.
 * @throws InstallationError `secret_unreadable`
 */
export function secretIn(path: string): string {
  try {
    const secret = readFileSync(path, 'utf8').trim()
    if (secret !== '') return secret
  } catch (cause) {
    throw new InstallationError('secret_unreadable', `${path} cannot be read.`, { cause })
  }
  throw new InstallationError('secret_unreadable', `${path} is empty.`)
}

/** A URL with a password put in. */
export function withPassword(url: string, password: string): string {
  const parsed = new URL(url)
  parsed.password = encodeURIComponent(password)
  return parsed.href
}
