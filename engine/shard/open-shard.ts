import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { ruleNames } from '../../rules/rule-names.ts'
import { openCodecs, type SchemaPlace } from '../../sinks/codecs.ts'
import { createStates } from '../state/flat-states.ts'
import { createStepContext, productionFilters } from '../step/step-context.ts'
import { openResources, resourcesPlaceOf } from '../store/open-resources.ts'
import { openStore, type StorePlace } from '../store/open-store.ts'
import { createFailpoint, type FailAt } from './failpoint.ts'
import { RuleBoard } from './rule-board.ts'
import { guardsOf, type RuleTrap } from './rule-guards.ts'
import { type Past, SeriesPast, storedLayout } from './series-past.ts'
import { ShardCore } from './shard-core.ts'
import type { ShardPort } from './shard-port.ts'
import { ShardRules } from './shard-rules.ts'

/** What a shard is made of, as plain data, so that it can be made in a worker thread. */
export type ShardData = {
  readonly store: StorePlace
  readonly pack: LoadedPack
  /** What learned propensities are drawn from; absent: from their priors alone. */
  readonly learned?: LoadedLearned | null
  /** Secret of the installation. */
  readonly salt: string
  /** Since when series are observed, and what may still be filled of them. */
  readonly past: Past
  /** Memory for cached customers. */
  readonly cacheBytes: number
  /** Memory for the ids that a backfill has to remember. */
  readonly fillBytes: number
  readonly schemas: SchemaPlace
  readonly partitions: number
  readonly clock: 'wall' | 'event'
  /** The node's, see `rule-board.ts`, and which of its shards this is. */
  readonly board: SharedArrayBuffer
  readonly shard: number
  /** Only tests set these. */
  readonly failAt: FailAt | null
  readonly trap: RuleTrap | null
}

/** Makes a shard with its own store connection, cache and compiled pack. */
export function openShard(data: ShardData): ShardPort {
  const names = ruleNames(data.pack.model)
  const board = new RuleBoard(data.board, names.length)
  const mark = board.markOf(data.shard)
  const pack = compilePack(data.pack, guardsOf(names, board, mark, data.trap))
  const { observedSince } = new SeriesPast(pack.layout, data.past)
  const states = createStates(storedLayout(pack.layout, data.past.added), { maxBytes: data.cacheBytes, observedSince })
  const learned = data.learned ?? null
  const context = createStepContext(pack, states, data.salt, productionFilters, learned)
  return new ShardCore({
    store: openStore(data.store),
    resources: openResources(resourcesPlaceOf(data.store)),
    states,
    context,
    rules: new ShardRules({ board, mark, pack, context, learned }),
    codecs: openCodecs(data.schemas),
    partitions: data.partitions,
    clock: data.clock,
    failpoint: createFailpoint(data.failAt),
    past: data.past,
    fillBytes: data.fillBytes,
  })
}
