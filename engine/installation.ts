/**
 * What a DATA_DIR is: made at the first start, checked at every later one, moved to another pack when the pack changed.
 */
import { randomBytes } from 'node:crypto'
import { compilePack } from '../rules/compile-pack.ts'
import type { CompiledPack, Layout } from '../rules/compiled.ts'
import type { LoadedPack } from '../rules/model.ts'
import { activatePack } from './activate-pack.ts'
import type { Clock } from './clock.ts'
import { InstallationError } from './installation-error.ts'
import { certificateName } from './proof/certificate.ts'
import { certificateWords, certify } from './proof/certify.ts'
import { clockSkewMs } from './step/admit-event.ts'
import { initStore } from './store/init-store.ts'
import { type Cluster, nothingAdded, type Store, storeFormat } from './store/store.ts'

export type Installation = {
  readonly cluster: Cluster
  readonly pack: CompiledPack
  /** Since when each series of the pack's layout is observed, in the layout's order. */
  readonly observedSince: readonly number[]
  /** Events accepted from this instant on come under the pack, Unix milliseconds; 0: all there are, no other was ever in force. */
  readonly packSince: number
}

/** What an installation has to know of its log. */
export type InstalledLog = {
  readonly identity: string
  /** Whether nothing was ever read or decided from it. */
  isFresh(): Promise<boolean>
  /** Other processes that work on it now. */
  others(): Promise<readonly unknown[]>
}

export type OpenOptions = {
  readonly partitions: number
  readonly clock: Clock
  /** Only for the first start; the clock's now when absent. */
  readonly completeSince?: number | undefined
  /** Only for the first start: random when absent. */
  readonly salt?: string | undefined
  readonly log: InstalledLog
  /** Whether the pack in force stays when it is another one, which fails then; absent: it does not. */
  readonly keepsPack?: boolean
}

/** Others may change the record between reading and writing it, when a backfill ends for example. */
const attemptsMax = 5

/**
 * Reads or makes the installation's record and puts the pack in force, once it is proven that nothing it forbids can leave. The
 * pack's certificate is kept with it; a pack that has one of this checker is not proven again.
 *
 * A series that the record does not know yet is observed from now on: its past is unknown, not zero, until it is filled in. On the
 * first start every series is observed since `completeSince`.
 *
 * @throws InstallationError when the pack is not proven, when the partition count, the kind of clock or the log is not the first
 *   start's, when the customers are gone but their log is not, and when other nodes run another pack
 */
export async function openInstallation(store: Store, loaded: LoadedPack, options: OpenOptions): Promise<Installation> {
  const pack = compilePack(loaded)
  const certificate = await certificateFor(store, pack)
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const found = await store.cluster()
    const opened =
      found === null
        ? await begin(store, pack, certificate, options)
        : await goOn(store, pack, certificate, options, found)
    if (opened !== null) return opened
  }
  throw new InstallationError(
    'changed_meanwhile',
    'Another engine changed the installation at the same moment. Start this one again.',
  )
}

/** The first start; null: another engine made it at the same moment, with another pack. */
async function begin(
  store: Store,
  pack: CompiledPack,
  certificate: string | null,
  options: OpenOptions,
): Promise<Installation | null> {
  const { loaded, layout } = pack
  if (!(await options.log.isFresh()))
    throw new InstallationError(
      'state_missing',
      'The store holds no customers, but the log shows that there were some: events were read or decisions left. Restore a ' +
        'backup (`proffer restore`). To begin anew instead, use an empty DATA_DIR, or another KAFKA_TOPIC_PREFIX and REDIS_KEY_PREFIX.',
    )
  const completeSince = options.completeSince ?? options.clock.now()
  await keepPack(store, loaded, certificate)
  const cluster = await initStore(store, {
    format: storeFormat,
    partitions: options.partitions,
    clock: options.clock.kind,
    log: options.log.identity,
    salt: options.salt ?? randomBytes(16).toString('hex'),
    completeSince,
    pack: loaded.hash,
    observedSince: Object.fromEntries(layout.series.map(({ key }) => [key, completeSince])),
    ...nothingAdded,
  })
  return cluster.pack === loaded.hash ? installationOf(cluster, pack, 0) : null
}

