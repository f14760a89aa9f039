/**
 * Watches the shards of a node from the main thread: takes rules that loop or keep throwing out of service, and has threads replaced
 * that do not come back. What it finds is kept in memory alone and ends with the process.
 */
import type { Model } from '../../rules/model.ts'
import { sourceKey } from '../../rules/source-table.ts'
import type { Clock, Timing } from '../clock.ts'
import { RuleBoard, ruleRoom } from './rule-board.ts'
import { RuleNumbers } from './rule-numbers.ts'
import { lookEveryMs, StallDetector } from './stall-detector.ts'

/** So many throws of one rule within this time, from the first of them on, quarantine it. */
export const throwsMax = 10
export const throwsWithinMs = 60_000
/** How often to look whether shards go by what was revoked, and for how long, milliseconds. */
const toldEveryMs = 5
const toldMaxMs = 10_000
/** Events at which a shard stalled once that are remembered, the oldest forgotten first. */
const suspectsMax = 256

/** A rule that is not asked any more. */
export type QuarantinedRule = {
  /** Such as `guardrail:no-credit`, see `rules/rule-names.ts`. */
  readonly rule: string
  readonly why: 'looped' | 'threw'
  /** Unix milliseconds. */
  readonly since: number
}

/** What an operator has to hear of. */
export type WatchNews =
  | { readonly kind: 'quarantined'; readonly rule: string; readonly why: QuarantinedRule['why'] }
  /** A thread was ended and another one begun. `rule`: what it was asking; null: nothing that is known. */
  | { readonly kind: 'replaced'; readonly shard: number; readonly partition: number; readonly rule: string | null }
  /** An event becomes a dead letter: a shard stalled at it twice. */
  | { readonly kind: 'poisoned'; readonly partition: number; readonly offset: number }

export type RuleWatchOptions = {
  readonly model: Model
  /** How many shards there are at most. */
  readonly shards: number
  /** How long a shard may compute at one input, milliseconds; 0: for ever. */
  readonly stallMs: number
  readonly clock: Clock
  readonly timing: Timing
  /** How long this process has computed, milliseconds. */
  readonly cpuMs: () => number
  readonly tell: (news: WatchNews) => void
}

/** How long this process has computed, all threads together, milliseconds. */
export function processCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}

/** Throws of a rule: how many at the last look, since when a window is counted, and how many there were before it. */
type Throwing = { readonly last: number; readonly since: number; readonly before: number }

export class RuleWatch {
  /** What the shards share with it. */
  readonly buffer: SharedArrayBuffer
  readonly #options: RuleWatchOptions
  readonly #numbers: RuleNumbers
  readonly #board: RuleBoard
  readonly #stalls: StallDetector
  #replaceable: readonly { replace(): void }[] = []
  #out: readonly QuarantinedRule[] = []
  #replaced = 0
  #thrown = 0
  readonly #throwing = new Map<number, Throwing>()
  /** Partition and offset of events at which a shard stalled for a reason that could not be told. */
  readonly #suspects = new Set<string>()
  #callOff: () => void = () => {}

  constructor(options: RuleWatchOptions) {
    this.#options = options
    this.buffer = RuleBoard.make(ruleRoom, options.shards)
    this.#board = new RuleBoard(this.buffer)
    this.#numbers = new RuleNumbers(options.model, ruleRoom)
    this.#stalls = new StallDetector(options.stallMs)
  }

  /** The shards that can be ended and begun anew, in their order; those on the main thread cannot. */
  attach(shards: readonly { replace(): void }[]): void {
    this.#replaceable = shards
  }

  /** The numbers of the rules in force, in the order of `ruleNames`. */
  get numbers(): readonly number[] {
    return this.#numbers.inForce
  }

  /**
   * Numbers for the rules of a pack that is to come into force. A rule that is the same in both keeps its own, and with it what it threw
   * and whether it is quarantined.
   * @throws RangeError when there are too many rules
   */
  prepare(model: Model): readonly number[] {
    const { numbers, fresh } = this.#numbers.prepare(model)
    for (const number of fresh) {
      this.#board.reset(number)
      this.#throwing.delete(number)
    }
    return numbers
  }

