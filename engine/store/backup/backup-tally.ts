import { z } from 'zod'
import { type BackupRecord, type RecordKind, textOf } from './backup-record.ts'

/** Where a partition of a backup stands, and how much there is of it. */
export type BackedPartition = {
  readonly partition: number
  readonly seq: number
  /** Next offset of the events log, and the append time of the record before it; 0: none. */
  readonly next: number
  readonly appendTime: number
  /** The decisions log is read back from here. */
  readonly dpos: number
  /** States as they were written; one that changed meanwhile was written again. */
  readonly states: number
  readonly gone: number
  readonly outbox: number
  readonly tombstones: number
  /** Entries of the due index as they were written; one that changed meanwhile was written again. */
  readonly due: number
}

const whole = z.number().int().nonnegative()

/** What a backup has to know of a header; the rest of it passes through. */
const Header = z.looseObject({ seq: whole, next: whole, appendTime: z.number(), dpos: whole, pack: z.string() })

type Counts = { states: number; gone: number; outbox: number; tombstones: number; due: number }

/** What is counted of a partition, and where. */
const countedAs = {
  state: 'states',
  gone: 'gone',
  outbox: 'outbox',
  tombstone: 'tombstones',
  due: 'due',
} as const satisfies Partial<Record<RecordKind, keyof Counts>>

/** How far a backup or a restore is: states, and bytes of all that was read, before they are packed. */
export type BackupProgress = { readonly states: number; readonly bytes: number }

/** Counts records as they are written, or read again, and remembers where each partition stands. */
export class BackupTally implements BackupProgress {
  readonly #counts = new Map<number, Counts>()
  readonly #headers = new Map<number, z.infer<typeof Header>>()
  #states = 0
  #bytes = 0
  #cluster: string | null = null
  #fault: string | null = null

  get states(): number {
    return this.#states
  }

  get bytes(): number {
    return this.#bytes
  }

  /** The installation's record, JSON; null: not come by yet. */
  get cluster(): string | null {
    return this.#cluster
  }

  /** What is wrong with the records, in a sentence: one stands where it may not; null: nothing. */
  get fault(): string | null {
    return this.#fault
  }

  add(records: readonly BackupRecord[]): void {
    for (const record of records) {
      this.#add(record)
      this.#bytes += record.value.length
      if (record.kind === 'state') this.#states++
    }
  }

  /** Ascending. */
  partitions(): readonly BackedPartition[] {
    return [...this.#headers]
      .sort(([a], [b]) => a - b)
      .map(([partition, { seq, next, appendTime, dpos }]) => ({
        partition,
        seq,
        next,
        appendTime,
        dpos,
        ...(this.#counts.get(partition) ?? none()),
      }))
  }

  #add(record: BackupRecord): void {
    const { kind, partition } = record
    if (kind === 'cluster') this.#cluster = textOf(record)
    else if (kind === 'header') this.#addHeader(record)
    else if (isCounted(kind)) {
      const counts = this.#counts.get(partition) ?? none()
      this.#counts.set(partition, counts)
      counts[countedAs[kind]]++
      if (this.#headers.has(partition)) this.#fault ??= 'a record stands behind the header of its partition'
    }
  }

  #addHeader(record: BackupRecord): void {
    const header = Header.safeParse(jsonOf(textOf(record)))
    if (!header.success) this.#fault ??= 'a header is not one'
    else if (this.#headers.has(record.partition)) this.#fault ??= 'a partition has two headers'
    else this.#headers.set(record.partition, header.data)
  }
}

function none(): Counts {
  return { states: 0, gone: 0, outbox: 0, tombstones: 0, due: 0 }
}

function isCounted(kind: RecordKind): kind is keyof typeof countedAs {
  return Object.hasOwn(countedAs, kind)
}

/** A value from JSON; null when it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
