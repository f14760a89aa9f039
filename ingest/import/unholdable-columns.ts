/** Columns of a mapping that by their name hold what a bank may not hold (`../unholdable.ts`). */
import { unholdableReason } from '../unholdable.ts'
import type { CaseMapping, InputMapping, Mapping } from './mapping.ts'
import { templateColumns } from './template.ts'

type Path = readonly PropertyKey[]
type Unholdable = { readonly path: Path; readonly reason: string; readonly code: 'unholdable' }
type Named = readonly [path: Path, column: string]

/** Every such column, wherever the mapping names it: to be kept, to be tested, or as one that the file has. Empty: there is none. */
export function unholdableColumns(mapping: Mapping): readonly Unholdable[] {
  return namedColumns(mapping).flatMap(([path, column]): readonly Unholdable[] => {
    const reason = unholdableReason(column)
    return reason === null ? [] : [{ path, reason: `column ${column}: ${reason}`, code: 'unholdable' }]
  })
}

function namedColumns({ input, lookups, joins, event, time, cases }: Mapping): readonly Named[] {
  const ofTemplate = (path: Path, template: string): readonly Named[] =>
    templateColumns(template).map((column) => [path, column])
  return [
    ...ofInput(['input'], input),
    ...Object.entries(lookups).flatMap(([name, { input: own, key, columns, where = {} }]): readonly Named[] => [
      ...(own === undefined ? [] : ofInput(['lookups', name, 'input'], own)),
      [['lookups', name, 'key'], key],
      ...columns.map((column): Named => [['lookups', name, 'columns'], column]),
      ...ofConditions(['lookups', name, 'where'], where),
    ]),
    ...joins.flatMap(({ by }, i) => ofTemplate(['joins', i, 'by'], by)),
    ...(['id', 'source', 'customerId'] as const).flatMap((key) => ofTemplate(['event', key], event[key])),
    ...('column' in time ? [[['time', 'column'], time.column] as const] : []),
    ...cases.flatMap((one, i) => ofCase(['cases', i], one)),
  ]
}

function ofInput(path: Path, input: InputMapping): readonly Named[] {
  return input.format === 'csv' ? (input.columns ?? []).map((column) => [[...path, 'columns'], column]) : []
}

function ofConditions(path: Path, conditions: Readonly<Record<string, unknown>>): readonly Named[] {
  return Object.keys(conditions).map((column) => [[...path, column], column])
}

function ofCase(path: Path, one: CaseMapping): readonly Named[] {
  const tested = ofConditions([...path, 'when'], one.when ?? {})
  if ('skip' in one) return tested
  const read = Object.entries(one.data).flatMap(([field, value]): readonly Named[] => {
    const columns = 'template' in value ? templateColumns(value.template) : 'column' in value ? [value.column] : []
    return columns.map((column) => [[...path, 'data', field], column])
  })
  return [...tested, ...read]
}
