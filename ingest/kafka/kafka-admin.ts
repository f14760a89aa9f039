import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin } from 'kafkajs'
import { within } from '../bounded-wait.ts'
import { LogError } from '../log.ts'
import { createKafkaClient, type KafkaClient, type KafkaConnection } from './kafka-connection.ts'
import { translateKafkaError } from './kafka-errors.ts'

/** Questions to the brokers about topics, offsets and groups. */
export type KafkaAdmin = {
  /**
   * Asks, some times over new connections: brokers that start, or lead a partition since a moment, refuse at first.
   * @param what what could not be done when it fails
   * @throws LogError
   */
  ask<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T>
  close(): Promise<void>
}

const REQUEST_TIMEOUT_MS = 5_000
/** Beyond what one attempt with kafkajs's own repeats takes, also on slow brokers. */
const DEADLINE_MS = 10_000
const CLOSE_MS = 1_000
const ATTEMPTS = 5
const backOffMs = { least: 100, most: 800 } as const

/** Connects with the first question. */
export function createKafkaAdmin(connection: KafkaConnection): KafkaAdmin {
  let current: { readonly client: KafkaClient; readonly admin: Admin; readonly connected: Promise<void> } | null = null
  let closed = false

  function connect(): NonNullable<typeof current> {
    if (current !== null) return current
    const client = createKafkaClient(connection, REQUEST_TIMEOUT_MS)
    const admin = client.kafka.admin()
    current = { client, admin, connected: admin.connect() }
    return current
  }

  async function askOnce<T>(what: string, question: (admin: Admin) => Promise<T>): Promise<T> {
    if (closed) throw new LogError('log_closed', 'the log is closed', { retryable: false })
    const asked = connect()
    try {
      return await within(
        DEADLINE_MS,
        what,
        asked.connected.then(() => question(asked.admin)),
      )
    } catch (cause) {
      const error = translateKafkaError(cause, what)
      // kafkajs mends most connections by itself; a new client mends all of them.
      if (error.retryable && current === asked) {
        current = null
        asked.client.cut()
      }
      throw error
    }
  }

  return {
    async ask(what, question) {
      let pauseMs: number = backOffMs.least
      for (let attempt = 1; ; attempt++) {
        try {
          return await askOnce(what, question)
        } catch (error) {
          if (closed || attempt === ATTEMPTS || !(error instanceof LogError) || !error.retryable) throw error
          await sleep(pauseMs)
          pauseMs = Math.min(pauseMs * 2, backOffMs.most)
        }
      }
    },
    async close() {
      closed = true
      const ended = current
      current = null
      if (ended === null) return
      await within(CLOSE_MS, 'the connection cannot be closed', ended.admin.disconnect()).catch(() => null)
      ended.client.cut()
    },
  }
}
