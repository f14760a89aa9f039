import { ADOPTED_MAX, addAdopted, adoptedAt } from './adopted.ts'
import { ANSWER_OFFERS_MAX, ANSWERS_MAX, addAnswer } from './answers.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { addContactTo, CONTACTS_MAX, readContact } from './contacts.ts'
import type { Heap } from './heap.ts'
import { HIGH, StateError } from './heap.ts'
import { addHeld, HELD_MAX, heldAt } from './held.ts'
import { ORIGINS_MAX, putOrigin, readOrigin } from './origins.ts'
import { ADOPTED_N, ANSWERS, ANSWERS_N, CONTACTS_N, HELD_N, ORIGINS_N, RING_IDS, SUPPRESSIONS_N } from './record.ts'
import { acceptedOf, appendId, idOf, RING_MAX } from './ring.ts'
import type { Contact, Held } from './states.ts'
import { putSuppression, readSuppression, SUPPRESSIONS_MAX } from './suppressions.ts'

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
/** Beside the class of a contact. */
const ANSWERED = 0x80
const RECALLED = 0x40
const suppression = { key: 0, began: 0, until: 0, lifted: 0 }
const origin = { origin: 0, type: 0, at: 0.5 }

/** Appends event ids, contacts, suppressions, answers, adopted decisions, what is held and the origins of record `r`. */
export function writeSections(heap: Heap, r: number, writer: ByteWriter): void {
  writeIds(heap, r, writer)
  const contacts = heap.u16[r * 4 + CONTACTS_N]!
  writer.reserve(contacts * 48 + 8)
  writer.varint(contacts)
  let before = 0
  for (let i = 0; i < contacts; i++) {
    readContact(heap, r, i, contact)
    writer.varint(contact.at - before)
    writeContact(contact, writer)
    before = contact.at
  }
  const suppressions = heap.u16[r * 4 + SUPPRESSIONS_N]!
  writer.reserve(suppressions * 40 + 8)
  writer.varint(suppressions)
  for (let i = 0; i < suppressions; i++) {
    readSuppression(heap, r, i, suppression)
    writer.u32(suppression.key)
    writer.varint(suppression.began)
    writer.varint(suppression.until)
    writer.varint(suppression.lifted)
  }
  writeAnswers(heap, r, writer)
  const adopted = heap.u16[r * 4 + ADOPTED_N]!
  writer.reserve(adopted * 8 + 8)
  writer.varint(adopted)
  for (let i = 0; i < adopted; i++) writer.key(adoptedAt(heap, r, i))
  const held = heap.u16[r * 4 + HELD_N]!
  writer.reserve(held * 48 + 8)
  writer.varint(held)
  for (let i = 0; i < held; i++) {
    const one = heldAt(heap, r, i)
    writer.varint(one.at)
    writeHeld(one, writer)
  }
  writeOrigins(heap, r, writer)
}

/** Reads them into an empty record, as a layout version wrote them: 1 knew no adopted decisions, 2 no leases and nothing held, 3 no origins. */
export function readSections(heap: Heap, r: number, reader: ByteReader, version: number): void {
  readIds(heap, r, reader)
  let before = 0
  for (let left = reader.count(CONTACTS_MAX); left > 0; left--) {
    before += reader.instant()
    readContactFields(contact, reader, version)
    contact.at = before
    addContactTo(heap, r, contact, Number.POSITIVE_INFINITY)
  }
  for (let left = reader.count(SUPPRESSIONS_MAX); left > 0; left--) {
    suppression.key = reader.u32()
    suppression.began = reader.instant()
    suppression.until = reader.instant()
    suppression.lifted = reader.instant()
    putSuppression(heap, r, suppression)
  }
  for (let left = reader.count(ANSWERS_MAX); left > 0; left--) {
    const high = reader.u32()
    const low = reader.u32()
    const at = reader.instant()
    addAnswer(heap, r, high, low, at, readOffers(reader))
  }
  if (version < 2) return
  for (let left = reader.count(ADOPTED_MAX); left > 0; left--) addAdopted(heap, r, reader.key())
  if (version < 3) return
  for (let left = reader.count(HELD_MAX); left > 0; left--) {
    const at = reader.instant()
    addHeld(heap, r, readHeldFields(at, reader))
  }
  if (version >= 4) readOrigins(heap, r, reader)
}