/** A later start; null: the record was changed meanwhile. */
async function goOn(
  store: Store,
  pack: CompiledPack,
  certificate: string | null,
  options: OpenOptions,
  found: Cluster,
): Promise<Installation | null> {
  const { loaded } = pack
  checkPartitions(found, options.partitions)
  checkClock(found, options.clock.kind)
  checkLog(found, options.log.identity)
  if (found.pack !== loaded.hash && (options.keepsPack === true || (await options.log.others()).length > 0))
    throw new InstallationError(
      'pack_differs',
      'Other nodes run another rule pack. All nodes run the same one: stop the others first, or start with their PACK.',
    )
  const newSince = Math.max(options.clock.now(), (await lastAppendTime(store, found)) + clockSkewMs + 1)
  const next = activatePack(
    { ...found, log: options.log.identity },
    { hash: loaded.hash, layout: pack.layout },
    newSince,
  )
  // The pack first, so that the record never names one that is not kept.
  await keepPack(store, loaded, certificate)
  return (await store.putCluster(next, found)) ? installationOf(next, pack, newSince) : null
}

/** The certificate of the pack, to be kept with it; null: it is kept already. */
async function certificateFor(store: Store, pack: CompiledPack): Promise<string | null> {
  if ((await store.pack(certificateName(pack.loaded.hash))) !== null) return null
  const { certificate, counterexamples } = certify(pack)
  if (certificate.verdict === 'proven') return JSON.stringify(certificate)
  const sentences = [...certificateWords(certificate), ...counterexamples].join('\n')
  throw new InstallationError(
    'pack_unproven',
    `The rule pack is not put in force; see \`proffer check\`.\n${sentences}`,
  )
}

async function keepPack(store: Store, { hash, model }: LoadedPack, certificate: string | null): Promise<void> {
  if (certificate !== null) await store.putPack(certificateName(hash), certificate)
  await store.putPack(hash, JSON.stringify(model))
}

/** When the newest record that any partition applied was appended. An event clock that starts may be far behind it. */
export async function lastAppendTime(
  store: Pick<Store, 'meta'>,
  { partitions }: Pick<Cluster, 'partitions'>,
): Promise<number> {
  const metas = await Promise.all(Array.from({ length: partitions }, (_, partition) => store.meta(partition)))
  return metas.reduce((latest, meta) => Math.max(latest, meta?.appendTime ?? 0), 0)
}

function installationOf(cluster: Cluster, pack: CompiledPack, packSince: number): Installation {
  return { cluster, pack, packSince, observedSince: observedSinceOf(cluster, pack.layout) }
}

/** Since when each series of a layout is observed, in its order; Infinity: never. */
export function observedSinceOf({ observedSince }: Pick<Cluster, 'observedSince'>, layout: Layout): readonly number[] {
  return layout.series.map(({ key }) => observedSince[key] ?? Number.POSITIVE_INFINITY)
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

function checkClock(found: Cluster, kind: Clock['kind']): void {
  if (found.clock === kind) return
  throw new InstallationError(
    'clock_changed',
    `This DATA_DIR runs on the ${found.clock} clock and cannot be used on the ${kind} clock. ` +
      'Use another DATA_DIR, or the clock it was made with (`--clock`).',
  )
}

function checkLog(found: Cluster, identity: string): void {
  if (found.log === '' || found.log === identity) return
  throw new InstallationError(
    'log_changed',
    `These customers were made from the log "${found.log}" and this is "${identity}". ` +
      'Use the log they belong to; their positions say nothing about another one.',
  )
}
