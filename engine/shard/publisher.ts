/**
 * Lets out what was committed, for one partition and in the order of its commits: decision records to the decisions log,
 * refused events to the dead letters. At least once: after a crash the values above `published` go out again, with the same
 * ids and bytes.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Log, NewRecord } from '../../ingest/log.ts'
import type { Failpoint } from './failpoint.ts'
import { decodeOutbox, type Outbox, type OutboxDeadLetter } from './outbox.ts'

export type PublisherOptions = {
  readonly partition: number
  readonly decisions: Log
  readonly deadLetters: DeadLetters
  readonly failpoint: Failpoint
}

const appendRecordsMax = 2_048
const appendBytesMax = 1_048_576
const backOffMs = { least: 20, most: 2_000 } as const

type Waiting = { readonly seq: number; readonly value: Uint8Array }

/** The publisher of one partition. `onPublished` is called when `published` moved. */
export class Publisher {
  readonly #options: PublisherOptions
  readonly #onPublished: () => void
  #queue: Waiting[] = []
  #bytes = 0
  #published = 0
  #last = 0
  #running = false
  #stopped = false
  #underWay: Promise<void> = Promise.resolve()

  constructor(options: PublisherOptions, onPublished: () => void) {
    this.#options = options
    this.#onPublished = onPublished
  }

  /** Highest seq up to which everything is out. */
  get published(): number {
    return this.#published
  }

  /** Highest seq that was added. */
  get last(): number {
    return this.#last
  }

  /** Commits and bytes that wait. */
  get backlog(): { readonly commits: number; readonly bytes: number } {
    return { commits: this.#queue.length, bytes: this.#bytes }
  }

  /** Takes the value of the next commit; null when that commit lets nothing out. Seqs ascend. */
  add(seq: number, value: Uint8Array | null): void {
    this.#last = seq
    if (value === null) {
      if (this.#queue.length === 0) this.#moved()
      return
    }
    this.#queue.push({ seq, value })
    this.#bytes += value.length
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#underWay = this.#publishAll()
  }

  /** Starts behind a commit, after the partition was taken: everything up to it is out. */
  restart(published: number): void {
    if (published > this.#last) this.#last = published
    if (this.#queue.length === 0) this.#moved()
  }

  /** Stops trying again; what waits stays in the store. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#underWay
  }

  #moved(): void {
    this.#published = this.#queue[0] === undefined ? this.#last : this.#queue[0].seq - 1
    this.#onPublished()
  }

  async #publishAll(): Promise<void> {
    let pauseMs: number = backOffMs.least
    while (this.#queue.length > 0 && !this.#stopped) {
      const group = takeGroup(this.#queue)
      this.#options.failpoint('publishing')
      try {
        await this.#publish(group.outboxes)
        pauseMs = backOffMs.least
      } catch {
        // The log is full or away: the same values again, as long as the engine runs. The runner bounds the backlog.
        await sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, backOffMs.most)
        continue
      }
      this.#options.failpoint('published')
      this.#queue = this.#queue.slice(group.outboxes.length)
      this.#bytes -= group.bytes
      this.#moved()
    }
    this.#running = false
  }

  async #publish(outboxes: readonly Outbox[]): Promise<void> {
    const records: NewRecord[] = []
    const letters: Promise<void>[] = []
    for (const outbox of outboxes) {
      for (const { customerId, bytes } of outbox.decisions) records.push({ key: customerId, value: bytes })
      for (const letter of outbox.deadLetters) letters.push(this.#keep(letter))
    }
    const kept = await Promise.allSettled(letters)
    for (const one of kept) if (one.status === 'rejected') throw one.reason
    for (let i = 0; i < records.length; i += appendRecordsMax) {
      await this.#options.decisions.append(this.#options.partition, records.slice(i, i + appendRecordsMax))
    }
  }

  #keep(letter: OutboxDeadLetter): Promise<void> {
    const { partition, deadLetters } = this.#options
    const { offset, reason, field, via, bytes, appendTime } = letter
    return deadLetters.put({
      id: `p${partition}-${offset}`,
      reason,
      field,
      via,
      partition,
      offset,
      bytes,
      at: appendTime,
    })
  }
}

/** The first values that fit one append. */
function takeGroup(queue: readonly Waiting[]): { readonly outboxes: readonly Outbox[]; readonly bytes: number } {
  const outboxes: Outbox[] = []
  let bytes = 0
  let records = 0
  for (const { value } of queue) {
    const outbox = decodeOutbox(value)
    if (
      outboxes.length > 0 &&
      (bytes + value.length > appendBytesMax || records + outbox.decisions.length > appendRecordsMax)
    )
      break
    outboxes.push(outbox)
    bytes += value.length
    records += outbox.decisions.length
  }
  return { outboxes, bytes }
}
