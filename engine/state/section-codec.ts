import { ADOPTED_MAX, addAdopted, adoptedAt } from './adopted.ts'
import { ANSWER_OFFERS_MAX, ANSWERS_MAX, addAnswer } from './answers.ts'
import type { ByteReader, ByteWriter } from './bytes.ts'
import { addContactTo, CONTACTS_MAX, readContact } from './contacts.ts'
import type { Heap } from './heap.ts'
import { HIGH } from './heap.ts'
import { ADOPTED_N, ANSWERS, ANSWERS_N, CONTACTS_N, RING_IDS, SUPPRESSIONS_N } from './record.ts'
import { acceptedOf, appendId, idOf, RING_MAX } from './ring.ts'
import type { Contact } from './states.ts'
import { putSuppression, readSuppression, SUPPRESSIONS_MAX } from './suppressions.ts'

const contact: { -readonly [K in keyof Contact]: Contact[K] } = {
  at: 0,
  channel: 0,
  category: 0,
  offer: 0,
  class: 0,
  decision: 0,
}
const suppression = { key: 0, began: 0, until: 0, lifted: 0 }

/** Appends event ids, contacts, suppressions, answers and adopted decisions of record `r`. */
export function writeSections(heap: Heap, r: number, writer: ByteWriter): void {
  writeIds(heap, r, writer)
  const contacts = heap.u16[r * 4 + CONTACTS_N]!
  writer.reserve(contacts * 40 + 8)
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
}

/** Reads them into an empty record; `adopted`: whether adopted decisions were written. */
export function readSections(heap: Heap, r: number, reader: ByteReader, written: { readonly adopted: boolean }): void {
  readIds(heap, r, reader)
  let before = 0
  for (let left = reader.count(CONTACTS_MAX); left > 0; left--) {
    before += reader.instant()
    readContactFields(contact, reader)
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
  if (!written.adopted) return
  for (let left = reader.count(ADOPTED_MAX); left > 0; left--) addAdopted(heap, r, reader.key())
}

/** Everything of a contact but its instant. */
export function writeContact(from: Contact, writer: ByteWriter): void {
  writer.u32(from.channel)
  writer.u32(from.category)
  writer.u32(from.offer)
  writer.u8(from.class)
  writer.key(from.decision)
}

/** Reads what `writeContact` wrote. */
export function readContactFields(into: { -readonly [K in keyof Contact]: Contact[K] }, reader: ByteReader): void {
  into.channel = reader.u32()
  into.category = reader.u32()
  into.offer = reader.u32()
  into.class = reader.u8()
  into.decision = reader.key()
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
