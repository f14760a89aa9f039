/** What the shape of a mapping can not say: every name it uses exists, every event it makes is complete. */
import type { EventTypeDef, FieldDef } from '../event.ts'
import { parseDecimal } from './decimal.ts'
import type { CaseMapping, ConditionsMapping, DateFormat, Mapping, ValueMapping } from './mapping.ts'
import { isDateOnly, isZone, needsCentury, readDate } from './row-time.ts'
import { parseTemplate, templateColumns } from './template.ts'

type Path = readonly PropertyKey[]
type Report = (path: Path, reason: string) => void

/** Everything wrong with a mapping beyond its shape, each with its place. Empty: it can be used. */
export function checkMapping(
  mapping: Mapping,
  types: ReadonlyMap<string, EventTypeDef>,
): readonly { readonly path: Path; readonly reason: string }[] {
  const found: { path: Path; reason: string }[] = []
  const report: Report = (path, reason) => found.push({ path, reason })
  if (!isZone(mapping.zone)) report(['zone'], 'is not an IANA zone')
  if (mapping.input.format === 'csv' && mapping.input.header === (mapping.input.columns !== undefined)) {
    report(['input', 'columns'], 'is needed exactly when there is no header')
  }
  if (mapping.money !== undefined && mapping.money.decimalMark === mapping.money.groupMark) {
    report(['money', 'groupMark'], 'is the same as the decimal mark')
  }
  checkLookups(mapping, report)
  const columns = checkJoins(mapping, report)
  for (const key of ['id', 'source', 'customerId'] as const) {
    checkTemplate(mapping.event[key], ['event', key], columns, report)
  }
  checkTime(mapping, columns, report)
  mapping.cases.forEach((one, index) => {
    checkCase(one, ['cases', index], { mapping, types, columns, report })
    if (one.when === undefined && index < mapping.cases.length - 1) {
      report(['cases', index], 'holds always, so the cases after it never do')
    }
  })
  return found
}

/** Whether a column may be read here: columns of the file are known only when it is opened, joined ones now. */
type ColumnCheck = (column: string) => boolean

function checkLookups(mapping: Mapping, report: Report): void {
  for (const [name, lookup] of Object.entries(mapping.lookups)) {
    if (!mapping.joins.some((join) => join.lookup === name)) report(['lookups', name], 'is used by no join')
    const input = lookup.input
    if (input?.format === 'csv' && input.header === (input.columns !== undefined)) {
      report(['lookups', name, 'input', 'columns'], 'is needed exactly when there is no header')
    }
    checkConditions(lookup.where ?? {}, ['lookups', name, 'where'], () => true, report)
  }
}

function checkJoins(mapping: Mapping, report: Report): ColumnCheck {
  const joined = new Map<string, readonly string[]>()
  const known: ColumnCheck = (column) => {
    const dot = column.indexOf('.')
    const alias = dot < 0 ? undefined : joined.get(column.slice(0, dot))
    if (alias !== undefined) return alias.includes(column.slice(dot + 1))
    return dot < 0 || mapping.input.format === 'jsonl' || !aliases.has(column.slice(0, dot))
  }
  const aliases = new Set(mapping.joins.map((join) => join.as ?? join.lookup))
  mapping.joins.forEach((join, index) => {
    const alias = join.as ?? join.lookup
    const lookup = mapping.lookups[join.lookup]
    if (lookup === undefined) report(['joins', index, 'lookup'], 'is no lookup of this mapping')
    if (joined.has(alias)) report(['joins', index], `has the name of an earlier join, ${alias}`)
    checkTemplate(join.by, ['joins', index, 'by'], known, report)
    joined.set(alias, lookup?.columns ?? [])
  })
  return known
}

function checkTemplate(template: string, path: Path, known: ColumnCheck, report: Report): void {
  if (parseTemplate(template) === null) report(path, 'has an open brace or an empty column name')
  for (const column of templateColumns(template)) if (!known(column)) report(path, `there is no column ${column}`)
}

function checkConditions(conditions: ConditionsMapping, path: Path, known: ColumnCheck, report: Report): void {
  for (const [column, test] of Object.entries(conditions)) {
    if (!known(column)) report([...path, column], 'is no column of a join')
    if (!Array.isArray(test) && Object.keys(test).length === 0) report([...path, column], 'tests nothing')
  }
}

