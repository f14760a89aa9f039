import type { BoolTree } from '../../rules/cel/expression.ts'
import { eachCombination } from './cases.ts'
import type { Domain } from './domains.ts'
import { isTrue } from './rule-texts.ts'

/** What a condition comes to for values that may be unknown: by trying the known values they may stand for. */
export type Answer = 'never' | 'possibly' | 'certainly'

/**
 * A condition over the dimensions of an enumeration. Each combination of its own variables is worked out once.
 *
 * @param tree null: no condition, which is as one that is always true
 * @param domains the dimensions; every variable the condition reads is among them
 */
export class Answers {
  readonly #tree: BoolTree | null
  readonly #domains: readonly Domain[]
  /** Of the dimensions that the condition reads: their positions, and the weight of each in the number of a combination. */
  readonly #positions: readonly number[]
  readonly #weights: readonly number[]
  readonly #known: Map<number, Answer> = new Map()
  readonly #values: Float64Array

  constructor(tree: BoolTree | null, reads: readonly number[], domains: readonly Domain[], variables: number) {
    this.#tree = tree
    this.#domains = domains
    this.#positions = domains.flatMap((domain, i) => (reads.includes(domain.variable.index) ? [i] : []))
    let weight = 1
    this.#weights = this.#positions.map((position) => {
      const own = weight
      weight *= domains[position]?.values.length ?? 1
      return own
    })
    this.#values = new Float64Array(variables)
  }

  /** The answer where dimension `i` has its `at[i]`-th value. */
  at(at: Int32Array): Answer {
    if (this.#tree === null) return 'certainly'
    let number = 0
    for (let i = 0; i < this.#positions.length; i++) number += at[this.#positions[i]!]! * this.#weights[i]!
    const known = this.#known.get(number)
    if (known !== undefined) return known
    const answer = this.#workOut(this.#tree, at)
    this.#known.set(number, answer)
    return answer
  }

  #workOut(tree: BoolTree, at: Int32Array): Answer {
    const own = this.#positions.map((position) => {
      const domain = this.#domains[position]
      return { variable: domain?.variable.index ?? 0, points: domain?.values[at[position]!]?.points ?? [] }
    })
    let some = false
    let all = true
    eachCombination(
      own.map(({ points }) => points.length),
      (choice) => {
        for (const [i, { variable, points }] of own.entries()) this.#values[variable] = points[choice[i]!]!
        if (isTrue(tree, this.#values)) some = true
        else all = false
        return !some || all
      },
    )
    return some ? (all ? 'certainly' : 'possibly') : 'never'
  }
}
