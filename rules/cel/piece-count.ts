import type { BoolTree, NumberTree } from './expression.ts'

/**
 * How many pieces of JavaScript a tree becomes at least. Ternaries and `==` between conditions write their parts twice, so
 * that this doubles with each nesting: asked before anything is written. Cost: one walk over the tree.
 */
export function pieceCount(tree: BoolTree | NumberTree): number {
  switch (tree.kind) {
    case 'not':
      return pieceCount(tree.of)
    case 'and':
    case 'or':
    case 'less':
    case 'lessOrEqual':
    case 'equal':
    case 'arithmetic':
      return pieceCount(tree.left) + pieceCount(tree.right)
    case 'same': {
      if (tree.left.kind === 'bool') return pieceCount(tree.right)
      if (tree.right.kind === 'bool') return pieceCount(tree.left)
      return 2 * (pieceCount(tree.left) + pieceCount(tree.right))
    }
    case 'choose':
    case 'chooseNumber':
      return 2 * pieceCount(tree.test) + pieceCount(tree.yes) + pieceCount(tree.no)
    case 'numberIn':
      return pieceCount(tree.left)
    case 'exists':
    case 'all':
      return 1 + pieceCount(tree.body)
    default:
      return 1
  }
}
