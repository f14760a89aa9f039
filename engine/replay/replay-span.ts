/** Replays a partition from the beginning of its record and compares every decision of a stretch of time with what left. */
import type { Codecs } from '../../sinks/codecs.ts'
import type { Decision } from '../../sinks/decision.ts'
import { type Difference, firstDifference } from './first-difference.ts'
import type { Hole, RecordedSource } from './recorded.ts'
import type { ReplayPacks } from './replay-packs.ts'
import { replayPartition } from './replay-partition.ts'
import { Replayer } from './replayer.ts'

/** What left, in the order of the decisions log. */
export type LeftSource = {
  decided(
    partition: number,
    span: { readonly from: number; readonly to: number; readonly after: number },
    limit: number,
  ): Promise<readonly { readonly offset: number; readonly decision: Decision }[]>
}

/** A decision that is not what was computed again. `why` null: `difference` says it. */
export type Deviation = {
  readonly id: string
  readonly why: 'not_computed' | 'never_left' | null
  readonly difference: Difference | null
}

/** Why decisions were not compared. */
export type Incomparable = 'node_fallback' | 'commit_lost' | 'hole'

export type SpanReport = {
  readonly equal: number
  readonly different: number
  /** The first ones. */
  readonly deviations: readonly Deviation[]
  readonly incomparable: Readonly<Record<Incomparable, number>>
  readonly holes: readonly Hole[]
}

export type SpanReplay = {
  readonly source: RecordedSource
  readonly left: LeftSource
  readonly packs: ReplayPacks
  readonly codecs: Pick<Codecs, 'events' | 'decisions'>
  readonly salt: string
  readonly partition: number
  /** Unix milliseconds: `from` <= instant of the decision < `to`. */
  readonly from: number
  readonly to: number
  /** Told now and then where it is; true: stop. */
  readonly onProgress: (batches: number, decisions: number) => boolean
}

/** Replays stop: somebody asked. */
export class ReplayStopped extends Error {
  readonly code = 'replay_stopped'
}

const deviationsMax = 20
const holesMax = 20
const pageDecisions = 1_000
/** Decisions that wait to be compared before history is asked for more. */
const waitingMax = 2_000
const progressEvery = 64

/** @throws ReplayStopped, ReplayMemoryError, and what the sources throw */
export async function replaySpan(replay: SpanReplay): Promise<SpanReport> {
  const { source, packs, codecs, salt, partition, from, to, onProgress } = replay
  const replayer = new Replayer({ partition, partitions: source.partitions, salt, codecs, packs })
  const comparison = new Comparison(replay)
  let batches = 0
  const reading = { source, partition, replayer, packs, reads: 'everybody' } as const
  for await (const { batch, decisions, holes } of replayPartition(reading)) {
    comparison.found(holes, batch.fallbacks.length > 0)
    if ((batch.steps[0]?.now ?? batch.now) >= to) break
    for (const { id, bytes } of decisions) {
      const decision = codecs.decisions.decode(bytes)
      if (decision.now >= from && decision.now < to) comparison.replayed(id, bytes, decision)
    }
    if (comparison.waiting > waitingMax) await comparison.catchUp()
    if (++batches % progressEvery === 0 && onProgress(batches, comparison.compared)) throw new ReplayStopped('stopped')
  }
  return comparison.end((await source.lost(partition)).length > 0)
}

type Computed = { readonly bytes: Uint8Array; readonly decision: Decision }

/** What was computed again meets what left. */
class Comparison {
  readonly #replay: SpanReplay
  readonly #computed = new Map<string, Computed>()
  readonly #left = new Map<string, Decision>()
  readonly #deviations: Deviation[] = []
  readonly #holes: Hole[] = []
  readonly #incomparable = { node_fallback: 0, commit_lost: 0, hole: 0 }
  #equal = 0
  #different = 0
  #after = -1
  #isRead = false
  #hasFallbacks = false

  constructor(replay: SpanReplay) {
    this.#replay = replay
  }

  get waiting(): number {
    return this.#computed.size
  }

  get compared(): number {
    return this.#equal + this.#different
  }

  found(holes: readonly Hole[], hasFallbacks: boolean): void {
    if (hasFallbacks) this.#hasFallbacks = true
    this.#holes.push(...holes.slice(0, holesMax - this.#holes.length))
  }

  replayed(id: string, bytes: Uint8Array, decision: Decision): void {
    // Behind a hole nothing is exact.
    if (this.#holes.length > 0) return
    const left = this.#left.get(id)
    if (left === undefined) this.#computed.set(id, { bytes, decision })
    else {
      this.#left.delete(id)
      this.#compare(left, { bytes, decision })
    }
  }

  /** Reads on in what left until most of what was computed has met it. */
  async catchUp(): Promise<void> {
    while (!this.#isRead && this.#computed.size > waitingMax / 2) await this.#readOn()
  }

  async end(hasLost: boolean): Promise<SpanReport> {
    while (!this.#isRead) await this.#readOn()
    for (const id of this.#computed.keys()) this.#deviate({ id, why: 'never_left', difference: null })
    for (const [id, decision] of this.#left) {
      if (this.#holes.length > 0) this.#incomparable.hole++
      else if (isFallback(decision) && this.#hasFallbacks) this.#incomparable.node_fallback++
      else if (hasLost) this.#incomparable.commit_lost++
      else this.#deviate({ id, why: 'not_computed', difference: null })
    }
    return {
      equal: this.#equal,
      different: this.#different,
      deviations: this.#deviations,
      incomparable: this.#incomparable,
      holes: this.#holes,
    }
  }

  async #readOn(): Promise<void> {
    const { left, partition, from, to } = this.#replay
    const page = await left.decided(partition, { from, to, after: this.#after }, pageDecisions)
    for (const { offset, decision } of page) {
      this.#after = offset
      const computed = this.#computed.get(decision.id)
      if (computed === undefined) this.#left.set(decision.id, decision)
      else {
        this.#computed.delete(decision.id)
        this.#compare(decision, computed)
      }
    }
    this.#isRead = page.length < pageDecisions
  }

  #compare(left: Decision, { bytes, decision }: Computed): void {
    const record = this.#replay.codecs.decisions.encode(left)
    if (Buffer.compare(record, bytes) === 0) this.#equal++
    else this.#deviate({ id: left.id, why: null, difference: firstDifference(left, decision) })
  }

  #deviate(deviation: Deviation): void {
    this.#different++
    if (this.#deviations.length < deviationsMax) this.#deviations.push(deviation)
  }
}

/** Whether a node may have made it without its shard. */
function isFallback({ cause, fates, features }: Decision): boolean {
  return cause.kind === 'request' && fates.length === 0 && features.length === 0
}
