/** The fields of a scenario's event: as people write them, with what they leave out. */
import type { FieldValue } from '../../ingest/event.ts'
import type { CatalogueType, FieldRule } from '../../ingest/schema-catalogue.ts'
import type { PackProblemCode } from '../pack-problem.ts'
import { moneyMinor } from '../quantities.ts'
import { didYouMean } from './reading.ts'
import { type DecisionField, decisionFields } from './scenario.ts'
import { instantMs } from './times.ts'

/** What is wrong with a field of an event. */
export type FieldProblem = { readonly field: string; readonly code: PackProblemCode; readonly message: string }

/** The data of an event, as far as it could be read. */
export type EventData = {
  /** Every field of the type; null: unknown. What `fromDecision` names holds a stand-in. */
  readonly data: Readonly<Record<string, FieldValue>>
  readonly fromDecision: readonly DecisionField[]
  readonly problems: readonly FieldProblem[]
}

/** What a field says when the scenario does not, where something ordinary is meant. Other required fields have to be given. */
const ordinary: Readonly<Record<string, Readonly<Record<string, FieldValue>>>> = {
  'account.opened': { accountType: 'current', channel: 'app' },
  'card.purchase': { amount: 10_000, channel: 'pos', country: 'ZZ' },
  'repayment.made': { product: 'credit_card' },
  'page.viewed': { page: 'scenario', dwellMs: 30_000 },
  'nps.answered': { topic: 'bank' },
  'consent.updated': { granted: true, purpose: 'marketing' },
  'life_event.reported': { resolved: false },
}

/** Stands in a field of the last decision until the decision is made. */
const standIn = '0'.repeat(32)

/**
 * The data of an event of a type. Amounts are texts such as "5000.00", instants texts with a date and a time, null is
 * unknown. Left out are unknown: the fields that may be; the ordinary value: the fields above; the pack's currency, wherever
 * an amount is; no names: lists; the last decision's own: fields of messages and offers, unless `decisionId` is given.
 */
export function readEventData(
  type: CatalogueType,
  given: Readonly<Record<string, unknown>>,
  { zone, currency }: { readonly zone: string; readonly currency: string },
): EventData {
  const data: Record<string, FieldValue> = {}
  const fromDecision: DecisionField[] = []
  const problems: FieldProblem[] = []
  for (const field of Object.keys(given)) {
    if (type.fields.has(field)) continue
    const message = `${type.name} has no field "${field}". It has ${[...type.fields.keys()].join(', ')}.${didYouMean(field, [...type.fields.keys()])}`
    problems.push({ field, code: 'field_unknown', message })
  }
  for (const rule of type.rules) {
    const value = given[rule.name]
    if (value === undefined) {
      const own = given['decisionId'] === undefined ? fieldOfDecision(type.name, rule.name) : null
      if (own !== null) fromDecision.push(own)
      data[rule.name] = own === null ? leftOut(type, rule, given, currency) : standIn
    } else {
      const read = fieldValue(value, rule, zone)
      if (read === undefined) {
        const message = `"data.${rule.name}" is not right: it must be ${ruleWords(rule)}.${didYouMean(value, rule.values ?? [])}`
        problems.push({ field: rule.name, code: 'value_invalid', message })
      }
      data[rule.name] = read ?? null
    }
  }
  return { data, fromDecision, problems }
}

/** What a field takes, in words. */
export function ruleWords({ type, values, minimum, maximum, maxLength, format }: FieldRule): string {
  if (type === 'strings') return `a list of ${(values ?? []).join(' ')}`
  if (values !== undefined) return `one of ${values.join(' ')}`
  switch (type) {
    case 'money':
      return `an amount in quotes with two decimals: "5000.00"${minimum === 0 ? ', not below zero' : ''}`
    case 'instant':
      return 'a date and a time: 2026-03-02T09:00'
    case 'bool':
      return 'true or false'
    case 'string':
      return format === undefined ? `a text of 1 to ${maxLength} characters` : `a ${format} code in capital letters`
    default:
      return minimum === undefined || maximum === undefined
        ? 'a number'
        : `a whole number from ${minimum} to ${maximum}`
  }
}

function leftOut(
  type: CatalogueType,
  rule: FieldRule,
  given: Readonly<Record<string, unknown>>,
  currency: string,
): FieldValue {
  if (rule.format === 'currency' && (rule.required || hasAmount(type, given))) return currency
  const value = ordinary[type.name]?.[rule.name]
  if (value !== undefined) return value
  return rule.type === 'strings' ? [] : null
}

function hasAmount(type: CatalogueType, given: Readonly<Record<string, unknown>>): boolean {
  return type.rules.some(({ type: kind, name }) => kind === 'money' && typeof given[name] === 'string')
}

/** Receipts of messages and answers to offers belong to a decision. */
function fieldOfDecision(type: string, field: string): DecisionField | null {
  if (!/^(message|offer)[.]/.test(type)) return null
  return decisionFields.find((own) => own === field) ?? null
}

/** A value of YAML as the field's; undefined when it is of another kind. Ranges and closed lists are the validation's. */
function fieldValue(value: unknown, { type }: FieldRule, zone: string): FieldValue | undefined {
  if (value === null) return null
  switch (type) {
    case 'money':
      return typeof value === 'string' ? (moneyMinor(value) ?? undefined) : undefined
    case 'instant':
      return typeof value === 'string' ? (instantMs(value, zone) ?? undefined) : undefined
    case 'strings':
      return Array.isArray(value) && value.every(isString) ? value : undefined
    case 'bool':
      return typeof value === 'boolean' ? value : undefined
    case 'string':
      return typeof value === 'string' ? value : undefined
    default:
      return typeof value === 'number' ? value : undefined
  }
}

function isString(value: unknown): value is string {
  return typeof value === 'string'
}
