import type { Event, FieldValue, Via } from './event.ts'
import { schemaCatalogue } from './event-types.ts'
import { parseInstant, printInstant } from './instant.ts'
import type { CatalogueType, FieldRule } from './schema-catalogue.ts'
import { isCustomerId, printableName, type Rejection, validateEvent } from './validate.ts'

export type ParsedEvent =
  | { readonly kind: 'ok'; readonly event: Event }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

/**
 * Reads an event from CloudEvents 1.0 structured JSON, already parsed as JSON, and checks it by every rule.
 *
 * `id`, `source`, `type` and `data` are themselves; `subject` is the customer; `time` is required; the extension
 * `consentid` is the consent. Other extensions are ignored, also one named `via`: how the event came in is stamped here.
 * In `data` an absent field is an unknown one, instants are RFC 3339 texts or Unix milliseconds, money is integer minor units.
 *
 * @param isCustomer see `validateEvent`
 */
export function parseCloudEvent(
  value: unknown,
  via: Via,
  isCustomer: (text: string) => boolean = isCustomerId,
): ParsedEvent {
  if (!isRecord(value)) return rejected('undecodable', null)
  if (value['specversion'] !== '1.0') return rejectedField(value['specversion'], 'specversion')
  const { id, source, type: typeName, subject, consentid } = value
  if (typeof id !== 'string') return rejectedField(id, 'id')
  if (typeof source !== 'string') return rejectedField(source, 'source')
  if (typeof typeName !== 'string') return rejectedField(typeName, 'type')
  if (typeof subject !== 'string') return rejectedField(subject, 'subject')
  if (typeof value['time'] !== 'string') return rejectedField(value['time'], 'time')
  if (consentid !== undefined && typeof consentid !== 'string') return rejectedField(consentid, 'consentid')
  const type = schemaCatalogue.types.get(typeName)
  if (type === undefined) return rejected('type_unknown', 'type')
  const time = parseInstant(value['time'])
  if (time === undefined) return rejected('time_invalid', 'time')
  if (!isRecord(value['data'])) return rejectedField(value['data'], 'data')
  const parsed = parseData(value['data'], type)
  if (parsed.kind === 'rejected') return parsed

  const provenance = { via, consentId: consentid ?? null }
  const event: Event = { id, source, type: type.name, customerId: subject, time, provenance, data: parsed.data }
  const rejection = validateEvent(event, schemaCatalogue.types, isCustomer)
  if (rejection === null) return { kind: 'ok', event }
  return rejected(rejection.reason, ATTRIBUTE_OF.get(rejection.field ?? '') ?? rejection.field)
}

/**
 * The event as CloudEvents 1.0 structured JSON, to be stringified; `parseCloudEvent` reads the same event back. Unknown
 * fields of `data` are left out. Takes events that are not valid too, as far as JSON can hold them.
 */
export function printCloudEvent(event: Event): Readonly<Record<string, unknown>> {
  const rules = schemaCatalogue.types.get(event.type)?.fields
  const data: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(event.data)) {
    if (value === null || value === undefined) continue
    data[name] = rules?.get(name)?.type === 'instant' ? instantText(value) : value
  }
  return {
    specversion: '1.0',
    id: event.id,
    source: event.source,
    type: event.type,
    subject: event.customerId,
    time: instantText(event.time),
    datacontenttype: 'application/json',
    via: event.provenance.via,
    ...(event.provenance.consentId === null ? {} : { consentid: event.provenance.consentId }),
    data,
  }
}

/** Names of the canonical event that CloudEvents calls otherwise. */
const ATTRIBUTE_OF: ReadonlyMap<string, string> = new Map([
  ['customerId', 'subject'],
  ['consentId', 'consentid'],
])

/** Instants that RFC 3339 can tell: the years 0 to 9999. */
const INSTANT_MIN = -62_167_219_200_000
const INSTANT_MAX = 253_402_300_799_999

function instantText(value: FieldValue): unknown {
  const tellable = typeof value === 'number' && value >= INSTANT_MIN && value <= INSTANT_MAX
  return tellable ? printInstant(value) : value
}

type ParsedData =
  | { readonly kind: 'data'; readonly data: Readonly<Record<string, FieldValue>> }
  | { readonly kind: 'rejected'; readonly rejection: Rejection }

/** The data with every field of the type in its order; what is wrong with the values `validateEvent` finds. */
function parseData(json: Readonly<Record<string, unknown>>, type: CatalogueType): ParsedData {
  const data: Record<string, FieldValue> = {}
  for (const rule of type.rules) {
    const value = fieldValue(Object.hasOwn(json, rule.name) ? json[rule.name] : undefined, rule)
    if (value === undefined) return rejected('field_invalid', rule.name)
    data[rule.name] = value
  }
  const unknown = Object.keys(json).find((name) => !type.fields.has(name))
  return unknown === undefined ? { kind: 'data', data } : rejected('field_unknown', printableName(unknown))
}

/** A JSON value as a field's; undefined when it is of a kind that no field holds. */
function fieldValue(json: unknown, rule: FieldRule): FieldValue | undefined {
  if (json === undefined) return rule.type === 'strings' ? [] : null
  if (json === null || typeof json === 'number' || typeof json === 'boolean') return json
  if (typeof json === 'string') return rule.type === 'instant' ? parseInstant(json) : json
  if (!Array.isArray(json)) return undefined
  const texts: string[] = []
  for (const one of json) {
    if (typeof one !== 'string') return undefined
    texts.push(one)
  }
  return texts
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function rejectedField(value: unknown, field: string): { readonly kind: 'rejected'; readonly rejection: Rejection } {
  return rejected(value === undefined || value === null ? 'field_missing' : 'field_invalid', field)
}

function rejected(
  reason: Rejection['reason'],
  field: string | null,
): { readonly kind: 'rejected'; readonly rejection: Rejection } {
  return { kind: 'rejected', rejection: { reason, field } }
}
