/** Puts another pack in force on the shards of this process, in two steps, and knows which pack each of them runs. */
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Timing } from '../clock.ts'
import { createFallbacks, type MakeFallback } from './fallback.ts'
import { latestInstants } from './series-past.ts'
import type { PackTask, ShardPort, Switched } from './shard-port.ts'
import { WorkerShard } from './worker-shard.ts'

/** What a shard runs. */
export type ShardRuns = {
  readonly shard: number
  readonly packHash: string
  readonly activation: number
  /** Unix milliseconds. */
  readonly since: number
}

/** What came of the second step. */
export type AllSwitched = {
  /** Shards that did not confirm. */
  readonly missing: readonly number[]
  /** Series that are observed later than the record says, by definition. */
  readonly observedLater: Readonly<Record<string, number>>
}

type Confirmed = Extract<Switched, { kind: 'switched' }>

/** How often a shard is asked whether its commits in doubt are over, milliseconds. */
const againMs = 20

export class ShardPacks {
  readonly #ports: readonly ShardPort[]
  readonly #now: () => number
  readonly #timing: Pick<Timing, 'after' | 'elapsed' | 'sleep'>
  readonly #newId: () => string
  #runs: readonly ShardRuns[]
  #makeFallback: MakeFallback

  /** @param activation of the pack that the shards were made with */
  constructor(parts: {
    readonly ports: readonly ShardPort[]
    readonly pack: CompiledPack
    readonly activation: number
    readonly now: () => number
    readonly timing: Pick<Timing, 'after' | 'elapsed' | 'sleep'>
    readonly newId: () => string
  }) {
    const { ports, pack, activation, now, timing, newId } = parts
    this.#ports = ports
    this.#now = now
    this.#timing = timing
    this.#newId = newId
    const since = now()
    this.#runs = ports.map((_, shard) => ({ shard, packHash: pack.loaded.hash, activation, since }))
    this.#makeFallback = createFallbacks(pack, newId)
  }

  /** Answers from the pack in force; each names it. */
  readonly makeFallback: MakeFallback = (...args) => this.#makeFallback(...args)

  /** What every shard runs. */
  get runs(): readonly ShardRuns[] {
    return this.#runs
  }

  /** Has every shard compile a pack beside its batches. The shards that did not say in time that they have. */
  async prepare(task: PackTask, withinMs: number): Promise<readonly number[]> {
    const confirmed = await Promise.all(
      this.#ports.map(async (port) => {
        const prepared = await this.#within(withinMs, port.prepare(task))
        return prepared?.kind === 'prepared' && prepared.packHash === task.packHash
      }),
    )
    return confirmed.flatMap((isReady, shard) => (isReady ? [] : [shard]))
  }

  /** What was prepared is not wanted any more. */
  forget(): void {
    // A shard that does not hear has nothing that would ever come into force.
    for (const port of this.#ports) void port.forget().catch(() => undefined)
  }

  /**
   * Has what was prepared come into force; resolves when every shard has confirmed, or did not in time. A thread that does not is ended,
   * and the one that replaces it begins with the pack.
   */
  async switchTo(pack: CompiledPack, task: PackTask, withinMs: number): Promise<AllSwitched> {
    for (const port of this.#ports)
      if (port instanceof WorkerShard) port.begins({ pack: pack.loaded, past: task.past, rules: task.rules })
    this.#makeFallback = createFallbacks(pack, this.#newId)
    const replies = await Promise.all(this.#ports.map((port) => this.#switch(port, task, withinMs)))
    const since = this.#now()
    const { packHash } = task
    const { activations: activation } = task.past
    this.#runs = this.#runs.map((before) => {
      const isOver = replies[before.shard] !== null
      const isSame = before.activation === activation && before.packHash === packHash
      return isOver && !isSame ? { ...before, packHash, activation, since } : before
    })
    const observedLater = latestInstants(replies.map((reply) => reply?.observedLater ?? {}))
    return { missing: replies.flatMap((reply, shard) => (reply === null ? [shard] : [])), observedLater }
  }

  /** What a shard confirms; null: it did not, or what is left of the pack before is not over in time. */
  async #switch(port: ShardPort, task: PackTask, withinMs: number): Promise<Confirmed | null> {
    const until = this.#timing.elapsed() + withinMs
    let reply = await this.#switchOnce(port, task, withinMs)
    while (reply !== null && reply.behind > 0 && this.#timing.elapsed() < until) {
      await this.#timing.sleep(againMs)
      reply = await this.#switchOnce(port, task, withinMs)
    }
    return reply === null || reply.behind > 0 ? null : reply
  }

  async #switchOnce(port: ShardPort, task: PackTask, withinMs: number): Promise<Confirmed | null> {
    const ask = async (): Promise<Confirmed | null> => {
      const reply = await this.#within(withinMs, port.switchTo(task.past, task.packHash))
      return reply?.kind === 'switched' && reply.packHash === task.packHash ? reply : null
    }
    const first = await ask()
    if (first !== null) return first
    if (port instanceof WorkerShard) port.replace()
    else await this.#within(withinMs, port.prepare(task))
    return ask()
  }
  /** What a shard answers; null: nothing in time, or that it cannot. */
  #within<Answer>(ms: number, answer: Promise<Answer>): Promise<Answer | null> {
    return new Promise((resolve) => {
      const callOff = this.#timing.after(ms, () => resolve(null))
      answer.then(resolve, () => resolve(null)).finally(callOff)
    })
  }
}
