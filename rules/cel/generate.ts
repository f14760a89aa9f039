/**
 * From typed trees to JavaScript. Two texts for each condition, one for each answer; negation swaps them. Nothing the
 * author wrote becomes code: names are JSON literals, numbers are printed by us, lists are bound through an array.
 *
 * Generated code sees: `lo`, `hi` (the frame), `e` (event data, an empty object when there is none), `k` (bound values),
 * `r` (runtime.ts), `s0`, `s1` (strings bound by macros) and its own `t` variables.
 */
import type { BoolTree, NumberTree, StringTree } from './expression.ts'

/** Collects what the text of one function needs beside the text. */
export class Generator {
  /** Values bound to the function, by index. */
  readonly bound: unknown[] = []
  #temporaries = 0

  /** The text of "true whatever the unknowns are". */
  must(tree: BoolTree): string {
    return this.#bool(tree, 'must')
  }

  /** The text of "true for at least one value of the unknowns". */
  may(tree: BoolTree): string {
    return this.#bool(tree, 'may')
  }

  /** The text of the low end of a number. */
  low(tree: NumberTree): string {
    const { before, low } = this.#interval(tree)
    return sequence(before, low)
  }

  /** Declares the variables that the texts made so far use; empty when they use none. */
  declarations(): string {
    if (this.#temporaries === 0) return ''
    return `let ${Array.from({ length: this.#temporaries }, (_, i) => `t${i}`).join(', ')};`
  }

  #temporary(): string {
    return `t${this.#temporaries++}`
  }

