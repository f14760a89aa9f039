/** What each rule of a shard runs under, and the traps that tests put into them. */
import type { Guard, Guards } from '../../rules/cel/guard.ts'
import type { RuleBoard, WorkMark } from './rule-board.ts'

/** A host function that a test puts in front of a rule. As data, so that it can cross to a worker thread. */
export type RuleTrap = {
  /** Name of the rule. */
  readonly rule: string
  /** `loop_unseen`: endless as well, but nothing tells that the rule was being asked, as in code that is no rule's. */
  readonly how: 'loop' | 'loop_unseen' | 'throw'
  /** From which time on that a thread asks the rule, from 1. */
  readonly from: number
}

/**
 * The guards of a shard's rules.
 * @param names of all rules of the pack, see `ruleNames`
 * @param numbers of the rules on the board, in the same order; absent: from 1 on
 */
export function guardsOf(
  names: readonly string[],
  board: Pick<RuleBoard, 'threw'>,
  mark: Pick<WorkMark, 'asked' | 'counts'>,
  trap: RuleTrap | null,
  numbers?: readonly number[],
): Guards {
  const numberOf = new Map(names.map((name, i) => [name, numbers?.[i] ?? i + 1]))
  const { asked } = mark
  const threw = (rule: number): void => {
    if (mark.counts) board.threw(rule)
  }
  return (name): Guard | null => {
    const rule = numberOf.get(name)
    if (rule === undefined) return null
    return { rule, asked, threw, trap: trap?.rule === name ? createTrap(trap, asked) : null }
  }
}

function createTrap({ how, from }: RuleTrap, asked: Int32Array): () => void {
  let times = 0
  return () => {
    times++
    if (times < from) return
    if (how === 'throw') throw new Error('the host function of a test threw')
    if (how === 'loop_unseen') asked[0] = 0
    for (;;) times++
  }
}
