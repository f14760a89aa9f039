/** Compiles a mapping to the function that turns a row into an event, or says why it can not. */
import type { Event, FieldDef, FieldValue } from '../event.ts'
import { compileConditions, type Values } from './conditions.ts'
import type { LoadedMapping } from './load-mapping.ts'
import type { Lookup } from './lookup.ts'
import type { CaseMapping, Mapping } from './mapping.ts'
import { compileTemplate, compileValue, type Read } from './read-value.ts'
import type { RowReason } from './reject.ts'
import { rowTimes } from './row-time.ts'
import { templateColumns } from './template.ts'

export type MappedRow =
  | { readonly kind: 'event'; readonly event: Event }
  | { readonly kind: 'rejected'; readonly reason: RowReason; readonly detail: string }

export type RowMapper = {
  /** The columns of the file that the rows must bring, in this order. */
  readonly columns: readonly string[]
  /** Called once a row in file order: a spread of times over the day counts rows. */
  map(values: Values): MappedRow
}

/** @param lookups every lookup of the mapping, loaded */
export function compileMapping(loaded: LoadedMapping, lookups: ReadonlyMap<string, Lookup>): RowMapper {
  const { mapping } = loaded
  const slots = slotsOf(mapping)
  const slotOf = (column: string): number => slots.all.indexOf(column)
  const join = compileJoins(mapping, lookups, slotOf)
  const id = compileTemplate(mapping.event.id, slotOf)
  const source = compileTemplate(mapping.event.source, slotOf)
  const customerId = compileTemplate(mapping.event.customerId, slotOf)
  const time = compileTime(mapping, slotOf)
  const cases = mapping.cases.map((one) => compileCase(one, loaded, slotOf))

  const map = (own: Values): MappedRow => {
    const joined = join(own)
    if (joined.kind === 'rejected') return joined
    const values = joined.values
    // Before the cases: a spread over the day counts every row of a date that could be joined, whatever becomes of it.
    const at = time(values)
    const holding = cases.find((one) => one.holds(values))
    if (holding === undefined) return rejected('no_case', 'no case holds')
    if (holding.kind === 'skip') return rejected('skipped_by_mapping', holding.why)
    const [readId, readSource, readCustomer] = [id(values), source(values), customerId(values)]
    for (const read of [readId, readSource, readCustomer]) if (read.kind === 'rejected') return read
    if (at.kind === 'rejected') return at
    const data = holding.data(values)
    if (data.kind === 'rejected') return data
    const event: Event = {
      id: textOf(readId),
      source: textOf(readSource),
      type: holding.type,
      customerId: textOf(readCustomer),
      time: at.value,
      provenance: { via: 'import', consentId: null },
      data: data.value,
    }
    return { kind: 'event', event }
  }
  return { columns: slots.file, map }
}

function textOf(read: Read<string>): string {
  return read.kind === 'value' ? read.value : ''
}

function rejected(reason: RowReason, detail: string): { kind: 'rejected'; reason: RowReason; detail: string } {
  return { kind: 'rejected', reason, detail }
}

/** Every column has a slot: those of the file first, then those of the joins in order. */
function slotsOf(mapping: Mapping): { readonly file: readonly string[]; readonly all: readonly string[] } {
  const joined = mapping.joins.flatMap((join) => {
    const columns = mapping.lookups[join.lookup]?.columns ?? []
    return columns.map((column) => `${join.as ?? join.lookup}.${column}`)
  })
  const file = [...new Set(usedColumns(mapping))].filter((column) => !joined.includes(column))
  return { file, all: [...file, ...joined] }
}

function usedColumns(mapping: Mapping): readonly string[] {
  const { event, time } = mapping
  return [
    ...mapping.joins.flatMap((join) => templateColumns(join.by)),
    ...[event.id, event.source, event.customerId].flatMap(templateColumns),
    ...('column' in time ? [time.column] : []),
    ...mapping.cases.flatMap((one) => [...Object.keys(one.when ?? {}), ...dataColumns(one)]),
  ]
}

function dataColumns(one: CaseMapping): readonly string[] {
  if ('skip' in one) return []
  return Object.values(one.data).flatMap((value) => {
    if ('template' in value) return templateColumns(value.template)
    return 'column' in value ? [value.column] : []
  })
}

type Joined = { readonly kind: 'joined'; readonly values: Values } | Extract<MappedRow, { kind: 'rejected' }>

function compileJoins(
  mapping: Mapping,
  lookups: ReadonlyMap<string, Lookup>,
  slotOf: (column: string) => number,
): (own: Values) => Joined {
  const joins = mapping.joins.map((join) => ({
    name: join.as ?? join.lookup,
    by: compileTemplate(join.by, slotOf),
    rows: lookups.get(join.lookup) ?? new Map<string, Values>(),
    width: mapping.lookups[join.lookup]?.columns.length ?? 0,
    required: join.missing === 'reject',
  }))
  return (own) => {
    const values = [...own]
    for (const join of joins) {
      const key = join.by(values)
      if (key.kind === 'rejected' && join.required) return key
      const found = key.kind === 'value' ? join.rows.get(key.value) : undefined
      if (found === undefined && join.required) return rejected('join_missing', `${join.name} has no such row`)
      for (let i = 0; i < join.width; i++) values.push(found?.[i] ?? null)
    }
    return { kind: 'joined', values }
  }
}

function compileTime(mapping: Mapping, slotOf: (column: string) => number): (values: Values) => Read<number> {
  const { time } = mapping
  const times = rowTimes(time, mapping.zone)
  const slot = 'column' in time ? slotOf(time.column) : -1
  const missing: Read<number> = rejected('column_empty', 'the column of the time is empty')
  const wrong: Read<number> = rejected('time_invalid', 'the time is not of the declared format')
  return (values) => {
    const text = slot < 0 ? '' : (values[slot] ?? null)
    if (text === null) return missing
    const value = times(text)
    return value === null ? wrong : { kind: 'value', value }
  }
}

type CompiledCase = { readonly holds: (values: Values) => boolean } & (
  | { readonly kind: 'skip'; readonly why: string }
  | { readonly kind: 'event'; readonly type: string; readonly data: (values: Values) => Read<Event['data']> }
)

function compileCase(one: CaseMapping, loaded: LoadedMapping, slotOf: (column: string) => number): CompiledCase {
  const holds = compileConditions(one.when ?? {}, slotOf)
  if ('skip' in one) return { kind: 'skip', holds, why: one.skip }
  const fields: readonly FieldDef[] = [...(loaded.types.get(one.type)?.fields.values() ?? [])]
  const readers = fields.map((field) => ({
    name: field.name,
    read: compileValue(one.data[field.name], field, loaded.mapping, slotOf),
  }))
  const data = (values: Values): Read<Event['data']> => {
    const read: Record<string, FieldValue> = {}
    for (const reader of readers) {
      const field = reader.read(values)
      if (field.kind === 'rejected') return { ...field, detail: `${reader.name}: ${field.detail}` }
      read[reader.name] = field.value
    }
    return { kind: 'value', value: read }
  }
  return { kind: 'event', holds, type: one.type, data }
}
