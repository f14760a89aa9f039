/** The embedded engine without its API: log, shards, store and decisions log in a fresh folder, with customers in the store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventClock, eventClock } from '../../engine/clock.ts'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import { createShards, type ShardsOptions } from '../../engine/shard/create-shards.ts'
import { initStore } from '../../engine/store/init-store.ts'
import { openLmdbStore } from '../../engine/store/lmdb-store.ts'
import { nothingAdded, storeFormat } from '../../engine/store/store.ts'
import type { DeadLetters } from '../../ingest/dead-letters.ts'
import { createIntake, type Intake } from '../../ingest/intake.ts'
import { openDeadLetters } from '../../ingest/lmdb-dead-letters.ts'
import { openLogEnvironment } from '../../ingest/lmdb-log.ts'
import type { Log } from '../../ingest/log.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { seedCustomers } from '../step/seed-customers.ts'
import { benchSalt, type TypicalStates } from '../step/typical-states.ts'

export type BankOptions = {
  readonly pack: LoadedPack
  readonly typical: TypicalStates
  readonly customers: number
  readonly cacheBytes: number
  readonly mode?: ShardsOptions['mode']
  /** Of the logs, on the event clock; for ever when absent. */
  readonly retentionMs?: number
  readonly trimEveryMs?: number
  /** Of the store's journal; the product's default when absent. */
  readonly journalBytes?: number
  readonly onBatch?: ShardsOptions['onBatch']
  /** Called with the store's folder before the shards open it. */
  readonly beforeShards?: (storeDir: string) => void
}

/**
 * The clock is an event clock that whoever feeds the log moves: a customer's twenty events of a day then take a day,
 * whatever the rate, and windows forget as much as they learn.
 */
export type EmbeddedBank = {
  readonly dir: string
  readonly storeDir: string
  readonly clock: EventClock
  readonly log: Log
  readonly decisions: Log
  readonly deadLetters: DeadLetters
  readonly intake: Intake
  readonly shards: LocalShards
  /** Stops, and removes the folder. */
  close(): Promise<void>
}

export const bankPartitions = 8

/** Opens a bank whose customers have typical states, and starts its shards. */
export async function openEmbeddedBank(options: BankOptions): Promise<EmbeddedBank> {
  const { pack, typical } = options
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  const storeDir = join(dir, 'store')
  const observedSince = Object.fromEntries(compilePack(pack).layout.series.map(({ key }) => [key, 0]))
  const store = openLmdbStore({ dir: storeDir })
  await initStore(store, {
    format: storeFormat,
    partitions: bankPartitions,
    clock: 'event',
    log: '',
    salt: benchSalt,
    completeSince: 0,
    pack: pack.hash,
    observedSince,
    ...nothingAdded,
  })
  const { customers } = options
  await seedCustomers(store, { packHash: pack.hash, typical, customers, partitions: bankPartitions })
  await store.close()
  const clock = eventClock(typical.endMs)
  const environment = openLogEnvironment(join(dir, 'log'))
  const logOptions = {
    partitions: bankPartitions,
    now: () => clock.now(),
    retentionMs: options.retentionMs ?? 1e13,
    maxBytes: 16 * 2 ** 30,
    trimEveryMs: options.trimEveryMs ?? 60_000,
  }
  const log = await environment.openLog({ name: 'events', ...logOptions })
  const decisions = await environment.openLog({ name: 'decisions', ...logOptions })
  const batches = await environment.openLog({ name: 'batches', ...logOptions })
  const deadLetters = openDeadLetters({
    dir: join(dir, 'dead-letters'),
    maxCount: 100_000,
    maxBytes: 2 ** 28,
    retentionMs: 1e13,
    now: () => clock.now(),
  })
  options.beforeShards?.(storeDir)
  const shards = createShards({
    log,
    decisions,
    batches,
    deadLetters,
    store: {
      kind: 'lmdb',
      dir: storeDir,
      ...(options.journalBytes === undefined ? {} : { journalBytes: options.journalBytes }),
    },
    pack,
    salt: benchSalt,
    past: { observedSince, ...nothingAdded },
    clock,
    mode: options.mode ?? 'worker',
    shards: 1,
    cacheBytes: options.cacheBytes,
    ...(options.onBatch === undefined ? {} : { onBatch: options.onBatch }),
  })
  await shards.start('')
  const intake = createIntake({ log, deadLetters, now: () => clock.now(), limits: { itemsMax: 10_000 } })
  return {
    dir,
    storeDir,
    clock,
    log,
    decisions,
    deadLetters,
    intake,
    shards,
    async close() {
      await shards.stop(10_000)
      await deadLetters.close()
      await environment.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