/** An origin is named before the first of its entries: 1, then the name; the others have 0. Instants are differences. */
function writeOrigins(heap: Heap, r: number, writer: ByteWriter): void {
  const origins = heap.u16[r * 4 + ORIGINS_N]!
  writer.reserve(origins * 24 + 8)
  writer.varint(origins)
  let before = 0
  let named = -1
  for (let i = 0; i < origins; i++) {
    readOrigin(heap, r, i, origin)
    writer.u8(origin.origin === named ? 0 : 1)
    if (origin.origin !== named) writer.u32(origin.origin)
    writer.u32(origin.type)
    writer.zigzag(origin.at - before)
    before = origin.at
    named = origin.origin
  }
}

function readOrigins(heap: Heap, r: number, reader: ByteReader): void {
  origin.at = 0
  for (let left = reader.count(ORIGINS_MAX); left > 0; left--) {
    if (reader.u8() === 1) origin.origin = reader.u32()
    origin.type = reader.u32()
    origin.at += reader.zigzag()
    if (origin.at < 0 || origin.at >= 2 ** 48) throw new StateError('state_corrupt', 'a stored instant is out of range')
    putOrigin(heap, r, origin)
  }
}

/** Everything of a contact but its instant. */
export function writeContact(from: Contact, writer: ByteWriter): void {
  writer.u32(from.channel)
  writer.u32(from.category)
  writer.u32(from.offer)
  writer.u8(from.class | (from.answered ? ANSWERED : 0) | (from.recalled ? RECALLED : 0))
  writer.key(from.decision)
  writer.varint(from.until)
}

/** Reads what `writeContact` wrote; before version 3 every contact counted for good. */
export function readContactFields(
  into: { -readonly [K in keyof Contact]: Contact[K] },
  reader: ByteReader,
  version: number,
): void {
  into.channel = reader.u32()
  into.category = reader.u32()
  into.offer = reader.u32()
  const kind = reader.u8()
  into.class = kind & ~(ANSWERED | RECALLED)
  into.answered = (kind & ANSWERED) !== 0
  into.recalled = (kind & RECALLED) !== 0
  into.decision = reader.key()
  into.until = version < 3 ? 0 : reader.instant()
}

/** Everything of what is held but when it is due. */
export function writeHeld(from: Held, writer: ByteWriter): void {
  writer.varint(from.expiresAt)
  writer.u32(from.trigger)
  writer.u32(from.placement)
  for (const part of from.origin) writer.u32(part)
}

/** Reads what `writeHeld` wrote. */
export function readHeldFields(at: number, reader: ByteReader): Held {
  const expiresAt = reader.instant()
  const trigger = reader.u32()
  const placement = reader.u32()
  const origin: Held['origin'] = [reader.u32(), reader.u32(), reader.u32(), reader.u32()]
  return { at, expiresAt, trigger, placement, origin }
}

/** A count and that many offer keys. */
export function readOffers(reader: ByteReader): number[] {
  const offers: number[] = []
  for (let left = reader.count(ANSWER_OFFERS_MAX); left > 0; left--) offers.push(reader.u32())
  return offers
}

function writeIds(heap: Heap, r: number, writer: ByteWriter): void {
  const ids = heap.u16[r * 4 + RING_IDS]!
  writer.reserve(ids * 14 + 20)
  writer.varint(ids)
  let before = 0
  for (let i = 0; i < ids; i++) {
    const accepted = acceptedOf(heap, r, i)
    writer.varint(accepted - before)
    writer.u32(idOf(heap, r, i, 'high'))
    writer.u32(idOf(heap, r, i, 'low'))
    before = accepted
  }
}

function readIds(heap: Heap, r: number, reader: ByteReader): void {
  let accepted = 0
  for (let left = reader.count(RING_MAX); left > 0; left--) {
    accepted += reader.instant()
    const high = reader.u32()
    appendId(heap, r, high, reader.u32(), accepted, HIGH)
  }
}

function writeAnswers(heap: Heap, r: number, writer: ByteWriter): void {
  const { u32 } = heap
  const answers = heap.u16[r * 4 + ANSWERS_N]!
  writer.reserve(8)
  writer.varint(answers)
  let p = u32[r * 2 + ANSWERS]! * 2
  for (let i = 0; i < answers; i++) {
    const offers = u32[p + 4]!
    writer.reserve(24 + offers * 4)
    writer.u32(u32[p]!)
    writer.u32(u32[p + 1]!)
    writer.varint(u32[p + 3]! * HIGH + u32[p + 2]!)
    writer.varint(offers)
    for (let k = 0; k < offers; k++) writer.u32(u32[p + 5 + k]!)
    p += 5 + offers
  }
}
