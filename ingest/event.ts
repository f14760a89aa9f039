/**
 * The canonical event: the one shape every source is turned into before anything else sees it.
 *
 * Money is integer minor units of the bank's currency; instants are Unix milliseconds.
 */

/** What a data field of an event may hold after decoding. `null` means: the source did not say (unknown). */
export type FieldValue = string | number | boolean | null | readonly string[]

/** Where an event came in. Stamped by our own ingest, never believed from the sender. */
export const vias = ['http', 'import', 'stream', 'demo'] as const
export type Via = (typeof vias)[number]

/** Where the data of an event came from and on what ground the bank may use it. */
export type Provenance = {
  /** How it reached us; stamped by ingest. */
  readonly via: Via
  /** Id of the consent the data was collected under, when the source names one. */
  readonly consentId: string | null
}

/** One event about one customer. Equality of `source` + `id` makes two events the same one. */
export type Event = {
  /** Unique within its source, 1 to 128 characters. */
  readonly id: string
  /** The system that produced it, a source id of the rule pack such as `core-banking`, 1 to 64 characters. */
  readonly source: string
  /** One of the event types of `event-types.ts`, such as `card.purchase`. */
  readonly type: string
  /** The bank's pseudonym of the customer, 1 to 64 characters of `A-Z a-z 0-9 . _ : -`. At the door it may be an alias yet. */
  readonly customerId: string
  /** When it happened, Unix milliseconds. */
  readonly time: number
  readonly provenance: Provenance
  /** The fields of its type, see the schema of the type. */
  readonly data: Readonly<Record<string, FieldValue>>
}

/** Type of a data field, as conditions see it. `money` is integer minor units, `instant` Unix milliseconds. */
export type FieldType = 'string' | 'int' | 'double' | 'money' | 'bool' | 'instant' | 'strings'

/** A data field of an event type. */
export type FieldDef = {
  readonly name: string
  readonly type: FieldType
  /** A field that is not required may be null, which conditions read as unknown. */
  readonly required: boolean
  /** The closed list of values of an enumerated string, else undefined. */
  readonly values: readonly string[] | undefined
}

/** An event type: its name, the id of its Avro schema in the wire framing, its fields. */
export type EventTypeDef = {
  readonly name: string
  readonly schemaId: number
  readonly fields: ReadonlyMap<string, FieldDef>
}

/** Why something that came in is not an event of the log. The same word in types, metrics, dead letters and docs. */
export const rejectReasons = [
  'undecodable',
  'schema_unknown',
  'type_unknown',
  'field_missing',
  'field_invalid',
  'field_unknown',
  'customer_invalid',
  'time_invalid',
  'too_large',
  'too_late',
  'wrong_partition',
  'wrong_currency',
  'override_refused',
  'state_too_large',
  'poison',
  'erased',
  'untrusted_source',
  'customer_unknown',
  'alias_taken',
  'aliases_full',
] as const
export type RejectReason = (typeof rejectReasons)[number]
