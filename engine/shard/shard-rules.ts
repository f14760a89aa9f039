import { FilterFault } from '../../rules/cel/guard.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import { formOf } from '../../rules/pack-form.ts'
import { ruleNames } from '../../rules/rule-names.ts'
import { sourceKey } from '../../rules/source-table.ts'
import type { StepContext } from '../step/step.ts'
import { putInForce } from '../step/step-context.ts'
import { RuleBoard, WorkMark } from './rule-board.ts'

export type ShardRulesParts = {
  readonly board: RuleBoard
  readonly mark: WorkMark
  /** With every rule in service. */
  readonly pack: CompiledPack
  readonly context: StepContext
  readonly learned: LoadedLearned | null
  /** The numbers of its rules on the board, in the order of `ruleNames`; absent: from 1 on. */
  readonly numbers?: readonly number[]
}

/** How a shard works under watch: says what it works on, and goes by the quarantine that the node's board tells. */
export class ShardRules {
  /** Where the shard says what it works on. */
  readonly mark: WorkMark
  readonly #parts: ShardRulesParts
  readonly #names: readonly string[]
  readonly #numbers: readonly number[]
  #edition = -1
  #quarantined: readonly string[] = []
  #revoked: readonly string[] = []
  /** By partition, of this edition. */
  readonly #poisoned = new Map<number, ReadonlySet<number>>()

  constructor(parts: ShardRulesParts) {
    this.mark = parts.mark
    this.#parts = parts
    this.#names = ruleNames(parts.pack.loaded.model)
    this.#numbers = parts.numbers ?? this.#names.map((_, i) => i + 1)
  }

  /** One that nobody watches: nothing is ever quarantined. */
  static alone(context: StepContext): ShardRules {
    const { pack } = context
    const rules = ruleNames(pack.loaded.model).length
    return new ShardRules({
      board: new RuleBoard(RuleBoard.make(rules, 0)),
      mark: WorkMark.alone(),
      pack,
      context,
      learned: null,
    })
  }

  /**
   * Does work on a partition that ends before anything else begins, with the quarantine as it is now. The event at hand becomes
   * poison when the filter of a feature or an attribute throws on it; what is thrown is passed on.
   * @param throws whether those of rules are counted: not when the same work was done before, or is on events of long ago
   */
  during<Result>(partition: number, work: () => Result, throws: 'counted' | 'uncounted' = 'counted'): Result {
    const { board, mark, context } = this.#parts
    this.#refresh()
    // States may be shared by a pack that is being made ready.
    context.states.judgeSources(context.pack.sourceTable)
    mark.begin(partition, throws === 'counted')
    try {
      return work()
    } catch (error) {
      if (error instanceof FilterFault && mark.offset !== null) board.poison(partition, mark.offset)
      throw error
    } finally {
      mark.end()
    }
  }

  /** Names of the rules that were out of service when work was last done, ascending; the same list until that changes. */
  get quarantined(): readonly string[] {
    return this.#quarantined
  }

  /** Ids of the sources that were revoked when work was last done, ascending; the same list until that changes. */
  get revoked(): readonly string[] {
    return this.#revoked
  }

  /** Offsets of events that are not taken; null: there are none. */
  poisoned(partition: number): ReadonlySet<number> | null {
    this.#refresh()
    const offsets = this.#poisoned.get(partition) ?? this.#parts.board.poisoned(partition)
    this.#poisoned.set(partition, offsets)
    return offsets.size === 0 ? null : offsets
  }

  #refresh(): void {
    const { board, pack, context, learned, mark } = this.#parts
    const { edition } = board
    if (edition === this.#edition) return
    this.#edition = edition
    this.#poisoned.clear()
    const out = new Set(this.#names.filter((_, i) => board.isQuarantined(this.#numbers[i] ?? 0)))
    this.#quarantined = [...out].sort()
    const keys = board.revoked()
    const revoked = pack.loaded.model.sources.flatMap(({ id }) => (keys.has(sourceKey(id)) ? [id] : []))
    this.#revoked = revoked.sort()
    const next = formOf(pack, { quarantined: out, revoked: new Set(revoked) })
    if (next !== context.pack) putInForce(context, next, learned)
    mark.goesBy(edition)
  }
}
