/** Where the answers of conditions can change: the constants a variable is compared with. */
import type { BoolTree, NumberTree } from './expression.ts'
import { partsOf } from './expression.ts'

/** The constants that conditions compare a variable with. */
export type Thresholds = {
  /** Ascending, each once. */
  readonly constants: readonly number[]
  /**
   * Whether the variable is read only in comparisons with constants: then no answer changes between two neighbours. Else the
   * constants are all those that occur beside it, and nothing is promised between them.
   */
  readonly exact: boolean
}

/** The constants that the trees compare the variable of an index with. */
export function thresholdsOf(trees: Iterable<BoolTree>, index: number): Thresholds {
  const constants = new Set<number>()
  let exact = true
  const number = (tree: NumberTree): void => {
    switch (tree.kind) {
      case 'number':
        constants.add(tree.value)
        return
      case 'arithmetic':
        number(tree.left)
        number(tree.right)
        return
      case 'chooseNumber':
        visit(tree.test)
        number(tree.yes)
        number(tree.no)
        return
      default:
        return
    }
  }
  const visit = (tree: BoolTree): void => {
    const parts = partsOf(tree)
    for (const part of parts.bools) visit(part)
    const [left, right] = parts.numbers
    if (left === undefined || !parts.numbers.some((part) => reads(part, index))) return
    if (tree.kind === 'numberIn') for (const value of tree.values) constants.add(value)
    const plain = [left, right].every((part) => part === undefined || part.kind === 'number' || isVariable(part, index))
    const alone = right === undefined || left.kind === 'number' || right.kind === 'number'
    if (!plain || !alone) exact = false
    for (const part of parts.numbers) number(part)
  }
  for (const tree of trees) visit(tree)
  return { constants: [...constants].sort((a, b) => a - b), exact }
}

function isVariable(tree: NumberTree, index: number): boolean {
  return tree.kind === 'variable' && tree.index === index
}

function reads(tree: NumberTree | BoolTree, index: number): boolean {
  switch (tree.kind) {
    case 'variable':
    case 'flag':
      return tree.index === index
    case 'arithmetic':
      return reads(tree.left, index) || reads(tree.right, index)
    case 'chooseNumber':
      return [tree.test, tree.yes, tree.no].some((part) => reads(part, index))
    case 'number':
    case 'eventNumber':
    case 'eventSize':
      return false
    default: {
      const { bools, numbers } = partsOf(tree)
      return [...bools, ...numbers].some((part) => reads(part, index))
    }
  }
}
