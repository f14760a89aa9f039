import type { Event, FieldValue, RejectReason } from './event.ts'
import { schemaCatalogue } from './event-types.ts'
import { isAlias, isSealedAlias } from './identity/alias.ts'
import type { CatalogueType, FieldRule, SchemaCatalogue } from './schema-catalogue.ts'

/** Why an event is refused, and which field; never what the field held. */
export type Rejection = { readonly reason: RejectReason; readonly field: string | null }

/** Longest event id and consent id, UTF-16 code units. */
export const MAX_ID_LENGTH = 128
/** Longest source id, characters. */
export const MAX_SOURCE_LENGTH = 64
/**
 * Largest whole number of a field, 2^52 - 1. The Avro library doubles a number in floating point on its way to the wire
 * and back, so that beyond this it may come out another number.
 */
export const MAX_INTEGER = 2 ** 52 - 1
/** Last instant an event may carry: end of the year 9999, Unix milliseconds. */
export const MAX_TIME = 253_402_300_799_999

/**
 * Checks an event of the canonical shape by every rule: ids, customer id, time, and the fields of its type (none
 * missing, none too many, type, range, length, closed list, format, rules across fields). Takes what any code could hand
 * over, so nothing about `data` is believed. Returns the first rule that is broken,
 * null when the event is sound.
 *
 * @param isCustomer what may stand as the customer: an id, or before aliases are resolved `isCustomerName`
 */
export function validateEvent(
  event: Event,
  types: SchemaCatalogue['types'] = schemaCatalogue.types,
  isCustomer: (text: string) => boolean = isCustomerId,
): Rejection | null {
  const type = types.get(event.type)
  if (type === undefined) return { reason: 'type_unknown', field: 'type' }
  if (!isText(event.id, MAX_ID_LENGTH) || !isPrintable(event.id)) return idRejection(event.id, 'id')
  if (!isText(event.source, MAX_SOURCE_LENGTH) || !isVisibleAscii(event.source))
    return idRejection(event.source, 'source')
  if (!isCustomer(event.customerId)) return { reason: 'customer_invalid', field: 'customerId' }
  if (!Number.isSafeInteger(event.time) || event.time < 0 || event.time > MAX_TIME) {
    return { reason: 'time_invalid', field: 'time' }
  }
  const { consentId } = event.provenance
  if (consentId !== null && !isText(consentId, MAX_ID_LENGTH)) return { reason: 'field_invalid', field: 'consentId' }
  return validateData(event, type)
}

/** Whether a text may name a customer: 1 to 64 characters of `A-Z a-z 0-9 . _ : -`. */
export function isCustomerId(text: string): boolean {
  if (typeof text !== 'string' || text.length < 1 || text.length > 64) return false
  for (let i = 0; i < text.length; i++) {
    if (CUSTOMER_UNITS[text.charCodeAt(i)] !== 1) return false
  }
  return true
}

/** Whether a text may stand for a customer in a call: a customer id or an alias. */
export function isCustomerName(text: string): boolean {
  return isCustomerId(text) || (typeof text === 'string' && isAlias(text))
}

const CUSTOMER_UNITS = new Uint8Array(128)
for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-') {
  CUSTOMER_UNITS[character.charCodeAt(0)] = 1
}

function validateData(event: Event, type: CatalogueType): Rejection | null {
  const data = event.data
  let present = 0
  for (const rule of type.rules) {
    const value = data[rule.name]
    if (value === undefined || value === null) {
      if (rule.required) return { reason: 'field_missing', field: rule.name }
      if (value === null) present++
      continue
    }
    if (!isValueOf(value, rule)) return { reason: 'field_invalid', field: rule.name }
    present++
  }
  let keys = 0
  for (const _ in data) keys++
  if (keys > present) {
    const unknown = Object.keys(data).find((name) => !type.fields.has(name))
    if (unknown !== undefined) return { reason: 'field_unknown', field: printableName(unknown) }
  }
  switch (event.type) {
    case 'profile.updated':
      return validateProfile(data)
    case 'identity.linked':
    case 'identity.unlinked':
      return validateAlias(data)
    default:
      return null
  }
}

/** An alias as it is said, or, behind the door, sealed. */
function validateAlias({ alias }: Event['data']): Rejection | null {
  const isSound = typeof alias === 'string' && (isAlias(alias) || isSealedAlias(alias))
  return isSound ? null : { reason: 'field_invalid', field: 'alias' }
}

/** Rules across the fields of `profile.updated`, as its schema's doc has them. */
function validateProfile(data: Event['data']): Rejection | null {
  const { totalAssets, currency, cleared } = data
  if (typeof totalAssets === 'number' && typeof currency !== 'string')
    return { reason: 'field_missing', field: 'currency' }
  if (!Array.isArray(cleared)) return null
  for (const name of cleared) {
    const value = data[name]
    if (value !== null && value !== undefined) return { reason: 'field_invalid', field: 'cleared' }
  }
  return null
}

function isValueOf(value: FieldValue, rule: FieldRule): boolean {
  switch (rule.type) {
    case 'bool':
      return typeof value === 'boolean'
    case 'string':
      return typeof value === 'string' && isStringOf(value, rule)
    case 'strings':
      return Array.isArray(value) && isNameList(value, rule)
    case 'double':
      return typeof value === 'number' && Number.isFinite(value) && isInRange(value, rule)
    default:
      return (
        typeof value === 'number' &&
        Number.isSafeInteger(value) &&
        Math.abs(value) <= MAX_INTEGER &&
        isInRange(value, rule)
      )
  }
}

function isStringOf(text: string, rule: FieldRule): boolean {
  if (rule.values !== undefined) return rule.values.includes(text)
  if (rule.format !== undefined) return isUpperCase(text, rule.format === 'currency' ? 3 : 2)
  return isText(text, rule.maxLength)
}

/** Not empty, not too long, and the same text after a way through UTF-8. */
function isText(text: unknown, maxLength: number): boolean {
  return typeof text === 'string' && text.length > 0 && text.length <= maxLength && text.isWellFormed()
}

/** No control characters: ids stand in keys, tables and terminals. */
function isPrintable(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)) return false
  }
  return true
}

/** ASCII without blanks and control characters, as CloudEvents asks of a source. */
function isVisibleAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit <= 0x20 || unit >= 0x7f) return false
  }
  return true
}

function isUpperCase(text: string, length: number): boolean {
  if (text.length !== length) return false
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 65 || unit > 90) return false
  }
  return true
}

function isNameList(names: readonly unknown[], rule: FieldRule): boolean {
  if (names.length > rule.maxLength) return false
  return names.every(
    (name, at) => typeof name === 'string' && (rule.values?.includes(name) ?? true) && names.indexOf(name) === at,
  )
}

function isInRange(value: number, rule: FieldRule): boolean {
  return (rule.minimum === undefined || value >= rule.minimum) && (rule.maximum === undefined || value <= rule.maximum)
}

/** A field's name may be shown when it looks like one; anything else may be a value that slipped into a key. */
export function printableName(name: string): string | null {
  return /^[A-Za-z][A-Za-z0-9_]{0,39}$/.test(name) ? name : null
}

function idRejection(id: unknown, field: string): Rejection {
  return { reason: id === undefined || id === null || id === '' ? 'field_missing' : 'field_invalid', field }
}
