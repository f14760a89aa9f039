/** Which pack an engine starts with, and how another one comes into force while it runs. */
import type { Membership } from '../ingest/membership.ts'
import { compilePack } from '../rules/compile-pack.ts'
import type { CompiledPack } from '../rules/compiled.ts'
import { loadPack } from '../rules/load-pack.ts'
import type { LoadedPack, Model } from '../rules/model.ts'
import { formatProblems } from '../rules/pack-problem.ts'
import type { ActivationPeers } from './activation/activation-peers.ts'
import { Coordinator } from './activation/coordinator.ts'
import { mendRecord } from './activation/mend-record.ts'
import { NodePacks } from './activation/node-packs.ts'
import { PackFollower } from './activation/pack-follower.ts'
import type { PackInForce } from './activation/pack-in-force.ts'
import { tellTakeUp } from './activation/tell-take-up.ts'
import { machineTiming } from './clock.ts'
import { compileBeside } from './compile-beside.ts'
import type { Config } from './config.ts'
import { type Installation, type OpenOptions, openInstallation } from './installation.ts'
import { InstallationError } from './installation-error.ts'
import type { Logger } from './log.ts'
import type { LocalShards } from './shard/all-partitions.ts'
import type { RuleWatch } from './shard/rule-watch.ts'
import { defineResources } from './stock.ts'
import type { Resources } from './store/resource.ts'
import type { Cluster, Store } from './store/store.ts'

/** The pack is refused; the message lists every problem. */
export class PackError extends Error {
  readonly code = 'pack_refused'
}

/** The pack to start with, and what an operator should know of it. */
export type StartPack = {
  readonly loaded: LoadedPack
  /** What PACK holds; null: nothing that is sound. */
  readonly folder: LoadedPack | null
  readonly facts: readonly string[]
}

/**
 * The pack to start with: PACK at the first start, and at every one with `PACK_CHANGES=at_start`; else the version in force, whatever
 * the folder holds by now.
 * @throws PackError, StoreError
 */
async function packToStart(config: Config, store: Store): Promise<StartPack> {
  const cluster = await store.cluster()
  const kept = cluster === null || config.PACK_CHANGES === 'at_start' ? null : await packOf(store, cluster.pack)
  const found = await loadPack(config.PACK)
  const folder = found.kind === 'ok' ? found.pack : null
  if (kept !== null) {
    if (folder?.hash === kept.hash) return { loaded: kept, folder, facts: [] }
    const text = `PACK=${config.PACK} is not what is in force, which is ${kept.model.name} ${kept.hash.slice(0, 12)}, and stays so. Propose it to change that.`
    return { loaded: kept, folder, facts: [text] }
  }
  if (found.kind === 'ok') return { loaded: found.pack, folder, facts: [] }
  throw new PackError(
    `The pack ${config.PACK} is refused, nothing was started:\n${formatProblems(found.problems, `proffer check ${config.PACK} --all`)}`,
  )
}

/** A pack may come into force between two looks at the record; not so often. */
const attemptsMax = 5

/**
 * The installation with the pack to start with, see `packToStart` and `openInstallation`. What other nodes put in force meanwhile is
 * what this one starts with.
 * @throws PackError, InstallationError, StoreError
 */
export async function openWithPack(
  config: Config,
  store: Store,
  options: Omit<OpenOptions, 'keepsPack'>,
): Promise<StartPack & { readonly installation: Installation }> {
  const keepsPack = config.PACK_CHANGES === 'governed'
  for (let attempt = 1; ; attempt++) {
    await mendFirst(store, options.clock.now())
    const start = await packToStart(config, store)
    try {
      return { ...start, installation: await openInstallation(store, start.loaded, { ...options, keepsPack }) }
    } catch (cause) {
      const isLate = keepsPack && cause instanceof InstallationError && cause.code === 'pack_differs'
      if (!isLate || attempt === attemptsMax) throw cause
    }
  }
}

/** What the store lost of the record is written again before a start puts its own pack in force, so that no number names two activations. */
async function mendFirst(store: Store, now: number): Promise<void> {
  const cluster = await store.cluster()
  const compile = async (hash: string): Promise<CompiledPack | null> => {
    const kept = await packOf(store, hash)
    return kept === null ? null : compilePack(kept)
  }
  // null: another node wrote it.
  if (cluster !== null) await mendRecord(store, cluster, null, compile, now)
}

/** A pack of this or an earlier start, or one that was proposed, by hash; null when it is not kept. */
export async function packOf(store: Pick<Store, 'pack'>, hash: string): Promise<LoadedPack | null> {
  const text = await store.pack(hash)
  if (text === null) return null
  const model: Model = JSON.parse(text)
  return { model, hash }
}

export type ActivationParts = {
  readonly config: Pick<Config, 'ACTIVATION_PREPARE_MS' | 'ACTIVATION_SWITCH_MS'>
  readonly store: Store
  readonly shards: LocalShards
  readonly watch: RuleWatch
  readonly inForce: PackInForce
  readonly resources: Resources
  readonly membership: Membership | undefined
  readonly peers: ActivationPeers | null
  readonly node: string
  readonly addr: () => string
  readonly now: () => number
  readonly logger: Logger
  /** The other parts of the main thread go over. */
  readonly onSwitched: (pack: CompiledPack, cluster: Cluster) => void
  /** Only tests set it: called with the record in place and no shard told. */
  readonly onRecorded?: () => void
}

/** Most milliseconds that the main thread compiles without a pause. */
const sliceMs = 1

/** What puts packs in force on this node, and for all of them. */
export type Activation = {
  readonly node: NodePacks
  readonly coordinator: Coordinator
  /** Addresses of the other nodes that take part or own a partition. @throws StoreError */
  readonly others: () => Promise<readonly string[]>
  /** Follows the record from now on. */
  start(): void
  stop(): Promise<void>
}

export function createActivation(parts: ActivationParts): Activation {
  const { config, store, shards, watch, inForce, resources, membership, peers, node: name, addr, now, logger } = parts
  const switchWithinMs = config.ACTIVATION_SWITCH_MS
  const node = new NodePacks({
    ...{ store, watch, inForce, node: name, switchWithinMs },
    timing: machineTiming,
    now,
    compile: (loaded) => compileBeside(loaded, sliceMs),
    packs: shards.packs,
    onTakeUp: (news) => tellTakeUp(logger, news),
    onSwitched: (pack, cluster) => {
      const about = { pack: pack.loaded.hash, activation: cluster.activations }
      logger.info(about, `the pack ${pack.loaded.model.name} is in force`)
      parts.onSwitched(pack, cluster)
    },
  })
  const others = async (): Promise<readonly string[]> => {
    if (peers === null) return []
    const { partitions } = inForce.cluster
    const metas = await Promise.all(Array.from({ length: partitions }, (_, partition) => store.meta(partition)))
    const addrs = [...(membership?.members() ?? []), ...metas].map((one) => one?.addr ?? '')
    return [...new Set(addrs)].filter((one) => one !== '' && one !== addr())
  }
  const coordinator = new Coordinator({
    ...{ store, peers, others, now, switchWithinMs },
    own: node,
    defineResources: (pack) => defineResources(resources, pack),
    elapsed: machineTiming.elapsed,
    prepareWithinMs: config.ACTIVATION_PREPARE_MS,
    onRecorded: parts.onRecorded ?? (() => {}),
  })
  const follower = new PackFollower(node, machineTiming)
  return { node, coordinator, others, start: () => follower.start(), stop: () => follower.stop() }
}
