/** Instants inside a contender: when records had been fetched, and when what they led to was handed to the producer. */

/** Everything of a partition below the offset `next` had been fetched at `at`; ascending. */
export type FetchMark = { readonly partition: number; readonly next: number; readonly at: number }

/** Records of an output topic, from the offset `first` on, were handed to the producer at `at`. */
export type HandMark = {
  readonly partition: number
  readonly first: number
  readonly count: number
  readonly at: number
}

/** A batch up to the offset `next` was committed at `at`. */
export type BatchMark = {
  readonly partition: number
  readonly events: number
  readonly next: number
  readonly at: number
}

/** What a contender answers to `take`: what it noted since the last time. */
export type Marks = {
  readonly kind: 'marks'
  readonly fetched: readonly FetchMark[]
  readonly handed: readonly HandMark[]
  readonly batches: readonly BatchMark[]
}

/** Notes in a contender's process and tells its parent when asked. */
export class MarkKeeper {
  #fetched: FetchMark[] = []
  #handed: HandMark[] = []
  #batches: BatchMark[] = []

  constructor() {
    process.on('message', (message) => {
      if (message !== 'take') return
      const marks: Marks = { kind: 'marks', fetched: this.#fetched, handed: this.#handed, batches: this.#batches }
      this.#fetched = []
      this.#handed = []
      this.#batches = []
      process.send?.(marks)
    })
  }

  fetched(mark: FetchMark): void {
    this.#fetched.push(mark)
  }

  handed(mark: HandMark): void {
    this.#handed.push(mark)
  }

  batch(mark: BatchMark): void {
    this.#batches.push(mark)
  }
}

/** Finds instants by partition and offset. */
export class MarkIndex {
  readonly #fetched = new Map<number, FetchMark[]>()
  readonly #handed = new Map<string, number>()

  constructor({ fetched, handed }: Marks) {
    for (const mark of fetched) {
      const of = this.#fetched.get(mark.partition) ?? []
      of.push(mark)
      this.#fetched.set(mark.partition, of)
    }
    for (const { partition, first, count, at } of handed) {
      for (let offset = first; offset < first + count; offset++) this.#handed.set(`${partition}-${offset}`, at)
    }
  }

  /** When the record had been fetched; NaN when it was not seen. */
  fetchedAt(partition: number, offset: number): number {
    const marks = this.#fetched.get(partition) ?? []
    let low = 0
    let high = marks.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((marks[middle]?.next ?? 0) > offset) high = middle
      else low = middle + 1
    }
    return marks[low]?.at ?? Number.NaN
  }

  /** When the record of the output topic was handed over; NaN when it was not seen. */
  handedAt(partition: number, offset: number): number {
    return this.#handed.get(`${partition}-${offset}`) ?? Number.NaN
  }
}
