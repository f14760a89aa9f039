import { RuleBoard } from '../../engine/shard/rule-board.ts'
import { guardsOf } from '../../engine/shard/rule-guards.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { ruleNames } from '../../rules/rule-names.ts'

/** A pack compiled as a shard has it: each rule says that it is being asked, and what it throws is caught. */
export function guardedPack(pack: LoadedPack): CompiledPack {
  const names = ruleNames(pack.model)
  const board = new RuleBoard(RuleBoard.make(names.length, 1))
  return compilePack(pack, guardsOf(names, board, board.markOf(0), null))
}
