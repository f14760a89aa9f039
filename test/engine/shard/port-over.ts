import { openShard } from '../../../engine/shard/open-shard.ts'
import { RuleBoard } from '../../../engine/shard/rule-board.ts'
import type { ShardPort } from '../../../engine/shard/shard-port.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import { nothingAdded } from '../../../engine/store/store.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { partitions, salt } from './data-folder.ts'

/** A shard over the customers of a data folder, of which a test answers some calls itself: those that `changed` has. */
export function portOver(
  store: StorePlace,
  pack: LoadedPack,
  changed: (shard: ShardPort) => Partial<ShardPort>,
): ShardPort {
  const shard = openShard({
    store,
    pack,
    salt,
    past: { observedSince: {}, ...nothingAdded },
    fillBytes: 2 ** 20,
    cacheBytes: 2 ** 24,
    schemas: { kind: 'own' },
    partitions,
    clock: 'wall',
    board: RuleBoard.make(ruleNames(pack.model).length, 1),
    shard: 0,
    failAt: null,
    trap: null,
  })
  return {
    acquire: (...args) => shard.acquire(...args),
    batch: (task) => shard.batch(task),
    adopt: (task) => shard.adopt(task),
    amend: (task) => shard.amend(task),
    fill: (task) => shard.fill(task),
    learn: (past) => shard.learn(past),
    prepare: (task) => shard.prepare(task),
    forget: () => shard.forget(),
    switchTo: (...args) => shard.switchTo(...args),
    resend: (partition) => shard.resend(partition),
    outbox: (...args) => shard.outbox(...args),
    view: (...args) => shard.view(...args),
    copy: (...args) => shard.copy(...args),
    permit: (...args) => shard.permit(...args),
    release: (partition) => shard.release(partition),
    owner: (partition) => shard.owner(partition),
    storeNow: () => shard.storeNow(),
    usage: () => shard.usage(),
    close: () => shard.close(),
    ...changed(shard),
  }
}
