import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { compileInSlices } from '../../rules/compile-pack.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack, Model } from '../../rules/model.ts'
import { ruleNames } from '../../rules/rule-names.ts'
import { atOnce, type Slices } from '../../rules/slices.ts'
import { inSlices, rests } from '../../rules/spread-slices.ts'
import { openCodecs, type SchemaPlace } from '../../sinks/codecs.ts'
import { CustomerMemory } from '../state/customer-memory.ts'
import { createStates, type FlatStates } from '../state/flat-states.ts'
import { contextInSlices, productionFilters } from '../step/step-context.ts'
import { openResources, resourcesPlaceOf } from '../store/open-resources.ts'
import { openStore, type StorePlace } from '../store/open-store.ts'
import type { EditionParts } from './edition.ts'
import { createFailpoint, type FailAt } from './failpoint.ts'
import { RuleBoard, type WorkMark } from './rule-board.ts'
import { guardsOf, type RuleTrap } from './rule-guards.ts'
import { type Past, SeriesPast, storedLayout } from './series-past.ts'
import { ShardCore } from './shard-core.ts'
import type { PackTask, ShardPort } from './shard-port.ts'
import { ShardRules } from './shard-rules.ts'
import { warmUp } from './warm-up.ts'

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
  /** The numbers of the pack's rules on it, in the order of `ruleNames`; absent: from 1 on. */
  readonly rules?: readonly number[]
  /** Only tests set these. */
  readonly failAt: FailAt | null
  readonly trap: RuleTrap | null
  readonly deaf?: DeafTo | null
}

/** What a shard of a test never answers. */
export type DeafTo = { readonly shard: number; readonly to: 'prepare' | 'switch' }

/** A slice of the compilation of a pack, beside the batches. */
const sliceMs = 1

/** Makes a shard with its own store connection, cache and compiled pack. */
export function openShard(data: ShardData): ShardPort {
  const board = new RuleBoard(data.board)
  const mark = board.markOf(data.shard)
  const tools = { board, mark, memory: new CustomerMemory(data.cacheBytes) }
  const first = atOnce(
    editionInSlices(data, tools, { loaded: data.pack, past: data.past, rules: data.rules, before: null }),
  )
  const { deaf = null } = data
  const core = new ShardCore({
    ...first,
    store: openStore(data.store),
    resources: openResources(resourcesPlaceOf(data.store)),
    codecs: openCodecs(data.schemas),
    partitions: data.partitions,
    clock: data.clock,
    failpoint: createFailpoint(data.failAt),
    fillBytes: data.fillBytes,
    open: async ({ packHash, model, rules, past }: PackTask, { states }, isOver) => {
      const parsed: Model = JSON.parse(model)
      await setImmediate()
      const loaded = { model: parsed, hash: packHash }
      return inSlices(editionInSlices(data, tools, { loaded, past, rules, before: states }), {
        sliceMs,
        elapsed: () => performance.now(),
        pause: rests(),
        isOver,
      })
    },
  })
  if (deaf !== null && deaf.shard === data.shard) {
    const never = (): Promise<never> => new Promise(() => {})
    if (deaf.to === 'prepare') core.prepare = never
    else core.switchTo = never
  }
  return core
}

/** What a shard works with under a pack. Of the same layout: it goes on with the customers that are cached; else their memory is used again. */
function* editionInSlices(
  data: ShardData,
  { board, mark, memory }: { readonly board: RuleBoard; readonly mark: WorkMark; readonly memory: CustomerMemory },
  of: {
    readonly loaded: LoadedPack
    readonly past: Past
    readonly rules: readonly number[] | undefined
    readonly before: FlatStates | null
  },
): Slices<EditionParts> {
  const { loaded, past, before } = of
  const names = ruleNames(loaded.model)
  const pack = yield* compileInSlices(loaded, guardsOf(names, board, mark, data.trap, of.rules))
  const { observedSince } = new SeriesPast(pack.layout, past)
  const layout = storedLayout(pack.layout, past.added)
  yield
  const isSame = before !== null && JSON.stringify(before.layout) === JSON.stringify(layout)
  yield
  const states = isSame ? before : createStates(layout, { memory, observedSince })
  const learned = data.learned ?? null
  const context = yield* contextInSlices(pack, states, data.salt, productionFilters, learned)
  if (before !== null) yield* warmUp(context)
  const numbers = of.rules === undefined ? {} : { numbers: of.rules }
  return { states, context, rules: new ShardRules({ board, mark, pack, context, learned, ...numbers }), past }
}
