/**
 * Writes to one server, each followed by WAIT where replicas are to have it. Redis answers nothing on a connection whose WAIT
 * is open, so there are several connections, lanes: writes that come together share a lane, one write to its socket and one
 * WAIT; what comes while it waits takes the next lane; when all wait, it gathers for the first that is free.
 */
import type { LuaScript } from './lua-script.ts'
import type { RedisCommand, RedisConnection, RedisReply } from './redis-connection.ts'
import { isUnknownScript, unavailable } from './redis-errors.ts'

/** A script with what it is run on. */
export type ScriptCall = {
  readonly script: LuaScript
  readonly keys: readonly string[]
  readonly args: readonly (string | Buffer)[]
  /** Whether a reply says that something was written, or had been before, so that replicas are to be waited for. */
  readonly hasWritten: (value: unknown) => boolean
}

export type WriteRules = {
  /** Replicas that must have a write; 0: WAIT is not sent. */
  readonly replicas: number
  /** How long WAIT may last. */
  readonly waitMs: number
  /** Told of each failure of a call. */
  readonly onFailure: (error: unknown) => void
}

type Job = {
  readonly call: ScriptCall
  readonly bytes: number
  readonly resolve: (value: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Calls that may wait for a lane: a shard has one a partition, and stock one a winner. */
const jobsMax = 16_384
/** One write to a socket holds so much, or one call. */
const groupBytesMax = 4 * 2 ** 20
const groupJobsMax = 256

export class WriteLanes {
  readonly #lanes: readonly RedisConnection[]
  readonly #busy = new Set<RedisConnection>()
  readonly #rules: WriteRules
  #jobs: Job[] = []
  #isFlushing = false

  constructor(lanes: readonly RedisConnection[], rules: WriteRules) {
    this.#lanes = lanes
    this.#rules = rules
  }

  /**
   * Runs a script and waits for the replicas; its reply, with texts as bytes.
   * @throws Error of the client or of Redis, untranslated; StoreError `store_unavailable` when no connection is up, too many
   *   calls wait, or too few replicas have it in time
   */
  run(call: ScriptCall): Promise<unknown> {
    if (this.#jobs.length >= jobsMax) return Promise.reject(unavailable('Too many calls wait for Redis.'))
    return new Promise((resolve, reject) => {
      this.#jobs.push({ call, bytes: bytesOf(call), resolve, reject })
      if (this.#isFlushing) return
      this.#isFlushing = true
      // What is called in the same turn goes together.
      queueMicrotask(() => {
        this.#isFlushing = false
        this.#flush()
      })
    })
  }

  #flush(): void {
    while (this.#jobs.length > 0) {
      const lane = this.#lanes.find((one) => one.isReady && !this.#busy.has(one))
      if (lane === undefined) {
        if (this.#busy.size === 0) this.#failAll()
        return
      }
      const group = this.#nextGroup()
      // Without a WAIT nothing is held up, and one lane serves all.
      if (this.#rules.replicas > 0) this.#busy.add(lane)
      void this.#send(lane, group)
    }
  }

  #nextGroup(): Job[] {
    let bytes = 0
    let size = 0
    for (const job of this.#jobs) {
      bytes += job.bytes
      if (size > 0 && (bytes > groupBytesMax || size >= groupJobsMax)) break
      size++
    }
    return this.#jobs.splice(0, size)
  }

  #failAll(): void {
    const jobs = this.#jobs
    this.#jobs = []
    const error = unavailable('Redis is not connected.')
    this.#rules.onFailure(error)
    for (const { reject } of jobs) reject(error)
  }

  async #send(lane: RedisConnection, group: readonly Job[]): Promise<void> {
    try {
      const unknown = await this.#attempt(lane, group, null)
      if (unknown.length === 0) return
      // A server that was started anew, or promoted, does not know the scripts. Nothing of these was run.
      const texts = new Map(unknown.map(({ call: { script } }) => [script.sha, script.text]))
      const loads = [...texts.values()].map((text): RedisCommand => ['SCRIPT', 'LOAD', text])
      await this.#attempt(lane, unknown, loads)
    } catch (error) {
      for (const { reject } of group) reject(error)
    } finally {
      this.#busy.delete(lane)
      this.#flush()
    }
  }

  /** Sends a group behind `loads` and settles its jobs, but for those whose script was unknown when nothing was loaded: returned. */
  async #attempt(lane: RedisConnection, group: readonly Job[], loads: readonly RedisCommand[] | null): Promise<Job[]> {
    const { replicas, waitMs } = this.#rules
    const before = loads ?? []
    const wait: RedisCommand[] = replicas > 0 ? [['WAIT', String(replicas), String(waitMs)]] : []
    const replies = await lane.run([...before, ...group.map(({ call }) => commandOf(call)), ...wait])
    const waited = replicas > 0 ? replies.at(-1) : undefined
    const unknown: Job[] = []
    group.forEach((job, i) => {
      const reply = replies[before.length + i]
      if (loads === null && isUnknownScript(reply?.error)) unknown.push(job)
      else this.#settle(job, reply, waited)
    })
    return unknown
  }

  #settle({ call, resolve, reject }: Job, reply: RedisReply | undefined, waited: RedisReply | undefined): void {
    let error: Error | null = reply?.error ?? null
    if (error === null && waited !== undefined && call.hasWritten(reply?.value)) {
      const has = typeof waited.value === 'number' ? waited.value : 0
      error = waited.error
      if (error === null && has < this.#rules.replicas) {
        error = unavailable(`Only ${has} of ${this.#rules.replicas} replicas have the write.`)
      }
    }
    if (error === null) {
      resolve(reply?.value)
    } else {
      this.#rules.onFailure(error)
      reject(error)
    }
  }
}

function commandOf({ script, keys, args }: ScriptCall): RedisCommand {
  return ['EVALSHA', script.sha, String(keys.length), ...keys, ...args]
}

function bytesOf({ keys, args }: ScriptCall): number {
  let bytes = 0
  for (const key of keys) bytes += key.length
  for (const arg of args) bytes += arg.length
  return bytes
}
