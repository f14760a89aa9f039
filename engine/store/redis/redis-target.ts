/** Where Redis is and how to talk to it. */
import { readFileSync } from 'node:fs'
import type { ConnectionOptions } from 'node:tls'
import { StoreError } from '../store.ts'

export type RedisOptions = {
  /**
   * `redis://[user:password@]host[:port][/db]`, or `rediss://` for TLS. One server, or some nodes of one Redis Cluster, which is
   * recognised by asking; user, password and TLS are the same for all its nodes.
   */
  readonly urls: readonly string[]
  /** In front of every key. Default `proffer:`. */
  readonly prefix?: string
  /** PEM files and the name in the server's certificate, where they are not the machine's defaults. For `rediss://`. */
  readonly tls?: {
    readonly caFile?: string
    readonly certFile?: string
    readonly keyFile?: string
    readonly serverName?: string
  }
  /** Replicas that must have a write before it counts. `auto`, the default: 1 when every primary has one now, else 0. */
  readonly waitReplicas?: number | 'auto'
  /** How long a call may take before it is in doubt. Milliseconds, default 2000. Replicas are waited for half as long. */
  readonly timeoutMs?: number
}

/** One server to connect to. */
export type RedisTarget = {
  readonly host: string
  readonly port: number
  readonly username: string
  readonly password: string
  readonly db: number
  /** null: in the clear. */
  readonly tls: ConnectionOptions | null
  readonly timeoutMs: number
}

/** How long a call may take unless an installation says otherwise. */
const defaultTimeoutMs = 2_000

/**
 * The servers that the options name.
 * @throws StoreError not retryable, with a sentence that never shows the URL: it may hold a password
 */
export function redisTargets(options: RedisOptions): readonly [RedisTarget, ...RedisTarget[]] {
  const tls = tlsOf(options.tls)
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs
  const [first, ...rest] = options.urls.map((url) => targetOf(url, tls, timeoutMs))
  if (first === undefined) throw refused('There is no Redis URL.')
  return [first, ...rest]
}

/** Address of a target, for people. */
export function addressOf({ host, port }: Pick<RedisTarget, 'host' | 'port'>): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

function targetOf(text: string, tls: ConnectionOptions, timeoutMs: number): RedisTarget {
  const url = URL.canParse(text) ? new URL(text) : null
  const db = /^\/?(\d{0,4})$/.exec(url?.pathname ?? '-')?.[1]
  if (
    url === null ||
    !/^rediss?:$/.test(url.protocol) ||
    url.hostname === '' ||
    db === undefined ||
    url.search !== ''
  ) {
    throw refused('A Redis URL is redis://[user:password@]host[:port][/db], or rediss:// for TLS.')
  }
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || 6_379),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    db: Number(db),
    tls: url.protocol === 'rediss:' ? tls : null,
    timeoutMs,
  }
}

function tlsOf(files: RedisOptions['tls'] = {}): ConnectionOptions {
  try {
    return {
      ...(files.caFile === undefined ? {} : { ca: readFileSync(files.caFile) }),
      ...(files.certFile === undefined ? {} : { cert: readFileSync(files.certFile) }),
      ...(files.keyFile === undefined ? {} : { key: readFileSync(files.keyFile) }),
      ...(files.serverName === undefined ? {} : { servername: files.serverName }),
    }
  } catch (cause) {
    throw refused('A TLS file for Redis cannot be read.', cause)
  }
}

function refused(message: string, cause?: unknown): StoreError {
  return new StoreError('store_unavailable', message, { retryable: false, cause })
}