  #bind(value: unknown): string {
    this.bound.push(value)
    return `k[${this.bound.length - 1}]`
  }

  #bool(tree: BoolTree, answer: 'must' | 'may'): string {
    const must = answer === 'must'
    switch (tree.kind) {
      case 'bool':
        return String(tree.value)
      case 'flag':
        return must ? `(lo[${tree.index}] >= 1)` : `(hi[${tree.index}] >= 1)`
      case 'eventFlag':
        return must ? `(${field(tree.field)} === true)` : `(${field(tree.field)} !== false)`
      case 'present':
        return `(${field(tree.field)} != null)`
      case 'not':
        return `!${this.#bool(tree.of, must ? 'may' : 'must')}`
      case 'and':
        return `(${this.#bool(tree.left, answer)} && ${this.#bool(tree.right, answer)})`
      case 'or':
        return `(${this.#bool(tree.left, answer)} || ${this.#bool(tree.right, answer)})`
      case 'same':
        return this.#same(tree.left, tree.right, answer)
      case 'choose':
        return this.#choose(tree, answer)
      case 'less':
      case 'lessOrEqual':
      case 'equal':
        return this.#compare(tree, answer)
      case 'numberIn':
        return this.#numberIn(tree.left, tree.values, answer)
      case 'stringIn':
      case 'sameString':
      case 'startsWith':
      case 'endsWith':
      case 'contains':
        return this.#stringTest(tree, answer)
      case 'inEventList': {
        const list = this.#temporary()
        const needle = this.#string(tree.needle)
        const value = this.#temporary()
        const holds = `${list}.includes(${value})`
        const read = `${list} = r.listOf(${field(tree.field)}), ${value} = ${needle}`
        if (must) return `(${read}, ${list} !== null && ${value} != null && ${holds})`
        return `(${read}, ${list} === null || (${value} == null ? ${list}.length > 0 : ${holds}))`
      }
      case 'exists':
      case 'all': {
        const list = this.#temporary()
        const read = `(${list} = r.listOf(${field(tree.field)}))`
        const walk = `${list}.${tree.kind === 'exists' ? 'some' : 'every'}((s${tree.slot}) => ${this.#bool(tree.body, answer)})`
        return must ? `(${read} !== null && ${walk})` : `(${read} === null || ${walk})`
      }
    }
  }

  /** Equality of two truth values; a constant side needs no second text of the other. */
  #same(left: BoolTree, right: BoolTree, answer: 'must' | 'may'): string {
    const [constant, other] = left.kind === 'bool' ? [left, right] : [right, left]
    const opposite = answer === 'must' ? 'may' : 'must'
    if (constant.kind === 'bool') {
      return constant.value ? this.#bool(other, answer) : `!${this.#bool(other, opposite)}`
    }
    const bothTrue = `(${this.#bool(left, answer)} && ${this.#bool(right, answer)})`
    return `(${bothTrue} || (!${this.#bool(left, opposite)} && !${this.#bool(right, opposite)}))`
  }

  /** must = (must c | must b) & (!may c | must a); may = (may c & may a) | (!must c & may b). */
  #choose(tree: BoolTree & { readonly kind: 'choose' }, answer: 'must' | 'may'): string {
    const certain = this.#bool(tree.test, 'must')
    const possible = this.#bool(tree.test, 'may')
    const yes = this.#bool(tree.yes, answer)
    const no = this.#bool(tree.no, answer)
    if (answer === 'must') return `((${certain} || ${no}) && (!${possible} || ${yes}))`
    return `((${possible} && ${yes}) || (!${certain} && ${no}))`
  }

  #compare(tree: BoolTree & { readonly kind: 'less' | 'lessOrEqual' | 'equal' }, answer: 'must' | 'may'): string {
    const a = this.#interval(tree.left)
    const b = this.#interval(tree.right)
    const before = [...a.before, ...b.before]
    const [lower, higher] = answer === 'must' ? [a.high, b.low] : [a.low, b.high]
    if (tree.kind === 'less') return sequence(before, `${lower} < ${higher}`)
    if (tree.kind === 'lessOrEqual') return sequence(before, `${lower} <= ${higher}`)
    if (answer === 'must') return sequence(before, `${a.low} === ${b.high} && ${a.high} === ${b.low}`)
    return sequence(before, `${a.low} <= ${b.high} && ${a.high} >= ${b.low}`)
  }

  #numberIn(left: NumberTree, values: readonly number[], answer: 'must' | 'may'): string {
    const { before, low, high } = this.#interval(left)
    const [only = Number.NaN] = values
    if (values.length === 1) {
      const value = number(only)
      const test =
        answer === 'must' ? `${low} === ${value} && ${high} === ${value}` : `${low} <= ${value} && ${high} >= ${value}`
      return sequence(before, test)
    }
    if (answer === 'may') return sequence(before, `r.anyWithin(${this.#bind(values)}, ${low}, ${high})`)
    return sequence(before, `${low} === ${high} && ${this.#bind(new Set(values))}.has(${low})`)
  }

  #stringTest(
    tree: BoolTree & { readonly kind: 'stringIn' | 'sameString' | 'startsWith' | 'endsWith' | 'contains' },
    answer: 'must' | 'may',
  ): string {
    const left = this.#temporary()
    const read = `${left} = ${this.#string(tree.left)}`
    if (tree.kind === 'stringIn') {
      const [only = ''] = tree.values
      const test =
        tree.values.length === 1
          ? `${left} === ${JSON.stringify(only)}`
          : `${this.#bind(new Set(tree.values))}.has(${left})`
      return answer === 'must' ? `(${read}, ${test})` : `(${read}, ${left} == null || ${test})`
    }
    const right = this.#temporary()
    const both = `${read}, ${right} = ${this.#string(tree.right)}`
    const method = tree.kind === 'contains' ? 'includes' : tree.kind
    const test = tree.kind === 'sameString' ? `${left} === ${right}` : `${left}.${method}(${right})`
    return answer === 'must'
      ? `(${both}, ${left} != null && ${right} != null && ${test})`
      : `(${both}, ${left} == null || ${right} == null || ${test})`
  }

  #string(tree: StringTree): string {
    if (tree.kind === 'string') return `(${JSON.stringify(tree.value)})`
    return tree.kind === 'bound' ? `s${tree.slot}` : field(tree.field)
  }

  /** Statements to run first, then the two ends as texts that may be used any number of times. */
  #interval(tree: NumberTree): { readonly before: readonly string[]; readonly low: string; readonly high: string } {
    switch (tree.kind) {
      case 'number':
        return { before: [], low: number(tree.value), high: number(tree.value) }
      case 'variable':
        return { before: [], low: `lo[${tree.index}]`, high: `hi[${tree.index}]` }
      case 'eventNumber':
        return { before: [], low: `r.fieldLow(${field(tree.field)})`, high: `r.fieldHigh(${field(tree.field)})` }
      case 'eventSize': {
        const list = field(tree.field)
        return { before: [], low: `r.sizeOr(${list}, -Infinity)`, high: `r.sizeOr(${list}, Infinity)` }
      }
      case 'arithmetic':
        return this.#arithmetic(tree)
      case 'chooseNumber': {
        const yes = this.#interval(tree.yes)
        const no = this.#interval(tree.no)
        const [certain, possible, low, high] = [1, 2, 3, 4].map(() => this.#temporary())
        const tests = [
          `${certain} = ${this.#bool(tree.test, 'must')}`,
          `${possible} = ${this.#bool(tree.test, 'may')}`,
          `${low} = ${certain} ? ${yes.low} : ${possible} ? Math.min(${yes.low}, ${no.low}) : ${no.low}`,
          `${high} = ${certain} ? ${yes.high} : ${possible} ? Math.max(${yes.high}, ${no.high}) : ${no.high}`,
        ]
        return { before: [...yes.before, ...no.before, ...tests], low: `${low}`, high: `${high}` }
      }
    }
  }

  #arithmetic(tree: NumberTree & { readonly kind: 'arithmetic' }) {
    const a = this.#interval(tree.left)
    const b = this.#interval(tree.right)
    const low = this.#temporary()
    const high = this.#temporary()
    const corners = `${a.low}, ${a.high}, ${b.low}, ${b.high}`
    const [lowText, highText] = {
      '+': [`r.sumLow(${a.low}, ${b.low})`, `r.sumHigh(${a.high}, ${b.high})`],
      '-': [`r.sumLow(${a.low}, -(${b.high}))`, `r.sumHigh(${a.high}, -(${b.low}))`],
      '*': [`r.productLow(${corners})`, `r.productHigh(${corners})`],
      '/': [`r.quotientLow(${corners})`, `r.quotientHigh(${corners})`],
    }[tree.operator]
    return { before: [...a.before, ...b.before, `${low} = ${lowText}`, `${high} = ${highText}`], low, high }
  }
}

/** A field of the event. */
export function field(name: string): string {
  return `e[${JSON.stringify(name)}]`
}

function number(value: number): string {
  return value < 0 ? `(${value})` : String(value)
}

function sequence(before: readonly string[], text: string): string {
  return before.length === 0 ? `(${text})` : `(${before.join(', ')}, ${text})`
}
