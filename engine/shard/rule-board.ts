/**
 * What the shards of a node and the thread that watches them share, as plain memory: which rules are quarantined, how often each one
 * threw, which events are not to be taken any more, and what each shard is working on. It outlives the threads.
 *
 * 32-bit words: the edition, which changes with every quarantine; the number of poisoned events so far; throws of all rules; for how many rules there is room; the
 * poisoned events (partition, low and high half of the offset), the oldest overwritten; the sources that are revoked; throws and quarantine of each rule; then for
 * each shard a part of cache lines of its own. Each shard writes its own part with plain stores: whoever reads it looks for what stays the same.
 */
import { readRevoked, revokedWords, writeRevoked } from './source-board.ts'

/** Events that are remembered as poison: the last so many, of all partitions. */
const poisonMax = 256
const thrownWord = 2
/** For how many rules it was made. */
const roomWord = 3
const poisonAt = 4
const poisonWords = 3
const revokedAt = poisonAt + poisonMax * poisonWords
const rulesAt = revokedAt + revokedWords
const ruleWords = 2
/** For so many rules a node makes its board: those of the pack in force, of the one before and of the one to come. */
export const ruleRoom = 65_536
/** Two cache lines: neighbours are fetched together. */
const shardWords = 32
const beatsWord = 1
const busyWord = 2
const partitionWord = 3
const lowWord = 4
const highWord = 5
/** The edition that the shard goes by. */
const editionWord = 6
const half = 2 ** 32
/** Offset of work that is about no event. */
const noEvent = half * 2 ** 20 - 1

/** What a shard says of itself. */
export type ShardWork = {
  readonly isBusy: boolean
  /** Changes with everything it takes up. */
  readonly beats: number
  readonly partition: number
  /** Offset of the event at hand; null: it is no event. */
  readonly offset: number | null
  /** Number of the rule that is being asked; 0: none is. */
  readonly rule: number
}

export class RuleBoard {
  readonly #words: Int32Array
  readonly #shardsAt: number

  /** @param buffer made by `make` */
  constructor(buffer: SharedArrayBuffer) {
    this.#words = new Int32Array(buffer)
    this.#shardsAt = shardsAt(this.#words[roomWord]!)
  }

  static make(rules: number, shards: number): SharedArrayBuffer {
    const buffer = new SharedArrayBuffer((shardsAt(rules) + shards * shardWords) * Int32Array.BYTES_PER_ELEMENT)
    new Int32Array(buffer)[roomWord] = rules
    return buffer
  }

