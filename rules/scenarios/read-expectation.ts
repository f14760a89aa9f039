/** What a scenario expects of a step, from the file to the checks that are made. */
import type { z } from 'zod'
import { moneyMinor } from '../quantities.ts'
import type { Variable } from '../vocabulary.ts'
import type { Path } from '../yaml-source.ts'
import { oneOf, type Reading, refuse, refuseIssues } from './reading.ts'
import type { Check, Expectation } from './scenario.ts'
import { expectationParts, why } from './scenario-file.ts'
import { instantMs, spanMs } from './times.ts'

type Written = z.output<typeof expectationParts>

/** An expectation, or null when something is wrong with it, which is told. `path`: to the value of `expect`. */
export function readExpectation(reading: Reading, path: Path, value: unknown, rule: string): Expectation | null {
  const line = reading.source.lineOf(path)
  if (value === 'nothing') return { placement: null, line, checks: [{ kind: 'nothing', line }] }
  const parsed = expectationParts.safeParse(value)
  if (!parsed.success) {
    refuseIssues(reading, path, parsed.error.issues, rule)
    return null
  }
  const before = reading.problems.length
  const checks = checksOf(reading, path, parsed.data, rule)
  if (checks.length === 0 && reading.problems.length === before) {
    const message =
      'This expects nothing in particular. Say what is offered, or "expect: nothing" for no decision at all.'
    refuse(reading, path, { rule, code: 'key_missing', message })
  }
  const placement = parsed.data.placement ?? null
  const { placements } = reading.names
  if (placement !== null)
    isKnown(reading, placements, placement, { path: [...path, 'placement'], rule, code: 'placement_unknown' })
  return reading.problems.length > before ? null : { placement, line, checks }
}

function checksOf(reading: Reading, path: Path, written: Written, rule: string): Check[] {
  const checks: Check[] = []
  const { source, names } = reading
  const isOffer = (offer: string, at: Path): boolean =>
    isKnown(reading, names.offers, offer, { path: at, rule, code: 'offer_unknown' })
  const at = (key: string): { readonly line: number; readonly path: Path } => ({
    line: source.lineOf([...path, key]),
    path: [...path, key],
  })
  if (written.offered !== undefined) {
    const { line, path: of } = at('offered')
    const offers = typeof written.offered === 'string' ? [written.offered] : written.offered
    for (const offer of offers) isOffer(offer, of)
    checks.push({ kind: 'offered', line, offers })
  }
  for (const [offer, given] of withheld(written['not offered'])) {
    const where = [...at('not offered').path, ...(given === null ? [] : [offer])]
    isOffer(offer, where)
    const reason = reasonOf(reading, given, { path: where, rule })
    checks.push({ kind: 'not offered', line: source.lineOf(where), offer, ...reason })
  }
  if (written.fallback !== undefined) {
    const { line, path: of } = at('fallback')
    isOffer(written.fallback, of)
    checks.push({ kind: 'fallback', line, offer: written.fallback })
  }
  if (written.outcome !== undefined)
    checks.push({ kind: 'outcome', line: at('outcome').line, outcome: written.outcome })
  if (written.reason !== undefined) checks.push({ kind: 'reason', line: at('reason').line, reason: written.reason })
  if (written.refused !== undefined) checks.push({ kind: 'refused', line: at('refused').line, status: written.refused })
  for (const [name, value] of Object.entries(written.features ?? {})) {
    const where = [...path, 'features', name]
    const read = featureOf(reading, name, value, { path: where, rule })
    if (read !== undefined) checks.push({ kind: 'feature', line: source.lineOf(where), name, value: read })
  }
  return checks
}

/** Offers with what is written of their reasons; null: they stand in a list. */
function withheld(written: Written['not offered']): readonly (readonly [string, unknown])[] {
  if (written === undefined) return []
  if (typeof written === 'string') return [[written, null]]
  return Array.isArray(written) ? written.map((offer) => [offer, null]) : Object.entries(written)
}

function reasonOf(
  reading: Reading,
  given: unknown,
  { path, rule }: At,
): Pick<Extract<Check, { kind: 'not offered' }>, 'reason' | 'rule'> {
  if (given === null) return { reason: null, rule: null }
  const parsed = why.safeParse(given)
  if (!parsed.success) {
    refuseIssues(reading, path, parsed.error.issues, rule)
    return { reason: null, rule: null }
  }
  if (typeof parsed.data === 'string') return { reason: parsed.data, rule: null }
  const { reason, rule: by = null } = parsed.data
  if (by !== null) isKnown(reading, reading.names.rules, by, { path, rule, code: 'rule_unknown' })
  return { reason, rule: by }
}

type At = { readonly path: Path; readonly rule: string }

/** A feature's value in the frame's units; null: unknown; undefined: told as wrong. */
function featureOf(reading: Reading, name: string, value: unknown, { path, rule }: At): number | null | undefined {
  const variable = reading.names.variables.get(name)
  if (variable === undefined) {
    const message = `The pack has no feature or attribute "${name}". Attributes are written profile.<id>.`
    refuse(reading, path, { rule, code: 'feature_unknown', message })
    return undefined
  }
  if (value === 'unknown' || value === null) return null
  const number = numberOf(variable, value, reading.names.model.zone)
  if (number !== null) return number
  const message = `"${name}" is not right: it must be ${kinds(variable)}, or unknown.`
  refuse(reading, path, { rule, code: 'value_invalid', message })
  return undefined
}

function numberOf({ type, values }: Variable, value: unknown, zone: string): number | null {
  if (type === 'int' || type === 'double') return typeof value === 'number' && Number.isFinite(value) ? value : null
  if (type === 'bool') return typeof value === 'boolean' ? Number(value) : null
  if (typeof value !== 'string') return null
  switch (type) {
    case 'money':
      return moneyMinor(value)
    case 'duration':
      return spanMs(value)
    case 'instant':
      return instantMs(value, zone)
    case 'enum': {
      const code = values.indexOf(value)
      return code < 0 ? null : code
    }
    default:
      return type satisfies never
  }
}

function kinds({ type, values }: Variable): string {
  switch (type) {
    case 'int':
    case 'double':
      return 'a number'
    case 'bool':
      return 'true or false'
    case 'money':
      return 'an amount in quotes with two decimals: "5000.00"'
    case 'duration':
      return 'a time such as 2d or 3h + 1ms'
    case 'instant':
      return 'a date and a time: 2026-03-02T09:00'
    case 'enum':
      return `one of ${values.join(' ')}`
    default:
      return type satisfies never
  }
}

function isKnown(
  reading: Reading,
  names: ReadonlySet<string>,
  name: string,
  { path, rule, code }: At & { readonly code: 'offer_unknown' | 'placement_unknown' | 'rule_unknown' },
): boolean {
  if (names.has(name)) return true
  const kind = { offer_unknown: 'offer', placement_unknown: 'placement', rule_unknown: 'guardrail or contact rule' }[
    code
  ]
  refuse(reading, path, { rule, code, message: `The pack has no ${kind} "${name}": it must be ${oneOf(names)}.` })
  return false
}
