/** Values of event fields out of the columns of a row, by the type of the field. */
import type { FieldDef, FieldValue } from '../event.ts'
import type { Values } from './conditions.ts'
import { type MoneyRule, minorUnits, parseDecimal } from './decimal.ts'
import type { Mapping, MoneyMapping, ValueMapping } from './mapping.ts'
import type { RowReason } from './reject.ts'
import { isoDate, readDate, zoneInstants } from './row-time.ts'
import { parseTemplate } from './template.ts'

/** A value, or why the row has none. */
export type Read<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'rejected'; readonly reason: RowReason; readonly detail: string }

type SlotOf = (column: string) => number

/** Makes the function that fills a template; a row where one of its columns is empty is rejected. */
export function compileTemplate(template: string, slotOf: SlotOf): (values: Values) => Read<string> {
  const parts = (parseTemplate(template) ?? []).map((part) =>
    'text' in part
      ? { text: part.text, slot: -1, column: '' }
      : { text: '', slot: slotOf(part.column), column: part.column },
  )
  return (values) => {
    let text = ''
    for (const part of parts) {
      const piece = part.slot < 0 ? part.text : (values[part.slot] ?? null)
      if (piece === null) return wrong('column_empty', `${part.column} is empty`)
      text += piece
    }
    return { kind: 'value', value: text }
  }
}

/**
 * Makes the function that reads one field of an event. A field the mapping leaves out is null, an empty list for a
 * required list; an empty column is null where the field allows it, else the row is rejected.
 */
export function compileValue(
  value: ValueMapping | undefined,
  field: FieldDef,
  mapping: Mapping,
  slotOf: SlotOf,
): (values: Values) => Read<FieldValue> {
  if (value === undefined) return always(field.type === 'strings' && field.required ? [] : null)
  if ('constant' in value) return constant(value.constant, field, mapping)
  const convert = converter(value, field, mapping)
  if ('template' in value) {
    const fill = compileTemplate(value.template, slotOf)
    return (values) => {
      const text = fill(values)
      return text.kind === 'rejected' ? text : convert(text.value)
    }
  }
  const slot = slotOf(value.column)
  const empty: Read<FieldValue> = field.required ? wrong('column_empty', `${value.column} is empty`) : nothing
  if (value.map === undefined) {
    return (values) => {
      const text = values[slot] ?? null
      return text === null ? empty : convert(text)
    }
  }
  return mapped(value.map, value.otherwise, { slot, empty, convert, mapping })
}

type Convert = (text: string) => Read<FieldValue>

const nothing: Read<FieldValue> = { kind: 'value', value: null }

function wrong(reason: RowReason, detail: string): { kind: 'rejected'; reason: RowReason; detail: string } {
  return { kind: 'rejected', reason, detail }
}

function always(value: FieldValue): () => Read<FieldValue> {
  const read: Read<FieldValue> = { kind: 'value', value }
  return () => read
}

function mapped(
  name: string,
  otherwise: string | null | undefined,
  to: { readonly slot: number; readonly empty: Read<FieldValue>; readonly convert: Convert; readonly mapping: Mapping },
): (values: Values) => Read<FieldValue> {
  const targets = new Map(Object.entries(to.mapping.maps[name] ?? {}))
  const unmapped: Read<FieldValue> = wrong('value_unmapped', `the value map ${name} does not have the value`)
  return (values) => {
    const text = values[to.slot] ?? null
    // A map may say what an empty column means, under the key "".
    const target = targets.get(text ?? '')
    if (target !== undefined) return to.convert(target)
    if (text === null && otherwise === undefined) return to.empty
    if (otherwise === undefined) return unmapped
    return otherwise === null ? nothing : to.convert(otherwise)
  }
}

/** Constants are written the plain way whatever the file does, and amounts in the target currency. */
function constant(text: string | null, field: FieldDef, mapping: Mapping): () => Read<FieldValue> {
  if (text === null) return always(null)
  if (field.type === 'instant') return always(Date.parse(text))
  if (field.type !== 'money') {
    const read = converter({ constant: text }, field, mapping)(text)
    return () => read
  }
  const minor = minorUnits(text, { ...moneyRule(mapping.money), ...plainMoney })
  return always(minor)
}

const plainMoney = { rate: { digits: 1n, scale: 0 }, decimalMark: '.', groupMark: '' }

function moneyRule(money: MoneyMapping | undefined): MoneyRule {
  return {
    rate: parseDecimal(money?.rate ?? '1') ?? plainMoney.rate,
    minorDigits: money?.minorDigits ?? 2,
    decimalMark: money?.decimalMark ?? '.',
    groupMark: money?.groupMark ?? '',
  }
}

function converter(value: ValueMapping, field: FieldDef, mapping: Mapping): Convert {
  const column = 'column' in value ? value : undefined
  if (field.type === 'money') return amount(moneyRule(mapping.money), column?.sign ?? 'keep')
  if (field.type === 'int' || field.type === 'double') return number(field.type, column?.sign ?? 'keep')
  if (field.type === 'bool') return bool
  if (column?.date !== undefined) return date(column.date, column.century, field, mapping.zone)
  if (field.type === 'strings') {
    const separator = column?.separator ?? ','
    return (text) => ({ kind: 'value', value: [...new Set(text.split(separator).map((part) => part.trim()))] })
  }
  return (text) => ({ kind: 'value', value: text })
}

type Sign = 'keep' | 'absolute' | 'negate'

function signed(value: number, sign: Sign): number {
  // `+ 0` turns the minus zero of a negated zero into zero.
  return (sign === 'absolute' ? Math.abs(value) : sign === 'negate' ? -value : value) + 0
}

function amount(rule: MoneyRule, sign: Sign): Convert {
  const invalid = wrong('number_invalid', 'is no amount')
  return (text) => {
    const minor = minorUnits(text, rule)
    return minor === null ? invalid : { kind: 'value', value: signed(minor, sign) }
  }
}

function number(type: 'int' | 'double', sign: Sign): Convert {
  const invalid = wrong('number_invalid', 'is no number')
  return (text) => {
    const decimal = parseDecimal(text)
    if (decimal === null || (type === 'int' && decimal.scale > 0)) return invalid
    const value = Number(text)
    return type === 'int' && !Number.isSafeInteger(value) ? invalid : { kind: 'value', value: signed(value, sign) }
  }
}

const bool: Convert = (text) => {
  if (text === 'true' || text === '1') return { kind: 'value', value: true }
  if (text === 'false' || text === '0') return { kind: 'value', value: false }
  return wrong('value_unmapped', 'is neither true nor false')
}

function date(
  format: Parameters<typeof readDate>[1],
  century: number | undefined,
  field: FieldDef,
  zone: string,
): Convert {
  const instants = zoneInstants(zone)
  const invalid = wrong('time_invalid', `is no ${format}`)
  return (text) => {
    const read = readDate(text, format, century)
    if (read === null) return invalid
    return { kind: 'value', value: field.type === 'instant' ? instants(read) : isoDate(read, zone) }
  }
}