  /** Changes whenever the quarantine or the poisoned events do. */
  get edition(): number {
    return Atomics.load(this.#words, 0)
  }

  threw(rule: number): void {
    Atomics.add(this.#words, thrownWord, 1)
    Atomics.add(this.#words, rulesAt + (rule - 1) * ruleWords, 1)
  }

  /** The number is another rule's now. */
  reset(rule: number): void {
    Atomics.store(this.#words, rulesAt + (rule - 1) * ruleWords, 0)
    if (this.isQuarantined(rule)) this.quarantine(rule, false)
  }

  /** Of all rules together. */
  get thrown(): number {
    return Atomics.load(this.#words, thrownWord)
  }

  throws(rule: number): number {
    return Atomics.load(this.#words, rulesAt + (rule - 1) * ruleWords)
  }

  isQuarantined(rule: number): boolean {
    return Atomics.load(this.#words, rulesAt + (rule - 1) * ruleWords + 1) === 1
  }

  quarantine(rule: number, isOut: boolean): void {
    Atomics.store(this.#words, rulesAt + (rule - 1) * ruleWords + 1, isOut ? 1 : 0)
    this.#changed()
  }

  /** Has an event become a dead letter instead of being stepped. */
  poison(partition: number, offset: number): void {
    const at = poisonAt + (Atomics.add(this.#words, 1, 1) % poisonMax) * poisonWords
    Atomics.store(this.#words, at, partition)
    Atomics.store(this.#words, at + 1, (offset % half) | 0)
    Atomics.store(this.#words, at + 2, Math.floor(offset / half))
    this.#changed()
  }

  /** Offsets of the poisoned events of a partition. */
  poisoned(partition: number): ReadonlySet<number> {
    const found = new Set<number>()
    const count = Math.min(Atomics.load(this.#words, 1), poisonMax)
    for (let i = 0; i < count; i++) {
      const at = poisonAt + i * poisonWords
      const offset = offsetOf(Atomics.load(this.#words, at + 1), Atomics.load(this.#words, at + 2))
      if (Atomics.load(this.#words, at) === partition && offset !== null) found.add(offset)
    }
    return found
  }

  /** Has shards go without sources, by `sourceKey`. @throws RangeError when there are more than `revokedMax` */
  revoke(sources: readonly number[]): void {
    writeRevoked(this.#words, revokedAt, sources)
    this.#changed()
  }

  /** The sources that are revoked. */
  revoked(): ReadonlySet<number> {
    return readRevoked(this.#words, revokedAt)
  }

  /** Whether a shard goes by the board as it is, or does nothing: then it looks before it does. */
  isTold(shard: number): boolean {
    const at = this.#shardsAt + shard * shardWords
    return (
      Atomics.load(this.#words, at + busyWord) === 0 || Atomics.load(this.#words, at + editionWord) === this.edition
    )
  }

  /** What a shard is working on. */
  work(shard: number): ShardWork {
    const at = this.#shardsAt + shard * shardWords
    return {
      isBusy: Atomics.load(this.#words, at + busyWord) === 1,
      beats: Atomics.load(this.#words, at + beatsWord),
      partition: Atomics.load(this.#words, at + partitionWord),
      offset: offsetOf(Atomics.load(this.#words, at + lowWord), Atomics.load(this.#words, at + highWord)),
      rule: Atomics.load(this.#words, at),
    }
  }

  /** A thread died: what it was working on is over. */
  clear(shard: number): void {
    Atomics.store(this.#words, this.#shardsAt + shard * shardWords + busyWord, 0)
    Atomics.store(this.#words, this.#shardsAt + shard * shardWords, 0)
  }

  /** For a shard to say what it works on. */
  markOf(shard: number): WorkMark {
    const at = this.#shardsAt + shard * shardWords
    return new WorkMark(this.#words.subarray(at, at + shardWords))
  }

  #changed(): void {
    Atomics.add(this.#words, 0, 1)
  }
}

/** Where a shard says what it works on: a store or two for each input. */
export class WorkMark {
  /** Where the guards of rules say which one is being asked. */
  readonly asked: Int32Array
  #beats = 0
  #counts = true

  /** Forgets what a thread before this one was working on. */
  constructor(words: Int32Array) {
    this.asked = words.fill(0)
  }

  /** One that nobody watches. */
  static alone(): WorkMark {
    return new WorkMark(new Int32Array(shardWords))
  }

  /** From now on the shard goes by an edition of the board. */
  goesBy(edition: number): void {
    Atomics.store(this.asked, editionWord, edition)
  }

  /** Whether what rules throw at the work at hand is counted. */
  get counts(): boolean {
    return this.#counts
  }

  /** Offset of the event at hand; null: it is no event. */
  get offset(): number | null {
    return offsetOf(this.asked[lowWord]!, this.asked[highWord]!)
  }

  /** Work on a partition begins that is done without a pause. `counts`: whether what its rules throw is counted. */
  begin(partition: number, counts = true): void {
    this.#counts = counts
    this.asked[partitionWord] = partition
    this.other()
    this.asked[busyWord] = 1
  }

  /** Takes up an event. */
  event(offset: number): void {
    this.asked[lowWord] = (offset % half) | 0
    this.asked[highWord] = Math.floor(offset / half)
    this.#beat()
  }

  /** Takes up something else. */
  other(): void {
    this.event(noEvent)
  }

  end(): void {
    this.asked[busyWord] = 0
    this.asked[0] = 0
  }

  #beat(): void {
    this.#beats = (this.#beats + 1) | 0
    this.asked[beatsWord] = this.#beats
  }
}

function offsetOf(low: number, high: number): number | null {
  const offset = high * half + (low >>> 0)
  return offset === noEvent ? null : offset
}

function shardsAt(rules: number): number {
  return Math.ceil((rulesAt + rules * ruleWords) / shardWords) * shardWords
}
