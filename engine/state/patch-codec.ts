import { ORIGINS_SINCE, openSealed, SKEW_MS } from './base-codec.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import type { Directory } from './directory.ts'
import { StateError } from './heap.ts'
import type { Mutations } from './mutations.ts'
import { ALLOWED, ANY_TYPE, BEFORE, REVOKED } from './origins.ts'
import type { PatchLog } from './patch-log.ts'
import type { RecordShape } from './record.ts'
import { readContactFields, readHeldFields, readOffers, writeContact, writeHeld } from './section-codec.ts'
import type { SeriesRules } from './series-rules.ts'
import type { Contact, Held } from './states.ts'

/** Operations of a patch; numbers are part of the stored format. */
const NAME_ATTRIBUTE = 1
const NAME_SERIES = 2
const REMEMBER = 3
const SET_ATTRIBUTE = 4
const ADD_ENTRY = 5
const ADD_VALUED_ENTRY = 6
const SUPPRESS = 7
const LIFT = 8
const ADD_CONTACT = 9
const REMOVE_CONTACT = 10
const ANSWER = 11
const ADOPT = 12
const SETTLE = 13
const CONFIRM_CONTACT = 14
const ANSWER_CONTACT = 15
const HOLD = 16
const LET_GO = 17
const RECALL_CONTACT = 18
const FEED = 19
const RENEW_ORIGIN = 20
const MARK_ORIGIN = 21
/** Above the longest operation without its offers. */
const OPERATION_BYTES = 64

/** What a request was answered. */
export type Answer = {
  readonly idHigh: number
  readonly idLow: number
  readonly at: number
  readonly offers: readonly number[]
}

/**
 * Writes operations of records into the log of a batch. Instants are differences to `reference`, which the patch's head
 * holds; keys are named once and then go by number.
 */
export class PatchWriter {
  readonly #directory: Directory
  readonly #shape: RecordShape
  readonly #rules: readonly SeriesRules[]

  constructor(directory: Directory, shape: RecordShape, rules: readonly SeriesRules[]) {
    this.#directory = directory
    this.#shape = shape
    this.#rules = rules
  }

  remember(log: PatchLog, idHigh: number, idLow: number, acceptedAt: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(REMEMBER)
    to.u32(idHigh)
    to.u32(idLow)
    to.zigzag(acceptedAt - log.reference)
  }

  setAttribute(log: PatchLog, r: number, attribute: number, value: number, at: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    const number = this.#number(to, r, attribute)
    to.u8(SET_ATTRIBUTE)
    to.varint(number)
    to.zigzag(at - log.reference)
    to.numberOrNothing(Math.abs(value) === Number.POSITIVE_INFINITY ? Number.NaN : value + 0)
  }

  addEntry(log: PatchLog, r: number, series: number, at: number, value: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    const number = this.#number(to, r, this.#shape.attributes + series)
    const { valued } = this.#rules[series]!
    to.u8(valued ? ADD_VALUED_ENTRY : ADD_ENTRY)
    to.varint(number)
    to.zigzag(at - log.reference)
    if (valued) to.number(value + 0)
  }

  suppress(log: PatchLog, key: number, at: number, until: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(SUPPRESS)
    to.u32(key)
    to.zigzag(at - log.reference)
    to.zigzag(until - at)
  }

  lift(log: PatchLog, key: number, at: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(LIFT)
    to.u32(key)
    to.zigzag(at - log.reference)
  }

  feed(log: PatchLog, origin: number, type: number, at: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(FEED)
    to.u32(origin)
    to.u32(type)
    to.zigzag(at - log.reference)
  }

  renewOrigin(log: PatchLog, position: number, at: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(RENEW_ORIGIN)
    to.u8(position)
    to.zigzag(at - log.reference)
  }

  markOrigin(log: PatchLog, origin: number, mark: number, at: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(MARK_ORIGIN)
    to.u32(origin)
    to.u8(mark)
    to.zigzag(at - log.reference)
  }

  addContact(log: PatchLog, contact: Contact): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(ADD_CONTACT)
    to.zigzag(contact.at - log.reference)
    writeContact(contact, to)
  }

  removeContact(log: PatchLog, decision: number): void {
    this.#ofDecision(log, REMOVE_CONTACT, decision)
  }

  confirmContact(log: PatchLog, decision: number): void {
    this.#ofDecision(log, CONFIRM_CONTACT, decision)
  }

  answerContact(log: PatchLog, decision: number): void {
    this.#ofDecision(log, ANSWER_CONTACT, decision)
  }

  recallContact(log: PatchLog, prefix: number): void {
    this.#ofDecision(log, RECALL_CONTACT, prefix)
  }

  hold(log: PatchLog, held: Held): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(HOLD)
    to.zigzag(held.at - log.reference)
    writeHeld(held, to)
  }

  letGo(log: PatchLog, trigger: number, placement: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(LET_GO)
    to.u32(trigger)
    to.u32(placement)
  }

  answer(log: PatchLog, answer: Answer): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES + answer.offers.length * 4)
    to.u8(ANSWER)
    to.u32(answer.idHigh)
    to.u32(answer.idLow)
    to.zigzag(answer.at - log.reference)
    to.varint(answer.offers.length)
    for (const offer of answer.offers) to.u32(offer)
  }

  adopt(log: PatchLog, decision: number): void {
    this.#ofDecision(log, ADOPT, decision)
  }

  settle(log: PatchLog, decision: number): void {
    this.#ofDecision(log, SETTLE, decision)
  }

  #ofDecision(log: PatchLog, operation: number, decision: number): void {
    const to = log.writer
    to.reserve(OPERATION_BYTES)
    to.u8(operation)
    to.key(decision)
  }

  /** Number of a target; names it first when the stored customer does not know it. */
  #number(to: ByteWriter, r: number, target: number): number {
    const known = this.#directory.numberOf(r, target)
    if (known !== 0xffff) return known
    to.u8(target < this.#shape.attributes ? NAME_ATTRIBUTE : NAME_SERIES)
    to.key(this.#directory.keys[target]!)
    return this.#directory.name(r, target)
  }
}

