/** Replays of stretches of time: one at a time, in a thread beside shards and API, at a lower priority. The last one is remembered. */
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { MessageChannel } from 'node:worker_threads'
import { Piscina } from 'piscina'
import type { SchemaPlace } from '../../sinks/codecs.ts'
import type { HistoryAddress } from '../../sinks/history/client.ts'
import type { Hole } from './recorded.ts'
import type { KeptPacks } from './replay-packs.ts'
import type { Deviation, Incomparable, SpanReport } from './replay-span.ts'
import type { FromReplay, ReplayOrder, ToReplay } from './replay-work.ts'

/** How far a replay is, or what came of it. Counts are of the partitions that are through. */
export type ReplayStatus = {
  readonly id: string
  readonly state: 'running' | 'done' | 'stopped' | 'failed'
  /** Why it failed, in a sentence; null: it did not. */
  readonly problem: string | null
  readonly from: number
  readonly to: number
  readonly partitions: number
  /** Partitions that are through, and batches of the one at hand. */
  readonly through: number
  readonly batches: number
  readonly equal: number
  readonly different: number
  readonly incomparable: Readonly<Record<Incomparable, number>>
  /** The first deviations and holes. */
  readonly deviations: readonly Deviation[]
  readonly holes: readonly Hole[]
}

export type ReplayJobsParts = KeptPacks & {
  readonly address: () => HistoryAddress | null
  readonly schemas: SchemaPlace
  readonly partitions: number
  readonly salt: string
}

export type Begun =
  | { readonly kind: 'begun'; readonly status: ReplayStatus }
  | { readonly kind: 'busy' }
  | { readonly kind: 'no_history' }

const niceIncrement = 10
const memoryMb = 2_048
const listMax = 20

export class ReplayJobs {
  readonly #parts: ReplayJobsParts
  readonly #pool: Piscina
  #status: ReplayStatus | null = null
  #tell: ((message: ToReplay) => void) | null = null
  #underWay: Promise<void> = Promise.resolve()

  constructor(parts: ReplayJobsParts) {
    this.#parts = parts
    this.#pool = new Piscina({
      filename: fileURLToPath(new URL('./replay-work.ts', import.meta.url)),
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: 10_000,
      niceIncrement,
      resourceLimits: { maxOldGenerationSizeMb: memoryMb },
    })
    // A thread that dies rejects the replay that it was at; there is nothing more to tell.
    this.#pool.on('error', () => {})
  }

  /** The replay that runs, or the last one; null: there was none since the start. */
  get status(): ReplayStatus | null {
    return this.#status
  }

  /** Begins to compare every decision with `from` <= instant < `to`, Unix milliseconds. */
  begin(from: number, to: number): Begun {
    if (this.#status?.state === 'running') return { kind: 'busy' }
    const address = this.#parts.address()
    if (address === null) return { kind: 'no_history' }
    const { partitions } = this.#parts
    const nothing = { node_fallback: 0, commit_lost: 0, hole: 0 }
    const counts = { through: 0, batches: 0, equal: 0, different: 0, incomparable: nothing, deviations: [], holes: [] }
    const status: ReplayStatus = { id: randomUUID(), state: 'running', problem: null, from, to, partitions, ...counts }
    this.#status = status
    this.#underWay = this.#run(address, from, to)
    return { kind: 'begun', status }
  }

  /** Ends the replay that runs at its next batches. */
  halt(): void {
    this.#tell?.({ kind: 'stop' })
  }

  async stop(): Promise<void> {
    this.halt()
    await this.#pool.destroy()
    await this.#underWay
  }

  async #run(address: HistoryAddress, from: number, to: number): Promise<void> {
    const { schemas, partitions, salt } = this.#parts
    const { port1, port2 } = new MessageChannel()
    this.#tell = (message) => port1.postMessage(message)
    port1.on('message', (message: FromReplay) => void this.#heard(message))
    const order: ReplayOrder = { address, schemas, partitions, salt, from, to, port: port2 }
    try {
      await this.#pool.run(order, { transferList: [port2] })
      // What was told before the end is heard first.
      await new Promise(setImmediate)
      this.#set({ state: 'done' })
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
      this.#set(
        code === 'replay_stopped' ? { state: 'stopped' } : { state: 'failed', problem: sentenceOf(cause, code) },
      )
    } finally {
      this.#tell = null
      port1.close()
    }
  }

  async #heard(message: FromReplay): Promise<void> {
    const { hash } = message.kind === 'pack' || message.kind === 'learned' ? message : { hash: '' }
    switch (message.kind) {
      case 'pack':
        this.#tell?.({ kind: 'pack', hash, pack: await this.#parts.packOf(hash).catch(() => null) })
        return
      case 'learned':
        this.#tell?.({ kind: 'learned', hash, learned: await this.#parts.learnedOf(hash).catch(() => null) })
        return
      case 'progress':
        this.#set({ batches: message.batches })
        return
      case 'report':
        this.#add(message.report)
        return
      default:
        message satisfies never
    }
  }

  #add({ equal, different, incomparable, deviations, holes }: SpanReport): void {
    const before = this.#status
    if (before === null) return
    this.#set({
      through: before.through + 1,
      batches: 0,
      equal: before.equal + equal,
      different: before.different + different,
      incomparable: {
        node_fallback: before.incomparable.node_fallback + incomparable.node_fallback,
        commit_lost: before.incomparable.commit_lost + incomparable.commit_lost,
        hole: before.incomparable.hole + incomparable.hole,
      },
      deviations: [...before.deviations, ...deviations].slice(0, listMax),
      holes: [...before.holes, ...holes].slice(0, listMax),
    })
  }

  #set(change: Partial<ReplayStatus>): void {
    if (this.#status !== null) this.#status = { ...this.#status, ...change }
  }
}

/** Why a replay failed, without anything of what it read. */
function sentenceOf(cause: unknown, code: string): string {
  if (code === 'replay_memory_full' && cause instanceof Error) return cause.message
  if (code === 'history_unavailable') return 'History did not answer. Begin again when it does.'
  if (code === 'ERR_WORKER_OUT_OF_MEMORY') return `It needs more than ${memoryMb} MB of memory.`
  return `The replay failed (${code === '' ? 'bug' : code}). Nothing but the replay is touched by that.`
}
