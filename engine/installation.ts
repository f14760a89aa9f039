/**
 * What a DATA_DIR is: made at the first start, checked at every later one, moved to another pack when the pack changed.
 */
import { randomBytes } from 'node:crypto'
import { compilePack } from '../rules/compile-pack.ts'
import type { CompiledPack } from '../rules/compiled.ts'
import type { LoadedPack } from '../rules/model.ts'
import type { Clock } from './clock.ts'
import { initStore } from './store/init-store.ts'
import { type Cluster, type Store, storeFormat } from './store/store.ts'

/** A DATA_DIR that cannot be used as asked; the message says what to do. */
export class InstallationError extends Error {
  readonly code: 'partitions_changed' | 'clock_changed' | 'changed_meanwhile'
  constructor(code: InstallationError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export type Installation = {
  readonly cluster: Cluster
  readonly pack: CompiledPack
  /** Since when each series of the pack's layout is observed, in the layout's order. */
  readonly observedSince: readonly number[]
}

/**
 * Reads or makes the installation's record and puts the pack in force.
 *
 * A series that the record does not know yet is observed from now on: its past is unknown, not zero. On the first start every
 * series is observed since `completeSince`.
 *
 * @throws InstallationError when the partition count or the kind of clock differs from the first start's
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
  },
): Promise<Installation> {
  const pack = compilePack(loaded)
  const found = await store.cluster()
  if (found === null) {
    const completeSince = options.completeSince ?? options.clock.now()
    const first: Cluster = {
      format: storeFormat,
      partitions: options.partitions,
      clock: options.clock.kind,
      salt: options.salt ?? randomBytes(16).toString('hex'),
      completeSince,
      pack: loaded.hash,
      observedSince: {},
    }
    return adopt(store, first, pack, completeSince, (cluster) => initStore(store, cluster))
  }
  if (found.partitions !== options.partitions)
    throw new InstallationError(
      'partitions_changed',
      `This DATA_DIR was made with ${found.partitions} partitions and PARTITIONS is ${options.partitions}. ` +
        `Set PARTITIONS=${found.partitions}: customers would otherwise be looked for in the wrong place.`,
    )
  if (found.clock !== options.clock.kind)
    throw new InstallationError(
      'clock_changed',
      `This DATA_DIR runs on the ${found.clock} clock and cannot be used on the ${options.clock.kind} clock. ` +
        'Use another DATA_DIR, or the clock it was made with (`--clock`).',
    )
  return adopt(store, found, pack, options.clock.now(), async (cluster) => {
    if (await store.putCluster(cluster, found)) return cluster
    throw new InstallationError(
      'changed_meanwhile',
      'Another engine changed the installation at the same moment. Start this one again.',
    )
  })
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
