/** Who watches the rules of a node, and what the log says of it. */
import type { Model } from '../rules/model.ts'
import { type Clock, machineTiming } from './clock.ts'
import type { Logger } from './log.ts'
import { processCpuMs, RuleWatch, type WatchNews } from './shard/rule-watch.ts'

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
