import type { Codecs } from '../../sinks/codecs.ts'
import type { FlatStates } from '../state/flat-states.ts'
import type { StepContext } from '../step/step.ts'
import type { Resources } from '../store/resource.ts'
import type { Store } from '../store/store.ts'
import type { Failpoint } from './failpoint.ts'
import type { Past } from './series-past.ts'
import type { OpenEdition } from './shard-editions.ts'
import type { ShardRules } from './shard-rules.ts'

/** What a shard is made of. */
export type ShardCoreOptions = {
  readonly store: Store
  readonly states: FlatStates
  /** The step's context over those states. */
  readonly context: StepContext
  readonly rules: ShardRules
  readonly codecs: Codecs
  /** Partitions of the log. */
  readonly partitions: number
  /** `event`: `now` follows the append times of the log. */
  readonly clock: 'wall' | 'event'
  readonly failpoint: Failpoint
  readonly past: Past
  /** Closed with the shard. */
  readonly resources: Resources
  /** Most memory for the ids that a backfill has to remember. */
  readonly fillBytes: number
  /** Opens another pack beside the one in force; absent: none can be put in force. */
  readonly open?: OpenEdition
}
