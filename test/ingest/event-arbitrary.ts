import fc from 'fast-check'
import type { Event, FieldValue } from '../../ingest/event.ts'
import { schemaCatalogue } from '../../ingest/event-types.ts'
import type { CatalogueType, FieldRule } from '../../ingest/schema-catalogue.ts'
import { MAX_INTEGER } from '../../ingest/validate.ts'

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'.split('')
const customerUnits = [...upper, ...'abcxyz0189._:-'.split('')]

/** Any valid event of any type: every field at every edge its rule allows. */
export const anyEvent: fc.Arbitrary<Event> = fc.constantFrom(...schemaCatalogue.types.values()).chain(eventOf)

/** Any valid event of one type. */
export function eventOf(type: CatalogueType): fc.Arbitrary<Event> {
  return fc
    .record({
      id: text(128).filter((id) => !/\p{Cc}/u.test(id)),
      source: fc.string({ unit: fc.constantFrom(...'abz-09/._'.split('')), minLength: 1, maxLength: 64 }),
      type: fc.constant(type.name),
      customerId: fc.string({ unit: fc.constantFrom(...customerUnits), minLength: 1, maxLength: 64 }),
      time: fc.integer({ min: 0, max: 253_402_300_799_999 }),
      provenance: fc.record({
        via: fc.constantFrom('http', 'import', 'stream', 'demo'),
        consentId: fc.option(text(128)),
      }),
      data: fc.record(Object.fromEntries(type.rules.map((rule) => [rule.name, fieldOf(rule)]))),
    })
    .map((event) => (type.name === 'profile.updated' ? { ...event, data: soundProfile(event.data) } : event))
    .chain((event) =>
      type.name.startsWith('identity.')
        ? anyAlias.map((alias) => ({ ...event, data: { ...event.data, alias } }))
        : fc.constant(event),
    )
}

const visible = Array.from({ length: 94 }, (_, i) => String.fromCharCode(0x21 + i))
const kind = fc.stringMatching(/^[a-z][a-z0-9_]{0,15}$/)

/** An alias as it is said, or sealed as it stands in the log. */
export const anyAlias: fc.Arbitrary<string> = fc.oneof(
  fc
    .tuple(kind, fc.string({ unit: fc.constantFrom(...visible), minLength: 1, maxLength: 128 }))
    .map(([word, value]) => `@${word}:${value}`),
  fc.tuple(kind, fc.stringMatching(/^[A-Za-z0-9_-]{22}$/)).map(([word, value]) => `@${word}#${value}`),
)

function fieldOf(rule: FieldRule): fc.Arbitrary<FieldValue> {
  const value = knownFieldOf(rule)
  return rule.required ? value : fc.option(value)
}

function knownFieldOf(rule: FieldRule): fc.Arbitrary<FieldValue> {
  if (rule.type === 'bool') return fc.boolean()
  if (rule.type === 'strings') return fc.subarray([...(rule.values ?? [])])
  if (rule.values !== undefined) return fc.constantFrom(...rule.values)
  if (rule.format !== undefined) {
    const length = rule.format === 'currency' ? 3 : 2
    return fc.string({ unit: fc.constantFrom(...upper), minLength: length, maxLength: length })
  }
  if (rule.type === 'string') return text(rule.maxLength)
  if (rule.type === 'double') {
    return fc.double({ min: rule.minimum ?? 0, max: rule.maximum ?? 0, noNaN: true }).map((value) => value + 0)
  }
  const [min, max] = rule.type === 'instant' ? [-2e12, 4e12] : [-MAX_INTEGER, MAX_INTEGER]
  return fc.maxSafeInteger().map((n) => Math.min(rule.maximum ?? max, Math.max(rule.minimum ?? min, n)))
}

function text(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'grapheme', minLength: 1, maxLength }).map((all) => {
    const cut = all.slice(0, maxLength)
    return cut.isWellFormed() ? cut : cut.slice(0, -1) || 'x'
  })
}

/** A profile made to keep the rules across its fields. */
function soundProfile(data: Readonly<Record<string, FieldValue>>): Readonly<Record<string, FieldValue>> {
  const cleared = Array.isArray(data['cleared']) ? data['cleared'].filter((name) => data[name] === null) : []
  const currency = data['totalAssets'] === null ? (data['currency'] ?? null) : (data['currency'] ?? 'CNY')
  return { ...data, currency, cleared }
}
