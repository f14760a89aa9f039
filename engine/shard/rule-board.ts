/**
 * What the shards of a node and the thread that watches them share, as plain memory: which rules are quarantined, how often each one
 * threw, which events are not to be taken any more, and what each shard is working on. It outlives the threads.
 *
 * 32-bit words: the edition, which changes with every quarantine; the number of poisoned events so far; throws of all rules; the
 * poisoned events (partition, low and high half of the offset), the oldest overwritten; throws and quarantine of each rule; then for
 * each shard a part of cache lines of its own. Each shard writes its own part with plain stores: whoever reads it looks for what stays the same.
 */
/** Events that are remembered as poison: the last so many, of all partitions. */
const poisonMax = 256
const thrownWord = 2
const poisonAt = 3
const poisonWords = 3
const rulesAt = poisonAt + poisonMax * poisonWords
const ruleWords = 2
/** Two cache lines: neighbours are fetched together. */
const shardWords = 32
const beatsWord = 1
const busyWord = 2
const partitionWord = 3
const lowWord = 4
const highWord = 5
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

  /**
   * @param buffer made by `make` for the same number of rules
   * @param rules how many rules the pack has
   */
  constructor(buffer: SharedArrayBuffer, rules: number) {
    this.#words = new Int32Array(buffer)
    this.#shardsAt = shardsAt(rules)
  }

  static make(rules: number, shards: number): SharedArrayBuffer {
    return new SharedArrayBuffer((shardsAt(rules) + shards * shardWords) * Int32Array.BYTES_PER_ELEMENT)
  }

  /** Changes whenever the quarantine or the poisoned events do. */
  get edition(): number {
    return Atomics.load(this.#words, 0)
  }

  threw(rule: number): void {
    Atomics.add(this.#words, thrownWord, 1)
    Atomics.add(this.#words, rulesAt + (rule - 1) * ruleWords, 1)
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
