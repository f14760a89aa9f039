/**
 * The gate: every condition is parsed and type-checked by the CEL library against the vocabulary before our own
 * compiler sees it. The environment can also evaluate (on fully known values): the property tests use it as oracle.
 */
import { type ASTNode, Environment } from '@marcbachmann/cel-js'
import type { FieldDef } from '../../ingest/event.ts'
import type { Variable, Vocabulary } from '../vocabulary.ts'
import { celLimits } from './limits.ts'
import { minorUnitsOf } from './literals.ts'
import type { CelProblem, CelResult, Span } from './problem.ts'

/** An amount as the CEL library holds it: integer minor units, or a fraction of one after a product with a double. */
export class Money {
  readonly minor: number
  constructor(minor: number) {
    this.minor = minor
  }
}

/** A syntax tree that parsed, and the library's objection to its types if it has one. */
export type Gated = { readonly ast: ASTNode; readonly objection: CelProblem | null }

/**
 * Parses and type-checks one condition. Refused when it does not parse or is too large; a type error comes back beside
 * the tree, so that our own checker can say the same with a better sentence.
 */
export function gate(source: string, vocabulary: Vocabulary): CelResult<Gated> {
  if (source.length > celLimits.sourceLength) {
    const message = `the condition has ${source.length} characters; split it, at most ${celLimits.sourceLength} are allowed`
    return { kind: 'refused', problem: { code: 'too_large', message, start: 0, end: source.length } }
  }
  try {
    const parsed = environmentOf(vocabulary).parse(source)
    const checked = parsed.check()
    const error = checked.error
    if (checked.valid || error === undefined) return { kind: 'ok', value: { ast: parsed.ast, objection: null } }
    const objection = { code: 'type_mismatch', message: `${error.summary}: the types do not fit` } as const
    return { kind: 'ok', value: { ast: parsed.ast, objection: { ...objection, ...spanOf(error.range, source) } } }
  } catch (error) {
    return { kind: 'refused', problem: parseProblem(error, source) }
  }
}

/** The library's environment for a vocabulary; made once for each vocabulary object and freed with it. */
export function environmentOf(vocabulary: Vocabulary): Environment {
  const known = environments.get(vocabulary)
  if (known !== undefined) return known
  const made = makeEnvironment(vocabulary)
  environments.set(vocabulary, made)
  return made
}

const environments = new WeakMap<Vocabulary, Environment>()

const celTypes = {
  int: 'int',
  double: 'double',
  money: 'money',
  bool: 'bool',
  enum: 'string',
  string: 'string',
  instant: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  strings: 'list<string>',
} as const satisfies Record<Variable['type'] | FieldDef['type'], string>

function makeEnvironment(vocabulary: Vocabulary): Environment {
  const environment = new Environment({
    limits: {
      maxAstNodes: celLimits.nodes,
      maxDepth: celLimits.depth,
      maxListElements: celLimits.listConstants,
      maxMapEntries: 0,
      maxCallArguments: 4,
    },
  })
  registerMoney(environment)
  const groups = new Map<string, Record<string, string>>()
  for (const variable of vocabulary.variables) {
    const [first = '', second] = variable.name.split('.')
    if (second === undefined) environment.registerVariable(first, celTypes[variable.type])
    else groups.set(first, { ...groups.get(first), [second]: celTypes[variable.type] })
  }
  for (const [name, schema] of groups) environment.registerVariable({ name, schema })
  if (vocabulary.event !== null) {
    const fields = [...vocabulary.event.fields.values()]
    const schema = Object.fromEntries(fields.map((field) => [field.name, celTypes[field.type]]))
    environment.registerVariable({ name: 'event', schema })
  }
  return environment
}

function registerMoney(environment: Environment): void {
  environment.registerType('money', Money)
  environment.registerFunction('money(string): money', (text: string) => new Money(minorUnitsOf(text) ?? Number.NaN))
  environment.registerOperator('money < money', (a: Money, b: Money) => a.minor < b.minor)
  environment.registerOperator('money <= money', (a: Money, b: Money) => a.minor <= b.minor)
  environment.registerOperator('money > money', (a: Money, b: Money) => a.minor > b.minor)
  environment.registerOperator('money >= money', (a: Money, b: Money) => a.minor >= b.minor)
  environment.registerOperator('money == money', (a: Money, b: Money) => a.minor === b.minor)
  environment.registerOperator('money + money: money', (a: Money, b: Money) => new Money(a.minor + b.minor))
  environment.registerOperator('money - money: money', (a: Money, b: Money) => new Money(a.minor - b.minor))
  environment.registerOperator('money * int: money', (a: Money, b: bigint) => new Money(a.minor * Number(b)))
  environment.registerOperator('int * money: money', (a: bigint, b: Money) => new Money(Number(a) * b.minor))
  environment.registerOperator('money * double: money', (a: Money, b: number) => new Money(a.minor * b))
  environment.registerOperator('double * money: money', (a: number, b: Money) => new Money(a * b.minor))
  environment.registerOperator('money / money: double', (a: Money, b: Money) => a.minor / b.minor)
}

function parseProblem(error: unknown, source: string): CelProblem {
  const known = typeof error === 'object' && error !== null && 'summary' in error && 'range' in error
  if (!known) throw error
  const summary = String(error.summary)
  const code = 'code' in error && error.code === 'limit_exceeded' ? 'too_large' : 'syntax'
  const message = code === 'too_large' ? `${summary}: split the condition` : `this is not a CEL expression: ${summary}`
  return { code, message, ...spanOf(error.range, source) }
}

function spanOf(range: unknown, source: string): Span {
  const known = typeof range === 'object' && range !== null && 'start' in range && 'end' in range
  if (!known) return { start: 0, end: source.length }
  return { start: Number(range.start), end: Number(range.end) }
}
