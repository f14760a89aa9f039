/** The control log as a node follows it: every record folded in its order, and the way to add one. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log, LogRecord } from '../../ingest/log.ts'
import { type Audited, type Broken, hashOfRecord, link, sealedRecord } from './chain.ts'
import { type ControlMarks, lastMarked, type Markable, markableOf, markOf, newestMark } from './control-marks.ts'
import { type ControlAction, type ControlRecord, controlRecord } from './control-record.ts'
import { type ControlState, emptyControl } from './control-state.ts'
import type { Caller } from './roles.ts'
import type { Verdict } from './verdict.ts'

export type ControlOptions = {
  /** One partition, kept for ever. */
  readonly log: Log
  /** What records are sealed with. */
  readonly secret: Uint8Array
  readonly now: () => number
  /** How often to look for records of other nodes, milliseconds; null: nobody else writes to the log. */
  readonly lookEveryMs: number | null
  /** Told once when a record is found that is not what was written. */
  readonly onBroken: (broken: Broken) => void
  /** What the store remembers of the log; absent: nothing, so that an empty log is a new one. */
  readonly marks?: ControlMarks
}

/** The log cannot be followed: `control_broken` a record is not what was written, `control_busy` others wrote all the time. */
export class ControlError extends Error {
  readonly code: 'control_broken' | 'control_busy'
  constructor(code: ControlError['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** What a look at the whole log came to. */
export type Verified = { readonly records: number; readonly head: string; readonly broken: Broken | null }

export type Control = {
  /** As of the last record that was folded. */
  readonly state: ControlState
  /** Where the chain is broken; null: nowhere. */
  readonly broken: Broken | null
  /**
   * Adds a record and says what became of it, once it is folded behind everything before it. A refusal is kept too, but that of a key
   * that was revoked meanwhile: it is none any more.
   * @throws TypeError for what could not be read back, which is a bug of the caller; ControlError; and LogError when the log does not answer: whether it is recorded is not known then
   */
  submit(caller: Caller, why: string, what: ControlAction): Promise<Verdict>
  /** Folds what others wrote. @throws LogError */
  sync(): Promise<void>
  /** Calls back after each look at the log that changed the state. Returns how to stop. */
  onChange(listener: (state: ControlState) => void): () => void
  /** The last records with a number below `before`, newest first. Reads the log when they are not in memory. */
  audited(before: number, limit: number): Promise<readonly Audited[]>
  /** Reads the whole log again and looks at every link. @throws LogError */
  verify(): Promise<Verified>
  close(): Promise<void>
}

/** Most times that a record is written again because another node was faster. */
const attemptsMax = 10
/** A broker shows what it has acknowledged a moment later: so many looks, so far apart (ms). */
const looksMax = 100
const lookAgainMs = 20
/** Records that stay in memory for those who ask. */
const keptMax = 5_000
const pageLimit = { maxBytes: 1024 * 1024, maxRecords: 500 } as const

/** Reads the log to its end, holds it against what the store remembers of it, and follows it. @throws LogError, StoreError */
export async function openControl(options: ControlOptions): Promise<Control> {
  const control = new FollowedControl(options)
  await control.sync()
  await control.remember()
  control.follow()
  return control
}

/** A record that no node could read would close governance for ever: it is not written. Values stay out of the message. */
function refuseUnreadable(record: ControlRecord): void {
  const { success, error } = controlRecord.safeParse(record)
  if (success) return
  const fields = error.issues.map(({ path }) => path.join('.')).join(', ')
  throw new TypeError(`a record of the control log that is none: ${fields}`)
}

/** A walk along the log that remembers where it is. */
class Walk {
  state: ControlState = emptyControl
  broken: Broken | null = null
  next = 0
  readonly #hashes: string[] = []
  readonly #secret: Uint8Array

  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** The record with its verdict; null when it does not count or the chain is broken. */
  take(found: LogRecord): Audited | null {
    const linked = link(this.state, this.#hashes, found, this.#secret)
    if (linked.kind === 'broken') {
      this.broken = linked.broken
      return null
    }
    this.next = found.offset + 1
    if (linked.kind === 'overtaken') return null
    this.state = linked.state
    this.#hashes.push(linked.audited.hash)
    return linked.audited
  }
}

class FollowedControl implements Control {
  readonly #options: ControlOptions
  readonly #walk: Walk
  readonly #listeners = new Set<(state: ControlState) => void>()
  readonly #kept: Audited[] = []
  #looking: Promise<void> = Promise.resolve()
  /** What the store is not told yet, in the order of the records; null: nothing is to be told before `remember`. */
  #unmarked: Markable[] = []
  #marking: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  #closed = false

  constructor(options: ControlOptions) {
    this.#options = options
    this.#walk = new Walk(options.secret)
  }

  get state(): ControlState {
    return this.#walk.state
  }

  get broken(): Broken | null {
    return this.#walk.broken
  }

  /** One look at a time; each begins behind the one before it, so that it sees whatever was there when it was asked for. */
  sync(): Promise<void> {
    const looked = this.#looking.then(() => this.#look())
    this.#looking = looked.catch(() => undefined)
    return looked
  }

  async submit(caller: Caller, why: string, what: ControlAction): Promise<Verdict> {
    const { log, secret, now } = this.#options
    await this.sync()
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      this.#refuseBroken()
      const { number, head, keys } = this.state
      // Another node may have revoked it a moment ago; a record of it in between is overtaken, and looked at again.
      if (caller.digest !== undefined && !keys.has(caller.digest))
        return { kind: 'refused', code: 'key_revoked', message: 'The key was revoked.' }
      const record: ControlRecord = {
        control: 1,
        number: number + 1,
        prev: head,
        at: Math.floor(now()),
        who: caller.name,
        roles: caller.roles,
        isOwner: caller.isOwner,
        why,
        what,
      }
      refuseUnreadable(record)
      const sealed = sealedRecord(record, secret)
      await log.append(0, [sealed])
      const folded = await this.#untilFolded(number + 1)
      if (folded.hash === hashOfRecord(sealed.value)) return folded.verdict
    }
    throw new ControlError('control_busy', 'Others change the installation all the time. Try again.')
  }

  onChange(listener: (state: ControlState) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async audited(before: number, limit: number): Promise<readonly Audited[]> {
    const oldest = this.#kept[0]?.record.number ?? 1
    const from = Math.max(1, Math.min(before, this.state.number + 1) - limit)
    const known = from >= oldest ? this.#kept : await this.#reread(from, before)
    return known.filter(({ record }) => record.number >= from && record.number < before).reverse()
  }

  async verify(): Promise<Verified> {
    const walk = new Walk(this.#options.secret)
    await this.#readAll(walk, () => undefined)
    return { records: walk.state.number, head: walk.state.head, broken: walk.broken }
  }

  /**
   * Holds the log against the marks: one that was emptied or cut off is broken, and what was revoked then stays revoked. From then on
   * each record is marked.
   */
  async remember(): Promise<void> {
    const { marks, onBroken } = this.#options
    if (marks === undefined) return
    const cut = await this.#cutOff(marks)
    if (cut !== null && this.#walk.broken === null) {
      this.#walk.broken = { offset: this.#walk.next, ...cut }
      onBroken(this.#walk.broken)
    }
    if (this.#walk.broken === null) {
      const marked = await lastMarked(marks, this.state.number)
      this.#unmarked = this.#unmarked.filter(({ number }) => number > marked)
      this.#marking = Promise.resolve()
      return this.#mark()
    }
    const newest = await newestMark(marks, this.state.number)
    const revokedSources = new Map([...this.state.revokedSources, ...(newest?.revoked ?? [])])
    this.#walk.state = { ...this.state, revokedSources }
  }

  /** Where the log is not the one that the store remembers; null: nowhere. */
  async #cutOff(marks: ControlMarks): Promise<Pick<Broken, 'number' | 'why'> | null> {
    for (;;) {
      const { number, head } = this.state
      const own = number === 0 ? null : await marks.read(number)
      if (own !== null && own.head !== head) return { number, why: 'the store remembers another record there' }
      if ((await marks.read(number + 1)) === null) return null
      // Another node may have written it since the log was read.
      await this.sync()
      if (this.broken !== null) return null
      if (this.state.number === number)
        return {
          number: number + 1,
          why: 'the store remembers it: the log was emptied, or cut off behind the record before',
        }
    }
  }

  /** Tells the store, which may be away: then the next look does. */
  #mark(): Promise<void> {
    const { marks } = this.#options
    if (marks === undefined || this.#marking === null) return Promise.resolve()
    this.#marking = this.#marking.then(async () => {
      for (let next = this.#unmarked[0]; next !== undefined; next = this.#unmarked[0]) {
        const isTold = await marks.write(next.number, markOf(next)).then(
          () => true,
          () => false,
        )
        if (!isTold) return
        this.#unmarked.shift()
      }
    })
    return this.#marking
  }

  /** Begins to look for what others write. */
  follow(): void {
    const { lookEveryMs } = this.#options
    if (lookEveryMs === null) return
    const again = () => {
      if (this.#closed) return
      this.#timer = setTimeout(() => {
        // The log does not answer: the next look may.
        this.sync()
          .catch(() => undefined)
          .then(again)
      }, lookEveryMs)
      this.#timer.unref()
    }
    again()
  }

  async close(): Promise<void> {
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#looking
    await this.#marking
  }

  async #look(): Promise<void> {
    if (this.#walk.broken !== null || this.#closed) return
    const before = this.state
    await this.#readAll(this.#walk, (audited) => {
      this.#kept.push(audited)
      if (this.#kept.length > keptMax) this.#kept.shift()
      if (this.#options.marks !== undefined) this.#unmarked.push(markableOf(this.state))
    })
    if (this.#walk.broken !== null) this.#options.onBroken(this.#walk.broken)
    if (this.state !== before) for (const listener of this.#listeners) listener(this.state)
    void this.#mark()
  }

  async #readAll(walk: Walk, onRecord: (audited: Audited) => void): Promise<void> {
    const { log } = this.#options
    const { start, end } = await log.bounds(0)
    if (walk.next < start) {
      walk.broken = { offset: start, number: walk.state.number + 1, why: 'records before it were dropped from the log' }
      return
    }
    while (walk.next < end) {
      const records = await log.read(0, walk.next, pageLimit)
      if (records.length === 0) return
      for (const found of records) {
        const audited = walk.take(found)
        if (walk.broken !== null) return
        if (audited !== null) onRecord(audited)
      }
    }
  }

  async #reread(from: number, before: number): Promise<readonly Audited[]> {
    const found: Audited[] = []
    await this.#readAll(new Walk(this.#options.secret), (audited) => {
      if (audited.record.number >= from && audited.record.number < before) found.push(audited)
    })
    return found
  }

  /** The record with a number, whoever wrote it. It is in the log: whoever appended waits for it. */
  async #untilFolded(number: number): Promise<Audited> {
    for (let look = 0; look < looksMax; look++) {
      await this.sync()
      this.#refuseBroken()
      const folded = this.#kept.findLast(({ record }) => record.number === number)
      if (folded !== undefined) return folded
      await sleep(lookAgainMs)
    }
    throw new ControlError('control_busy', 'It was written, and the log does not show it yet: see `proffer audit`.')
  }

  #refuseBroken(): void {
    const { broken } = this
    if (broken !== null)
      throw new ControlError(
        'control_broken',
        `The control log is broken at record ${broken.number} (offset ${broken.offset}): ${broken.why}.`,
      )
  }
}
