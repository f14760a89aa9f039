/**
 * What a DATA_DIR is: made at the first start, checked at every later one, moved to another pack when the pack changed.
 */
import { randomBytes } from 'node:crypto'
import { compilePack } from '../rules/compile-pack.ts'
import type { CompiledPack } from '../rules/compiled.ts'
import type { LoadedPack } from '../rules/model.ts'
import type { Clock } from './clock.ts'
import { InstallationError } from './installation-error.ts'
import { initStore } from './store/init-store.ts'
import { type Cluster, type Store, storeFormat } from './store/store.ts'

export type Installation = {
  readonly cluster: Cluster
  readonly pack: CompiledPack
  /** Since when each series of the pack's layout is observed, in the layout's order. */
  readonly observedSince: readonly number[]
}

/** What an installation has to know of its log. */
export type InstalledLog = {
  readonly identity: string
  /** Whether nothing was ever read or decided from it. */
  isFresh(): Promise<boolean>
  /** Other processes that work on it now. */
  others(): Promise<readonly unknown[]>
}

/**
 * Reads or makes the installation's record and puts the pack in force.
 *
 * A series that the record does not know yet is observed from now on: its past is unknown, not zero. On the first start every
 * series is observed since `completeSince`.
 *
 * @throws InstallationError when the partition count, the kind of clock or the log is not the first start's, when the customers are
 *   gone but their log is not, and when other nodes run another pack
 */
export async function openInstallation(
  store: Store,
  loaded: LoadedPack,
  options: {
    readonly partitions: number
    readonly clock: Clock
    /** Only for the first start; the clock's now when absent. */
    readonly completeSince?: number | undefined
    /** Only for the first start: random when absent. */
    readonly salt?: string | undefined
    readonly log: InstalledLog
  },
): Promise<Installation> {
  const pack = compilePack(loaded)
  const found = await store.cluster()
  const { log } = options
  if (found === null) {
    if (!(await log.isFresh()))
      throw new InstallationError(
        'state_missing',
        'The store holds no customers, but the log shows that there were some: events were read or decisions left. Restore a ' +
          'backup (`proffer restore`). To begin anew instead, use an empty DATA_DIR, or another KAFKA_TOPIC_PREFIX and REDIS_KEY_PREFIX.',
      )
    const completeSince = options.completeSince ?? options.clock.now()
    const first: Cluster = {
      format: storeFormat,
      partitions: options.partitions,
      clock: options.clock.kind,
      log: log.identity,
      salt: options.salt ?? randomBytes(16).toString('hex'),
      completeSince,
      pack: loaded.hash,
      observedSince: {},
    }
    return adopt(store, first, pack, completeSince, (cluster) => initStore(store, cluster))
  }
  checkPartitions(found, options.partitions)
  if (found.clock !== options.clock.kind)
    throw new InstallationError(
      'clock_changed',
      `This DATA_DIR runs on the ${found.clock} clock and cannot be used on the ${options.clock.kind} clock. ` +
        'Use another DATA_DIR, or the clock it was made with (`--clock`).',
    )
  if (found.log !== '' && found.log !== log.identity)
    throw new InstallationError(
      'log_changed',
      `These customers were made from the log "${found.log}" and this is "${log.identity}". ` +
        'Use the log they belong to; their positions say nothing about another one.',
    )
  if (found.pack !== loaded.hash && (await log.others()).length > 0)
    throw new InstallationError(
      'pack_differs',
      'Other nodes run another rule pack. All nodes run the same one: stop the others first, or start with their PACK.',
    )
  return adopt(store, { ...found, log: log.identity }, pack, options.clock.now(), async (cluster) => {
    if (await store.putCluster(cluster, found)) return cluster
    throw new InstallationError(
      'changed_meanwhile',
      'Another engine changed the installation at the same moment. Start this one again.',
    )
  })
}

/**
 * Compares the partition count with that of the first start.
 * @throws InstallationError `partitions_changed`
 */
export function checkPartitions(found: Cluster | null, partitions: number): void {
  if (found === null || found.partitions === partitions) return
  throw new InstallationError(
    'partitions_changed',
    `This installation was made with ${found.partitions} partitions and PARTITIONS is ${partitions}. ` +
      `Set PARTITIONS=${found.partitions}: customers would otherwise be looked for in the wrong place.`,
  )
}

/** Stores pack and series; the pack text first, so that the record never names a pack that is not kept. */
async function adopt(
  store: Store,
  cluster: Cluster,
  pack: CompiledPack,
  newSince: number,
  keep: (cluster: Cluster) => Promise<Cluster>,
): Promise<Installation> {
  const { loaded, layout } = pack
  // Only the series of this pack: one that another pack left out was not recorded meanwhile, so it begins anew.
  const observed: Record<string, number> = {}
  for (const { key } of layout.series) observed[key] = cluster.observedSince[key] ?? newSince
  await store.putPack(loaded.hash, JSON.stringify(loaded.model))
  const next = await keep({ ...cluster, pack: loaded.hash, observedSince: observed })
  return {
    cluster: next,
    pack,
    observedSince: layout.series.map((series) => observed[series.key] ?? Number.POSITIVE_INFINITY),
  }
}