const contact: { -readonly [K in keyof Contact]: Contact[K] } = {
  at: 0,
  channel: 0,
  category: 0,
  offer: 0,
  class: 0,
  decision: 0,
  until: 0,
  answered: false,
  recalled: false,
}

/** Applies patches to records by the same mutations that made them. */
export class Replayer {
  readonly #mutations: Mutations
  readonly #directory: Directory
  readonly #shape: RecordShape
  readonly #rules: readonly SeriesRules[]
  /** Layout version of the patch that is replayed. */
  #version = 0

  constructor(mutations: Mutations, directory: Directory, shape: RecordShape, rules: readonly SeriesRules[]) {
    this.#mutations = mutations
    this.#directory = directory
    this.#shape = shape
    this.#rules = rules
  }

  /**
   * Replays one patch.
   * @param targets target of each directory number, continued by what the patch names
   * @throws StateError `state_corrupt`
   */
  replay(r: number, bytes: Uint8Array, reader: ByteReader, targets: number[]): void {
    openSealed(bytes, reader)
    this.#version = bytes[0]!
    const reference = reader.instant()
    while (!reader.done) this.#operation(r, reader.u8(), reference, reader, targets)
  }

  #operation(r: number, code: number, reference: number, reader: ByteReader, targets: number[]): void {
    switch (code) {
      case NAME_ATTRIBUTE:
        this.#name(r, this.#directory.attribute(reader.key()), targets)
        return
      case NAME_SERIES:
        this.#name(r, this.#directory.series(reader.key()), targets)
        return
      case SET_ATTRIBUTE: {
        const target = targetOf(reader, targets)
        const at = instant(reference, reader)
        const value = reader.numberOrNothing()
        if (target !== -1 && target < this.#shape.attributes) this.#mutations.setAttribute(r, target, value, at)
        return
      }
      case ADD_ENTRY:
      case ADD_VALUED_ENTRY: {
        const series = targetOf(reader, targets) - this.#shape.attributes
        const at = instant(reference, reader)
        const value = code === ADD_VALUED_ENTRY ? reader.number() : 0
        if (series < 0 || (this.#rules[series]!.valued && code === ADD_ENTRY)) return
        this.#mutations.addEntry(r, series, at, value)
        return
      }
      default:
        this.#sectionOperation(r, code, reference, reader)
        return
    }
  }

  #sectionOperation(r: number, code: number, reference: number, reader: ByteReader): void {
    const mutations = this.#mutations
    switch (code) {
      case REMEMBER: {
        const high = reader.u32()
        const low = reader.u32()
        const at = instant(reference, reader)
        mutations.remember(r, high, low, at)
        if (this.#version < ORIGINS_SINCE) mutations.feed(r, BEFORE, ANY_TYPE, at + SKEW_MS)
        return
      }
      case SUPPRESS: {
        const key = reader.u32()
        const at = instant(reference, reader)
        mutations.suppress(r, key, at, instant(at, reader))
        return
      }
      case LIFT: {
        const key = reader.u32()
        mutations.lift(r, key, instant(reference, reader))
        return
      }
      case FEED: {
        const origin = reader.u32()
        const type = reader.u32()
        mutations.feed(r, origin, type, instant(reference, reader))
        return
      }
      case RENEW_ORIGIN: {
        const position = reader.u8()
        mutations.renewOrigin(r, position, instant(reference, reader))
        return
      }
      case MARK_ORIGIN: {
        const origin = reader.u32()
        const mark = reader.u8() === REVOKED ? REVOKED : ALLOWED
        mutations.markOrigin(r, origin, mark, instant(reference, reader))
        return
      }
      case ADD_CONTACT:
        contact.at = instant(reference, reader)
        readContactFields(contact, reader, this.#version)
        mutations.addContact(r, contact)
        return
      case REMOVE_CONTACT:
        mutations.removeContact(r, reader.key())
        return
      case CONFIRM_CONTACT:
        mutations.confirmContact(r, reader.key())
        return
      case ANSWER_CONTACT:
        mutations.answerContact(r, reader.key())
        return
      case RECALL_CONTACT:
        mutations.recallContact(r, reader.key())
        return
      case HOLD: {
        const at = instant(reference, reader)
        mutations.hold(r, readHeldFields(at, reader))
        return
      }
      case LET_GO: {
        const trigger = reader.u32()
        mutations.letGo(r, trigger, reader.u32())
        return
      }
      case ANSWER: {
        const high = reader.u32()
        const low = reader.u32()
        const at = instant(reference, reader)
        mutations.rememberAnswer(r, high, low, at, readOffers(reader))
        return
      }
      case ADOPT:
        mutations.adopt(r, reader.key())
        return
      case SETTLE:
        mutations.settle(r, reader.key())
        return
      default:
        throw new StateError('state_corrupt', 'a patch has an unknown operation')
    }
  }

  #name(r: number, target: number, targets: number[]): void {
    targets[this.#directory.name(r, target)] = target
  }
}

function targetOf(reader: ByteReader, targets: readonly number[]): number {
  const target = targets[reader.varint()]
  if (target === undefined) throw new StateError('state_corrupt', 'a patch names a key that was not defined')
  return target
}

function instant(reference: number, reader: ByteReader): number {
  const at = reference + reader.zigzag()
  if (at < 0 || at >= 2 ** 48) throw new StateError('state_corrupt', 'a stored instant is out of range')
  return at
}
