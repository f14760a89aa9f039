/** Latencies of one run, event by event and from the scheduled instant, in flat memory. */
const queueLength = 2 ** 17

/** Events that were received and not released, of one partition: a ring. */
class Waiting {
  readonly scheduled = new Float64Array(queueLength)
  readonly received = new Float64Array(queueLength)
  readonly appended = new Float64Array(queueLength)
  head = 0
  tail = 0
}

/** One event of a run, milliseconds; instants are those of the shared clock. */
export type Sample = {
  readonly scheduledAt: number
  readonly total: number
  /** Schedule to main: the generator's lateness, the socket, the main thread. */
  readonly arrival: number
  /** Main to durable in the log; 0 when there is no log. */
  readonly append: number
  /** The rest: from there to the release. */
  readonly shard: number
}

export type Stage = 'total' | 'arrival' | 'append' | 'shard'

export class Recorder {
  readonly #partitions: readonly Waiting[]
  readonly #scheduled: Float64Array
  readonly #stages: Readonly<Record<Stage, Float32Array>>
  #count = 0
  #received = 0

  /** @param events most that are recorded */
  constructor(partitions: number, events: number) {
    this.#partitions = Array.from({ length: partitions }, () => new Waiting())
    this.#scheduled = new Float64Array(events)
    const stage = (): Float32Array => new Float32Array(events)
    this.#stages = { total: stage(), arrival: stage(), append: stage(), shard: stage() }
  }

  get count(): number {
    return this.#count
  }

  /** Forgets what was recorded, so that the same memory serves the next run. Nothing may be under way. */
  reset(): void {
    this.#count = 0
    this.#received = 0
  }

  /** Events that are under way. */
  get waiting(): number {
    return this.#received - this.#count
  }

  /** An event came in. Returns its number within its partition. */
  received(partition: number, scheduledAt: number, at: number): number {
    const queue = this.#queue(partition)
    if (queue.tail - queue.head >= queueLength) throw new Error('more events wait than a run can hold')
    const i = queue.tail % queueLength
    queue.scheduled[i] = scheduledAt
    queue.received[i] = at
    queue.appended[i] = at
    this.#received++
    return queue.tail++
  }

  /** Events `from` up to and without `to` of a partition are durable in the log. */
  appended(partition: number, from: number, to: number, at: number): void {
    const queue = this.#queue(partition)
    for (let n = from; n < to; n++) queue.appended[n % queueLength] = at
  }

  /** The oldest events of a partition have left. */
  released(partition: number, events: number, at: number): void {
    const queue = this.#queue(partition)
    const { total, arrival, append, shard } = this.#stages
    for (let k = 0; k < events && queue.head < queue.tail; k++, queue.head++) {
      const i = queue.head % queueLength
      const scheduled = queue.scheduled[i]!
      const n = this.#count++
      this.#scheduled[n] = scheduled
      total[n] = at - scheduled
      arrival[n] = queue.received[i]! - scheduled
      append[n] = queue.appended[i]! - queue.received[i]!
      shard[n] = at - queue.appended[i]!
    }
  }

  sample(n: number): Sample {
    const { total, arrival, append, shard } = this.#stages
    return {
      scheduledAt: this.#scheduled[n] ?? 0,
      total: total[n] ?? 0,
      arrival: arrival[n] ?? 0,
      append: append[n] ?? 0,
      shard: shard[n] ?? 0,
    }
  }

  /** Latencies of a stage in ascending order; the share of the run that warms it in (by order of release) is left out. */
  sorted(stage: Stage, from = 0, to = 1): Float32Array {
    return this.#stages[stage].slice(Math.floor(this.#count * from), Math.floor(this.#count * to)).sort()
  }

  #queue(partition: number): Waiting {
    const queue = this.#partitions[partition]
    if (queue === undefined) throw new RangeError('there is no such partition')
    return queue
  }
}

/** The value below which a share of the sorted values lies (nearest rank); NaN of none. */
export function quantile(sorted: Float32Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
