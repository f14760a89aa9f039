/** Which rules an index can skip: each rule is filed under the equality that tells most rules apart. */
import type { BoolTree } from './expression.ts'

/** What an index is over: a string or number of the event, or a variable of the frame. */
export type Discriminator =
  | { readonly kind: 'eventString'; readonly field: string }
  | { readonly kind: 'eventNumber'; readonly field: string }
  | { readonly kind: 'variable'; readonly index: number }

/** A rule, and the conjuncts that are still to be tested. */
export type Assignment = { readonly rule: number; readonly conjuncts: readonly BoolTree[] }

/** Rules filed under the values of one discriminator, ascending under each value. */
export type IndexGroup = {
  readonly by: Discriminator
  readonly values: ReadonlyMap<string | number, readonly Assignment[]>
}

/** Fewer rules than this on one discriminator are cheaper to test than to look up. */
const rulesMin = 8

/** A rule is copied to every value it names; beyond this many it is tested always instead. */
const valuesMax = 8

/**
 * Files rules, given as their conjuncts, under discriminators.
 *
 * A rule goes where the most distinct values are, because there the fewest other rules stand beside it. Rules without an
 * equality, and those on discriminators that would not pay, are the `rest`.
 */
export function assignRules(rules: readonly (readonly BoolTree[])[]): {
  readonly rest: readonly Assignment[]
  readonly groups: readonly IndexGroup[]
} {
  const candidates = rules.map((conjuncts) => conjuncts.flatMap((conjunct) => candidateOf(conjunct) ?? []))
  const distinct = distinctValues(candidates)
  const rest: Assignment[] = []
  const filed = new Map<string, { by: Discriminator; values: Map<string | number, Assignment[]> }>()
  for (const [rule, conjuncts] of rules.entries()) {
    const best = bestOf(candidates[rule] ?? [], distinct)
    if (best === null) {
      rest.push({ rule, conjuncts })
      continue
    }
    const assignment = { rule, conjuncts: conjuncts.filter((conjunct) => conjunct !== best.conjunct) }
    const group = filed.get(best.key) ?? { by: best.by, values: new Map() }
    filed.set(best.key, group)
    for (const value of best.values) {
      const rules = group.values.get(value)
      if (rules === undefined) group.values.set(value, [assignment])
      else rules.push(assignment)
    }
  }
  return { rest, groups: [...filed.values()] }
}

type Candidate = {
  readonly key: string
  readonly by: Discriminator
  readonly values: readonly (string | number)[]
  readonly conjunct: BoolTree
}

function candidateOf(conjunct: BoolTree): Candidate | null {
  const by = discriminatorOf(conjunct)
  if (by === null || (conjunct.kind !== 'stringIn' && conjunct.kind !== 'numberIn')) return null
  if (conjunct.values.length > valuesMax) return null
  return { key: `${by.kind} ${by.kind === 'variable' ? by.index : by.field}`, by, values: conjunct.values, conjunct }
}

function discriminatorOf(conjunct: BoolTree): Discriminator | null {
  if (conjunct.kind === 'stringIn' && conjunct.left.kind === 'eventString') return conjunct.left
  if (conjunct.kind !== 'numberIn') return null
  return conjunct.left.kind === 'eventNumber' || conjunct.left.kind === 'variable' ? conjunct.left : null
}

function distinctValues(rules: readonly (readonly Candidate[])[]): ReadonlyMap<string, number> {
  const values = new Map<string, { readonly seen: Set<string | number>; readonly rules: Set<number> }>()
  for (const [rule, candidates] of rules.entries()) {
    for (const candidate of candidates) {
      const entry = values.get(candidate.key) ?? { seen: new Set(), rules: new Set() }
      values.set(candidate.key, entry)
      entry.rules.add(rule)
      for (const value of candidate.values) entry.seen.add(value)
    }
  }
  const paying = [...values].filter(([, entry]) => entry.rules.size >= rulesMin && entry.seen.size > 1)
  return new Map(paying.map(([key, entry]) => [key, entry.seen.size]))
}

function bestOf(candidates: readonly Candidate[], distinct: ReadonlyMap<string, number>): Candidate | null {
  let best: Candidate | null = null
  let most = 0
  for (const candidate of candidates) {
    const values = (distinct.get(candidate.key) ?? 0) / candidate.values.length
    if (values > most) {
      most = values
      best = candidate
    }
  }
  return best
}
