/** What a scenario expects of a step, from the file to the checks that are made. */
import type { z } from 'zod'
import { moneyMinor } from '../quantities.ts'
import type { Variable } from '../vocabulary.ts'
import type { Path } from '../yaml-source.ts'
import { didYouMean, oneOf, type Reading, refuse, refuseIssues } from './reading.ts'
import type { Check, Expectation } from './scenario.ts'
import { expectationParts, fateReasons, permitRefusal, why, whyParts } from './scenario-file.ts'
import { instantMs, spanMs } from './times.ts'

type Written = z.output<typeof expectationParts>

/** An expectation, or null when something is wrong with it, which is told. `path`: to the value of `expect`. */
export function readExpectation(reading: Reading, path: Path, value: unknown, rule: string): Expectation | null {
  const line = reading.source.lineOf(path)
  if (value === 'nothing') return { placement: null, line, checks: [{ kind: 'nothing', line }] }
  const parsed = expectationParts.safeParse(value)
  if (!parsed.success) {
    const keys = Object.keys(expectationParts.shape)
    refuseIssues(reading, path, parsed.error.issues, { rule, keys, words: ['nothing'] })
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
  const offersAt = (key: 'offered' | 'held' | 'recalled' | 'permitted'): readonly string[] => {
    const given = written[key] ?? []
    const offers = typeof given === 'string' ? [given] : given
    for (const offer of offers) isOffer(offer, at(key).path)
    return offers
  }
  for (const kind of ['offered', 'held', 'recalled'] as const) {
    if (written[kind] !== undefined) checks.push({ kind, line: at(kind).line, offers: offersAt(kind) })
  }
  for (const [offer, given] of withheld(written['not offered'])) {
    const where = [...at('not offered').path, ...(given === null ? [] : [offer])]
    isOffer(offer, where)
    const reason = reasonOf(reading, given, { path: where, rule })
    checks.push({ kind: 'not offered', line: source.lineOf(where), offer, ...reason })
  }
  for (const offer of offersAt('permitted'))
    checks.push({ kind: 'permit', line: at('permitted').line, offer, answer: 'permitted' })
  for (const [offer, given] of withheld(written['not permitted'])) {
    const where = [...at('not permitted').path, ...(given === null ? [] : [offer])]
    isOffer(offer, where)
    const parsed = permitRefusal.nullable().safeParse(given)
    if (!parsed.success) refuseIssues(reading, where, parsed.error.issues, { rule, keys: [] })
    else checks.push({ kind: 'permit', line: source.lineOf(where), offer, answer: parsed.data })
  }
  checks.push(...pricesOf(reading, at('prices').path, written.prices ?? {}, rule))
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

/** The prices that are expected: each is one of its offer, a fee an amount. */
function pricesOf(reading: Reading, path: Path, written: NonNullable<Written['prices']>, rule: string): Check[] {
  return Object.entries(written).flatMap(([name, expected]): Check[] => {
    const [offer = '', price = ''] = name.split('.')
    const at = [...path, name]
    if (!isKnown(reading, reading.names.offers, offer, { path: at, rule, code: 'offer_unknown' })) return []
    const prices = reading.names.model.offers.find(({ id }) => id === offer)?.prices ?? []
    const kind = prices.find(({ id }) => id === price)?.kind
    const value = typeof expected === 'string' ? moneyMinor(expected) : expected
    if (kind !== undefined && value !== null && (kind === 'fee') === (typeof expected === 'string'))
      return [{ kind: 'price', line: reading.source.lineOf(at), offer, price, value }]
    const message =
      kind === undefined
        ? `"${offer}" has no price "${price}": it must be ${oneOf(new Set(prices.map(({ id }) => id)), price)}.`
        : `The price "${price}" is a ${kind}: write ${kind === 'fee' ? 'an amount in quotes, "5.00"' : 'a number'}.`
    refuse(reading, at, { rule, code: 'value_invalid', message })
    return []
  })
}

/** Offers with what is written of their reasons; null: they stand in a list. */
function withheld(written: Written['not offered' | 'not permitted']): readonly (readonly [string, unknown])[] {
  if (written === undefined) return []
  if (typeof written === 'string') return [[written, null]]
  return Array.isArray(written) ? written.map((offer) => [offer, null]) : Object.entries(written)
}

function reasonOf(
  reading: Reading,
  given: unknown,
  { path, rule }: At,
): Pick<Extract<Check, { kind: 'not offered' }>, 'reason' | 'rule' | 'stage'> {
  const none = { reason: null, rule: null, stage: null }
  if (given === null) return none
  // What is wrong within { reason, rule, stage } is told of its own place.
  const isMap = typeof given === 'object' && !Array.isArray(given)
  const parsed = isMap ? whyParts.safeParse(given) : why.safeParse(given)
  if (!parsed.success) {
    const keys = Object.keys(whyParts.shape)
    refuseIssues(reading, path, parsed.error.issues, { rule, keys, words: fateReasons })
    return none
  }
  if (typeof parsed.data === 'string') return { ...none, reason: parsed.data }
  const { reason = null, rule: by = null, stage = null } = parsed.data
  if (by !== null) isKnown(reading, reading.names.rules, by, { path, rule, code: 'rule_unknown' })
  return { reason, rule: by, stage }
}

type At = { readonly path: Path; readonly rule: string }

/** A feature's value in the frame's units; null: unknown; undefined: told as wrong. */
function featureOf(reading: Reading, name: string, value: unknown, { path, rule }: At): number | null | undefined {
  const variable = reading.names.variables.get(name)
  if (variable === undefined) {
    const hint = didYouMean(name, [...reading.names.variables.keys()])
    const message = `The pack has no feature or attribute "${name}". Attributes are written profile.<id>.${hint}`
    refuse(reading, path, { rule, code: 'feature_unknown', message })
    return undefined
  }
  if (value === 'unknown' || value === null) return null
  const number = numberOf(variable, value, reading.names.model.zone)
  if (number !== null) return number
  const hint = didYouMean(value, [...variable.values, 'unknown'])
  const message = `"${name}" is not right: it must be ${kinds(variable)}, or unknown.${hint}`
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
  refuse(reading, path, { rule, code, message: `The pack has no ${kind} "${name}": it must be ${oneOf(names, name)}.` })
  return false
}
