/** Engines over one log and one store whose pack changes, for tests of backfills: shards, runner, installation. */
import { BackfillRunner } from '../../../engine/backfill/backfill-runner.ts'
import { machineTiming } from '../../../engine/clock.ts'
import { openInstallation } from '../../../engine/installation.ts'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import { createShards } from '../../../engine/shard/create-shards.ts'
import { trustsAll } from '../../../engine/shard/event-frame.ts'
import type { FillReply } from '../../../engine/shard/fill-slot.ts'
import type { RuleTrap } from '../../../engine/shard/rule-guards.ts'
import type { RuleWatch } from '../../../engine/shard/rule-watch.ts'
import type { FillStep } from '../../../engine/shard/shard-port.ts'
import type { CustomerView } from '../../../engine/shard/shards.ts'
import { openStore, type StorePlace } from '../../../engine/store/open-store.ts'
import type { Store } from '../../../engine/store/store.ts'
import { type Membership, soleMembership } from '../../../ingest/membership.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { loadPatched } from '../../rules/patched-pack.ts'
import { type Folder, partitions, salt } from '../shard/data-folder.ts'

/** Features over series that the shipped pack does not have: every kind, and windows from days to a whole life. */
export const addedFeatures = `
  - { id: online_count_30d, kind: count, event: card.purchase, where: event.channel == "online", window: 30d }
  - { id: online_sum_7d, kind: sum, value: amount, event: card.purchase, where: event.channel == "online", window: 7d }
  - { id: online_growth_14d, kind: growth, event: card.purchase, where: event.channel == "online", window: 14d, baseline: { windows: 2, minimum: 1 } }
  - { id: app_max_30d, kind: max, value: amount, event: card.purchase, where: event.channel == "app", window: 30d }
  - { id: app_last_30d, kind: last, value: amount, event: card.purchase, where: event.channel == "app", window: 30d }
  - { id: fuel_lifetime, kind: count, event: card.purchase, where: event.merchantCategory == "fuel", window: lifetime }
  - { id: fuel_month, kind: sum, value: amount, event: card.purchase, where: event.merchantCategory == "fuel", window: calendar-month }
`

/** The shipped pack, with features appended. */
export async function packWith(features: string): Promise<LoadedPack> {
  const { result } = await loadPatched([{ file: 'features.yaml', from: '', to: features }])
  if (result.kind === 'refused') throw new Error(JSON.stringify(result.problems))
  return result.pack
}

export type RigEngine = {
  readonly shards: LocalShards
  readonly runner: BackfillRunner
  readonly store: Store
  /** It does not take partitions back that others take. */
  letGo(): void
  customers(ids: readonly string[]): Promise<readonly CustomerView[]>
  stop(): Promise<void>
}

export type RigOptions = {
  /** Called before each step of a backfill. */
  readonly beforeFill?: (partition: number, step: FillStep) => Promise<void>
  readonly pageRecords?: number
  readonly fillBytes?: number
  readonly mode?: 'inline' | 'worker'
  readonly watch?: RuleWatch
  readonly trap?: RuleTrap
}

/** Starts an engine with a pack over a folder's log; the customers are at `place`. */
export async function startEngine(
  folder: Folder,
  place: StorePlace,
  pack: LoadedPack,
  { beforeFill = async () => {}, pageRecords = 256, fillBytes = 2 ** 20, mode = 'inline', ...rules }: RigOptions = {},
): Promise<RigEngine> {
  const store = openStore(place)
  const log = { identity: 'log', isFresh: async () => true, others: async () => [] }
  const { clock } = folder
  const installation = await openInstallation(store, pack, { partitions, clock, completeSince: 0, salt, log })
  const { cluster } = installation
  let isGone = false
  const membership: Membership = {
    ...soleMembership(partitions),
    confirmed: () => (isGone ? new Promise<void>(() => {}) : Promise.resolve()),
  }
  const shards = createShards({
    log: folder.log,
    decisions: folder.decisions,
    batches: folder.batches,
    deadLetters: folder.deadLetters,
    store: place,
    pack,
    salt,
    past: cluster,
    clock,
    mode,
    shards: 1,
    cacheBytes: 16 * 2 ** 20,
    fillBytes,
    membership,
    ...rules,
  })
  const runner = new BackfillRunner({
    store,
    shards: {
      running: () => shards.running(),
      learn: (past) => shards.learn(past),
      fill: async (partition, step): Promise<FillReply> => {
        await beforeFill(partition, step)
        return shards.fill(partition, step)
      },
    },
    log: folder.log,
    trusts: trustsAll,
    pack: installation.pack,
    cluster,
    clock,
    timing: machineTiming,
    pageRecords,
  })
  await shards.start('')
  runner.start()
  return {
    shards,
    runner,
    store,
    letGo: () => {
      isGone = true
    },
    customers: (ids) => Promise.all(ids.map((id) => shards.customer(id))),
    stop: async () => {
      await runner.stop()
      await shards.stop(2_000)
      await store.close()
    },
  }
}
