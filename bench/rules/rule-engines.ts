/** Our engine and its peers behind one face: facts in, ids of the rules that hold out. All are compiled beforehand. */
import { ZenEngine } from '@gorules/zen-engine'
import { Engine } from 'json-rules-engine'
import { compileRuleSet } from '../../rules/cel/rule-set.ts'
import { compileRuleTrace, type RuleReason } from '../../rules/cel/rule-trace.ts'
import type { RuleSet } from '../../rules/compiled.ts'
import { type BenchRule, benchVocabulary, celOf, type Facts, frameNames } from './rule-workload.ts'

/** Our rules with their frame. */
export type OurEngine = {
  /** From the same object the peers get: fills the frame, evaluates, names the rules. */
  readonly ids: (facts: Facts) => readonly string[]
  /** As `ids`, with the reason of every rule. */
  readonly reasons: (facts: Facts) => readonly RuleReason[]
  /** How many rules hold, the frame filled before: what a step pays for the rules alone. */
  readonly count: (frame: Float64Array, facts: Facts) => number
}

/** Compiles rules with proffer. */
export function ourEngine(rules: readonly BenchRule[]): OurEngine {
  const sources = rules.map(celOf)
  const set = ruleSet(sources)
  const trace = compileRuleTrace(sources, benchVocabulary)
  if (trace.kind === 'refused') throw new Error(trace.problem.message)
  const names = rules.map(({ id }) => id)
  const hits = new Int32Array(rules.length)
  const frame = new Float64Array(frameNames.length)
  const explain = trace.value
  return {
    ids: (facts) => {
      fillFrame(frame, facts)
      const n = set.evaluate(frame, frame, facts, hits)
      const ids: string[] = []
      for (let i = 0; i < n; i++) ids.push(names[hits[i]!] ?? '')
      return ids
    },
    reasons: (facts) => {
      fillFrame(frame, facts)
      return explain(frame, frame, facts)
    },
    count: (filled, facts) => set.evaluate(filled, filled, facts, hits),
  }
}

/** A compiled rule set over the benchmark's vocabulary. */
export function ruleSet(sources: readonly string[]): RuleSet {
  const set = compileRuleSet(sources, benchVocabulary)
  if (set.kind === 'refused') throw new Error(`rule ${set.index}: ${set.problem.message}`)
  return set.value
}

/** Puts the numeric facts of an event where conditions read them. */
export function fillFrame(frame: Float64Array, facts: Facts): void {
  for (let i = 0; i < frameNames.length; i++) {
    const value = facts[frameNames[i] ?? '']
    frame[i] = typeof value === 'number' ? value : 0
  }
}

/** One GoRules decision table that collects every row that matches. */
export function zenEngine(rules: readonly BenchRule[], trace: 'trace' | 'no trace') {
  const facts = [...new Set(rules.flatMap(({ comparisons }) => comparisons.map(({ fact }) => fact)))]
  const content = {
    hitPolicy: 'collect',
    inputs: facts.map((fact) => ({ id: `in-${fact}`, name: fact, field: fact })),
    outputs: [{ id: 'out', name: 'id', field: 'id' }],
    rules: rules.map(({ id, comparisons }) => {
      const cells = facts.map(
        (fact) => [`in-${fact}`, zenCell(comparisons.filter((one) => one.fact === fact))] as const,
      )
      return { _id: id, ...Object.fromEntries(cells), out: JSON.stringify(id) }
    }),
  }
  const decision = new ZenEngine().createDecision({
    nodes: [
      { id: 'request', name: 'request', type: 'inputNode', position: { x: 0, y: 0 } },
      { id: 'table', name: 'table', type: 'decisionTableNode', position: { x: 1, y: 0 }, content },
      { id: 'response', name: 'response', type: 'outputNode', position: { x: 2, y: 0 } },
    ],
    edges: [
      { id: 'a', sourceId: 'request', targetId: 'table', type: 'edge' },
      { id: 'b', sourceId: 'table', targetId: 'response', type: 'edge' },
    ],
  })
  return async (given: Facts): Promise<readonly string[]> => {
    const { result } = await decision.evaluate(given, { trace: trace === 'trace' })
    return idsOf(result)
  }
}

/** json-rules-engine with one rule a row. */
export function jsonRulesEngine(rules: readonly BenchRule[]) {
  const names = {
    '>': 'greaterThan',
    '<': 'lessThan',
    '>=': 'greaterThanInclusive',
    '<=': 'lessThanInclusive',
    '==': 'equal',
  }
  const engine = new Engine(
    rules.map(({ id, comparisons }) => ({
      conditions: {
        all: comparisons.map(({ fact, operator, value }) => ({ fact, operator: names[operator], value })),
      },
      event: { type: id },
    })),
  )
  return async (given: Facts): Promise<readonly string[]> => {
    const { events } = await engine.run({ ...given })
    return events.map(({ type }) => type)
  }
}

function zenCell(comparisons: BenchRule['comparisons']): string {
  return comparisons
    .map(({ operator, value }) => (operator === '==' ? JSON.stringify(value) : `${operator} ${value}`))
    .join(' and ')
}

function idsOf(result: unknown): readonly string[] {
  const rows: readonly unknown[] = Array.isArray(result) ? result : []
  return rows.flatMap((row) => (typeof row === 'object' && row !== null && 'id' in row ? [String(row.id)] : []))
}
