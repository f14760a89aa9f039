/** Who watches the rules of a node, and what the log says of it. */
import type { Model } from '../rules/model.ts'
import { type Clock, machineTiming } from './clock.ts'
import type { Control } from './control/control-log.ts'
import type { ControlState } from './control/control-state.ts'
import type { Logger } from './log.ts'
import { processCpuMs, RuleWatch, type WatchNews } from './shard/rule-watch.ts'
import { revokedMax } from './shard/source-board.ts'

/** Makes the watch of a node's shards and starts it. */
export function startWatch(parts: {
  readonly model: Model
  readonly shards: number
  readonly stallMs: number
  readonly clock: Clock
  readonly logger: Logger
}): RuleWatch {
  const { model, shards, stallMs, clock, logger } = parts
  const tell = (news: WatchNews): void => logger.error({ ...news }, words[news.kind])
  const watch = new RuleWatch({ model, shards, stallMs, clock, timing: machineTiming, cpuMs: processCpuMs, tell })
  watch.start()
  return watch
}

const words: Readonly<Record<WatchNews['kind'], string>> = {
  quarantined: 'a rule is out of service: what it guards is closed, what it opens stays shut; see `proffer quarantine`',
  replaced: 'a shard did not come back and was begun anew',
  poisoned: 'an event stopped a shard twice and becomes a dead letter',
}

/** Has the shards of the node go without the sources that the control log says are revoked, at once and whenever that changes. */
export function followRevoked(control: Pick<Control, 'state' | 'onChange'>, watch: Pick<RuleWatch, 'revoke'>): void {
  let told: ControlState['revokedSources'] | null = null
  const tell = ({ revokedSources }: ControlState): void => {
    if (revokedSources === told) return
    told = revokedSources
    watch.revoke([...revokedSources.keys()].slice(0, revokedMax))
  }
  tell(control.state)
  control.onChange(tell)
}
