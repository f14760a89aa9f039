import { Redis } from 'ioredis'
import { unavailable } from './redis-errors.ts'
import type { RedisTarget } from './redis-target.ts'

/** A command as Redis takes it: its name and its arguments. */
export type RedisCommand = readonly [name: string, ...args: (string | Buffer)[]]

/** What Redis replied: a value with texts as bytes, or the error. */
export type RedisReply = { readonly value: unknown; readonly error: Error | null }

const backOffMs = { least: 20, most: 1_000 } as const

/**
 * One connection to one server. It comes back by itself for ever, and never sends anything twice: what was not answered when
 * it broke is an error, and so is what is sent while it is down.
 */
export class RedisConnection {
  readonly #redis: Redis
  #lastError: unknown

  /** Starts to connect. */
  constructor(target: RedisTarget) {
    this.#redis = new Redis({
      host: target.host,
      port: target.port,
      db: target.db,
      ...(target.username === '' ? {} : { username: target.username }),
      ...(target.password === '' ? {} : { password: target.password }),
      ...(target.tls === null ? {} : { tls: target.tls }),
      connectionName: 'proffer',
      protocol: 2,
      lazyConnect: true,
      autoResendUnfulfilledCommands: false,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: target.timeoutMs,
      disconnectTimeout: target.timeoutMs,
      // A command that waits too long fails; a socket that says nothing meanwhile is dead, and another one is opened.
      commandTimeout: target.timeoutMs,
      socketTimeout: target.timeoutMs,
      retryStrategy: (attempt) => {
        const pauseMs = Math.min(backOffMs.least * 2 ** Math.min(attempt, 10), backOffMs.most)
        return pauseMs * (0.5 + Math.random() / 2)
      },
    })
    this.#redis.on('error', (error) => {
      this.#lastError = error
    })
  }

  /** Whether a command could be sent now. */
  get isReady(): boolean {
    return this.#redis.status === 'ready'
  }

  /**
   * Connects; from then on the connection keeps itself up.
   * @throws StoreError `store_unavailable` when the first attempt fails
   */
  async open(): Promise<void> {
    try {
      await this.#redis.connect()
    } catch (error) {
      this.close()
      throw unavailable('Redis cannot be reached.', this.#lastError ?? error)
    }
  }

  /** Begins to connect, and keeps trying. */
  start(): void {
    // Told by `isReady` and by the commands, which fail until it is up.
    this.#redis.connect().catch((error: unknown) => {
      this.#lastError = error
    })
  }

  /** Sends commands in one write; a reply for each, in order. Never rejects. */
  async run(commands: readonly RedisCommand[]): Promise<readonly RedisReply[]> {
    const pipeline = this.#redis.pipeline()
    for (const command of commands) pipeline.callBuffer(...command)
    const replies = (await pipeline.exec()) ?? []
    return commands.map((_, i) => {
      const [error, value] = replies[i] ?? [new Error('no reply'), null]
      return { value, error }
    })
  }

  /** Leaves the server for whoever answers at the address now. A connection that is being made anyway is left alone. */
  reconnect(): void {
    if (this.isReady) this.#redis.disconnect(true)
  }

  /** Ends it for good; what is under way fails. */
  close(): void {
    this.#redis.disconnect()
  }
}

/** One command on a connection of its own; null when the server cannot be reached. */
export async function askOnce(target: RedisTarget, command: RedisCommand): Promise<RedisReply | null> {
  const connection = new RedisConnection(target)
  try {
    await connection.open()
  } catch {
    return null
  }
  const [reply = null] = await connection.run([command])
  connection.close()
  return reply
}
