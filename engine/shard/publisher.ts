/**
 * Lets out what was committed, for one partition and in the order of its commits: decision records to the decisions log,
 * refused events to the dead letters, then what the commits were made from to the batches log, and settles what they said of
 * reserved units. A record of the batches log leaves behind the decisions of its commit, so that whoever has read it can have them. At
 * least once: after a crash the values above `published` go out again, with the same ids and bytes.
 */
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import type { Log, NewRecord } from '../../ingest/log.ts'
import { decisionIdOf } from '../../sinks/decision-codec.ts'
import type { Timing } from '../clock.ts'
import type { Meta } from '../store/store.ts'
import type { Failpoint } from './failpoint.ts'
import { decodeOutbox, type Outbox, type OutboxDeadLetter } from './outbox.ts'
import { backOffMs, longerPause } from './partition-options.ts'
import type { Settler } from './settler.ts'
import type { Tenure } from './standstill.ts'

export type PublisherOptions = {
  readonly partition: number
  readonly decisions: Pick<Log, 'append'>
  readonly batches: Pick<Log, 'append'>
  readonly deadLetters: Pick<DeadLetters, 'put'>
  readonly settler: Pick<Settler, 'settle'>
  readonly timing: Timing
  readonly failpoint: Failpoint
}

const appendRecordsMax = 2_048
const appendBytesMax = 1_048_576
/** `isOut`: its decisions and dead letters are out. `isTold`: so is what it was made from. */
type Waiting = { readonly seq: number; readonly value: Uint8Array; isOut: boolean; isTold: boolean }

/** The publisher of one partition. */
export class Publisher {
  /** Called when `published` moved. */
  onPublished: () => void = () => {}
  readonly #options: PublisherOptions
  #queue: Waiting[] = []
  #bytes = 0
  #published = 0
  #dpos = 0
  #last = 0
  #tenure: Tenure | null = null
  #running = false
  #stopped = false
  #underWay: Promise<void> = Promise.resolve()

  constructor(options: PublisherOptions) {
    this.#options = options
  }

  /** Highest seq up to which everything is out. */
  get published(): number {
    return this.#published
  }

  /** Offset of the decisions log behind the last record that is out: no record above `published` lies below it. */
  get dpos(): number {
    return this.#dpos
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
    this.#queue.push({ seq, value, isOut: false, isTold: false })
    this.#bytes += value.length
    if (this.#running || this.#stopped) return
    this.#running = true
    this.#underWay = this.#publishAll()
  }

  /** Starts behind a commit, after the partition was taken: everything up to it is out. It ends with the tenure. */
  restart({ published, dpos }: Pick<Meta, 'published' | 'dpos'>, tenure: Tenure): void {
    this.#tenure = tenure
    if (published > this.#last) this.#last = published
    this.#dpos = Math.max(this.#dpos, dpos)
    if (this.#queue.length === 0) this.#moved()
  }

  /** Resolves when nothing waits. */
  async idle(): Promise<void> {
    await this.#underWay
  }

  /** Stops trying again; what waits stays in the store. Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#stopped = true
    await this.#underWay
  }

  #moved(): void {
    this.#published = this.#queue[0] === undefined ? this.#last : this.#queue[0].seq - 1
    this.onPublished()
  }

  async #publishAll(): Promise<void> {
    let pauseMs: number = backOffMs.least
    let end: number | null = null
    while (this.#queue.length > 0 && this.#mayGoOn()) {
      const group = takeGroup(this.#queue)
      this.#options.failpoint('publishing')
      try {
        // What is out does not go out again only because it could not be settled.
        end = (await this.#publish(group.outboxes.filter((_, i) => this.#queue[i]?.isOut !== true))) ?? end
        for (const waiting of this.#queue.slice(0, group.outboxes.length)) waiting.isOut = true
        // It stood still in the middle: others may have gone on from a state without this commit and given its number again.
        if (this.#isUncertain()) break
        await this.#tell(group.outboxes.filter((_, i) => this.#queue[i]?.isTold !== true))
        for (const waiting of this.#queue.slice(0, group.outboxes.length)) waiting.isTold = true
        const settlements = group.outboxes.flatMap((outbox) => outbox.settlements)
        if (settlements.length > 0) await this.#options.settler.settle(settlements)
        if (end !== null) this.#dpos = end
        pauseMs = backOffMs.least
      } catch {
        // The log is full or away, or the resources are: the same values again, as long as the engine runs. The runner bounds the backlog.
        await this.#options.timing.sleep(pauseMs)
        pauseMs = longerPause(pauseMs)
        continue
      }
      this.#options.failpoint('published')
      this.#queue = this.#queue.slice(group.outboxes.length)
      this.#bytes -= group.bytes
      this.#moved()
    }
    this.#running = false
  }

  #mayGoOn(): boolean {
    return !this.#stopped && !this.#isUncertain()
  }

  #isUncertain(): boolean {
    return this.#tenure?.isCertain() === false
  }

  /** Where the decisions log ends behind these values; null when they hold no decision. */
  async #publish(outboxes: readonly Outbox[]): Promise<number | null> {
    const records: NewRecord[] = []
    const letters: Promise<void>[] = []
    for (const outbox of outboxes) {
      records.push(...recordsOf(outbox))
      for (const letter of outbox.deadLetters) letters.push(this.#keep(letter))
    }
    const kept = await Promise.allSettled(letters)
    for (const one of kept) if (one.status === 'rejected') throw one.reason
    let end: number | null = null
    for (let i = 0; i < records.length; i += appendRecordsMax) {
      const some = records.slice(i, i + appendRecordsMax)
      const { lastOffset } = await this.#options.decisions.append(this.#options.partition, some)
      end = lastOffset + 1
    }
    return end
  }

  /** What commits were made from, in one append. */
  async #tell(outboxes: readonly Outbox[]): Promise<void> {
    const records = outboxes.flatMap(({ seq, batch }) =>
      batch === null ? [] : [{ key: String(seq), value: batch, headers: { seq: String(seq) } }],
    )
    if (records.length > 0) await this.#options.batches.append(this.#options.partition, records)
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

/** The decisions of a commit as records: `seq` is the commit's number, `last` marks the last one of it. */
function recordsOf({ seq, decisions }: Outbox): NewRecord[] {
  return decisions.map(({ customerId, bytes }, i) => ({
    key: customerId,
    value: bytes,
    headers: { id: decisionIdOf(bytes), seq: String(seq), ...(i === decisions.length - 1 ? { last: '1' } : {}) },
  }))
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