function checkTime(mapping: Mapping, known: ColumnCheck, report: Report): void {
  const time = mapping.time
  if ('constant' in time) return
  if (!known(time.column)) report(['time', 'column'], `there is no column ${time.column}`)
  checkCentury(time.format, time.century, ['time'], report)
  if (isDateOnly(time.format) !== (time.timeOfDay !== undefined)) {
    report(['time', 'timeOfDay'], 'is needed exactly when the format is a date without a time')
  }
}

function checkCentury(format: DateFormat, century: number | undefined, path: Path, report: Report): void {
  if (needsCentury(format) !== (century !== undefined)) {
    report([...path, 'century'], 'is needed exactly when the format has two-digit years')
  }
}

type CaseContext = {
  readonly mapping: Mapping
  readonly types: ReadonlyMap<string, EventTypeDef>
  readonly columns: ColumnCheck
  readonly report: Report
}

function checkCase(one: CaseMapping, path: Path, context: CaseContext): void {
  const { columns, report, types } = context
  checkConditions(one.when ?? {}, [...path, 'when'], columns, report)
  if ('skip' in one) return
  const type = types.get(one.type)
  if (type === undefined) {
    report([...path, 'type'], `there is no event type ${one.type}`)
    return
  }
  for (const field of type.fields.values()) {
    if (field.required && field.type !== 'strings' && one.data[field.name] === undefined) {
      report([...path, 'data'], `${one.type} needs the field ${field.name}`)
    }
  }
  for (const [name, value] of Object.entries(one.data)) {
    const field = type.fields.get(name)
    if (field === undefined) report([...path, 'data', name], `${one.type} has no such field`)
    else checkValue(value, field, [...path, 'data', name], context)
  }
}

function checkValue(value: ValueMapping, field: FieldDef, path: Path, context: CaseContext): void {
  const { mapping, columns, report } = context
  if (field.type === 'money' && mapping.money === undefined) report(path, 'is an amount, so `money` must be declared')
  if ('template' in value) {
    checkTemplate(value.template, path, columns, report)
    return
  }
  if ('constant' in value) {
    checkConstant(value.constant, field, path, report)
    return
  }
  if (!columns(value.column)) report(path, `there is no column ${value.column}`)
  if (value.date === undefined && field.type === 'instant') report(path, 'is an instant, so `date` must be declared')
  if (value.date !== undefined && field.type !== 'instant' && field.type !== 'string') {
    report(path, `is of type ${field.type}, which no date can be`)
  }
  if (value.date !== undefined) checkCentury(value.date, value.century, path, report)
  if (value.sign !== undefined && !['money', 'int', 'double'].includes(field.type)) {
    report(path, `is of type ${field.type}, which has no sign`)
  }
  if (value.map !== undefined) checkMap(value.map, value.otherwise, field, path, context)
  else if (value.otherwise !== undefined) report(path, '`otherwise` needs a `map`')
}

function checkMap(
  name: string,
  otherwise: string | null | undefined,
  field: FieldDef,
  path: Path,
  context: CaseContext,
): void {
  const map = context.mapping.maps[name]
  if (map === undefined) {
    context.report(path, `there is no value map ${name}`)
    return
  }
  for (const to of new Set(Object.values(map))) checkConstant(to, field, path, context.report)
  if (otherwise !== undefined) checkConstant(otherwise, field, path, context.report)
}

function checkConstant(text: string | null, field: FieldDef, path: Path, report: Report): void {
  if (text === null) {
    if (field.required) report(path, 'may not be null')
    return
  }
  if (field.values !== undefined && field.type === 'string' && !field.values.includes(text)) {
    report(path, `must be one of ${field.values.join(', ')}, not ${text}`)
  }
  if (field.type === 'bool' && text !== 'true' && text !== 'false') report(path, 'must be true or false')
  const decimal = parseDecimal(text)
  if ((field.type === 'money' || field.type === 'double') && decimal === null) report(path, 'must be a decimal')
  if (field.type === 'int' && (decimal === null || decimal.scale > 0)) report(path, 'must be a whole number')
  if (field.type === 'instant' && readDate(text, 'rfc3339', undefined) === null) report(path, 'must be an instant')
}