  /** The pack of these numbers is in force. A rule that it changed, or does not have, is not out of service any more. */
  switchTo(numbers: readonly number[]): void {
    const before = new Map(this.#out.map(({ rule }) => [rule, this.#numbers.numberOf(rule)]))
    this.#numbers.switchTo(numbers)
    const stays = ({ rule }: QuarantinedRule): boolean => {
      const number = this.#numbers.numberOf(rule)
      return number !== null && this.#board.isQuarantined(number)
    }
    for (const one of this.#out) {
      const number = before.get(one.rule) ?? null
      // Should its pack come back, it is in service there.
      if (!stays(one) && number !== null) this.#serve(number)
    }
    this.#out = this.#out.filter(stays)
  }

  start(): void {
    this.#callOff = this.#options.timing.after(lookEveryMs, () => {
      this.look()
      this.start()
    })
  }

  stop(): void {
    this.#callOff()
  }

  /** Has the shards go without sources from the next batch on. @throws RangeError when there are too many */
  revoke(sources: readonly string[]): void {
    this.#board.revoke(sources.map(sourceKey))
  }

  /** Ends when every shard of the node goes by what was revoked last. @throws Error when one does not within ten seconds */
  async told(): Promise<void> {
    const { timing, shards } = this.#options
    const begun = timing.elapsed()
    // Twice in a row: a shard that does nothing may be about to begin.
    for (let calm = 0; calm < 2; ) {
      const isTold = Array.from({ length: shards }, (_, shard) => this.#board.isTold(shard)).every((one) => one)
      calm = isTold ? calm + 1 : 0
      if (timing.elapsed() - begun > toldMaxMs) throw new Error('a shard does not come to an end with its work')
      await new Promise<void>((resolve) => timing.after(toldEveryMs, resolve))
    }
  }

  /** Rules out of service, in the order in which that happened. */
  get quarantined(): readonly QuarantinedRule[] {
    return this.#out
  }

  /** How often rules threw since the start, those that did. */
  get throws(): ReadonlyMap<string, number> {
    const all = this.#numbers.names.map((name, i) => [name, this.#board.throws(this.numbers[i] ?? 0)] as const)
    return new Map(all.filter(([, count]) => count > 0))
  }

  /** Threads that were ended and begun anew since the start. */
  get replaced(): number {
    return this.#replaced
  }

  /** Puts a rule back into service, to be watched like any other. False: it was in service. */
  lift(rule: string): boolean {
    if (!this.#out.some((one) => one.rule === rule)) return false
    this.#out = this.#out.filter((one) => one.rule !== rule)
    const number = this.#numbers.numberOf(rule)
    if (number !== null) this.#serve(number)
    return true
  }

  /** Looks once at everything. */
  look(): void {
    this.#lookAtThrows()
    if (this.#options.stallMs > 0) this.#lookAtShards()
  }

  #lookAtThrows(): void {
    const { thrown } = this.#board
    if (thrown === this.#thrown) return
    this.#thrown = thrown
    const at = this.#options.timing.elapsed()
    for (const rule of this.numbers) {
      const throws = this.#board.throws(rule)
      const known = this.#throwing.get(rule) ?? none(0)
      if (throws === known.last || this.#board.isQuarantined(rule)) continue
      // What is new was thrown since the look before: its time is not known better.
      const window = at - known.since > throwsWithinMs ? { since: at, before: known.last } : known
      const throwing = { ...window, last: throws }
      this.#throwing.set(rule, throwing)
      if (throws - throwing.before >= throwsMax) this.#quarantine(rule, 'threw')
    }
  }

  #lookAtShards(): void {
    const works = this.#replaceable.map((_, shard) => this.#board.work(shard))
    const now = { elapsedMs: this.#options.timing.elapsed(), cpuMs: this.#options.cpuMs() }
    for (const shard of this.#stalls.look(works, now)) this.#endStall(shard)
  }

  #endStall(shard: number): void {
    const { partition, offset, rule } = this.#board.work(shard)
    const isTold = rule > 0 && !this.#board.isQuarantined(rule)
    if (isTold) this.#quarantine(rule, 'looped')
    else if (offset !== null) this.#suspect(partition, offset)
    this.#board.clear(shard)
    this.#replaceable[shard]?.replace()
    this.#replaced++
    this.#options.tell({ kind: 'replaced', shard, partition, rule: isTold ? this.#numbers.nameOf(rule) : null })
  }

  /** The first time it may have been in the wrong place; the second time it goes. */
  #suspect(partition: number, offset: number): void {
    const name = `${partition} ${offset}`
    if (this.#suspects.delete(name)) {
      this.#board.poison(partition, offset)
      this.#options.tell({ kind: 'poisoned', partition, offset })
      return
    }
    this.#suspects.add(name)
    const [oldest] = this.#suspects
    if (this.#suspects.size > suspectsMax && oldest !== undefined) this.#suspects.delete(oldest)
  }

  #serve(number: number): void {
    this.#throwing.set(number, none(this.#board.throws(number)))
    this.#board.quarantine(number, false)
  }

  #quarantine(number: number, why: QuarantinedRule['why']): void {
    const rule = this.#numbers.nameOf(number)
    if (rule === null) return
    this.#out = [...this.#out, { rule, why, since: this.#options.clock.now() }]
    this.#board.quarantine(number, true)
    this.#options.tell({ kind: 'quarantined', rule, why })
  }
}

/** So many throws by now, and no window that is counted. */
function none(last: number): Throwing {
  return { last, since: Number.NEGATIVE_INFINITY, before: last }
}
