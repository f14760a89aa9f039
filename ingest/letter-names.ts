/** Whom the bytes of a dead letter name. They may be anything: what came was refused for a reason. */
import { Buffer } from 'node:buffer'
import { isAlias } from './identity/alias.ts'

/** A customer by all its names. */
export type Names = { readonly customerId: string; readonly hasAlias: (alias: string) => boolean }

const AT = 64
/** Longest text that is a name: an alias of the longest kind and value. */
const NAME_MAX = 146
const NAME_PART = /[A-Za-z0-9._:@#-]/
const ALIASES = /@[a-z][a-z0-9_]{0,15}:[!#-~]{1,128}/g

/**
 * Whether the bytes name the customer, by id or alias: in JSON as a whole text anywhere, or as a number where the customer stands;
 * in a framed record as a whole text; in what cannot be read as a word. Rather once too often: another customer's letter
 * that has this one's id as a text is theirs as well.
 */
export function namesCustomer(bytes: Uint8Array, names: Names): boolean {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes[0] === 0) return recordNames(buffer, names)
  const text = buffer.toString('utf8')
  // Escapes may hide an id from a look at the text.
  if (!text.includes(names.customerId) && !text.includes('@') && !text.includes('\\u')) return false
  try {
    const value: unknown = JSON.parse(text)
    return valueNames(value, names) || subjectOf(value) === names.customerId
  } catch {
    return wordsName(text, names)
  }
}

function valueNames(value: unknown, names: Names): boolean {
  const open: unknown[] = [value]
  for (let one = open.pop(); one !== undefined || open.length > 0; one = open.pop()) {
    if (typeof one === 'string') {
      if (isName(one, names)) return true
    } else if (typeof one === 'object' && one !== null) {
      for (const part of Object.values(one)) if (part !== undefined) open.push(part)
    }
  }
  return false
}

function isName(text: string, { customerId, hasAlias }: Names): boolean {
  return text === customerId || (isAlias(text) && hasAlias(text))
}

/** The customer where a sender wrote it as a number. */
function subjectOf(value: unknown): string {
  if (typeof value !== 'object' || value === null || !('subject' in value)) return ''
  return typeof value.subject === 'number' ? String(value.subject) : ''
}

/** A text of a record stands behind its length. */
function recordNames(buffer: Buffer, names: Names): boolean {
  const id = Buffer.from(names.customerId)
  for (let at = buffer.indexOf(id); at >= 0; at = buffer.indexOf(id, at + 1)) {
    if (lengthsBefore(buffer, at).includes(id.length)) return true
  }
  for (let at = buffer.indexOf(AT); at >= 0; at = buffer.indexOf(AT, at + 1)) {
    for (const length of lengthsBefore(buffer, at))
      if (isName(buffer.toString('latin1', at, at + length), names)) return true
  }
  return false
}

/** The lengths up to `NAME_MAX` that Avro may have written before a text: zigzag, seven bits a byte, of which there are one or two. */
function lengthsBefore(buffer: Buffer, at: number): readonly number[] {
  const last = buffer[at - 1] ?? 1
  const first = buffer[at - 2] ?? 0
  const read = [last, first >= 128 ? (first & 127) | (last << 7) : 1]
  return read.flatMap((zigzag) => (zigzag % 2 === 0 && zigzag <= 2 * NAME_MAX ? [zigzag / 2] : []))
}

/** Of text that is no JSON: the id with nothing around it that could make it another one. */
function wordsName(text: string, { customerId, hasAlias }: Names): boolean {
  for (let at = text.indexOf(customerId); at >= 0; at = text.indexOf(customerId, at + 1)) {
    const around = [text[at - 1] ?? ' ', text[at + customerId.length] ?? ' ']
    if (!around.some((character) => NAME_PART.test(character))) return true
  }
  for (const [alias] of text.matchAll(ALIASES)) if (hasAlias(alias)) return true
  return false
}
