/** A data folder for tests of the shards: the real logs, dead letters, store and pack, with the shards over them. */
import { join } from 'node:path'
import { type Clock, eventClock, wallClock } from '../../../engine/clock.ts'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import { createShards, type ShardsOptions } from '../../../engine/shard/create-shards.ts'
import { initStore } from '../../../engine/store/init-store.ts'
import { openStore, type StorePlace } from '../../../engine/store/open-store.ts'
import { nothingAdded, storeFormat } from '../../../engine/store/store.ts'
import type { DeadLetters } from '../../../ingest/dead-letters.ts'
import { openDeadLetters } from '../../../ingest/lmdb-dead-letters.ts'
import { openLogEnvironment } from '../../../ingest/lmdb-log.ts'
import type { Log, LogRecord } from '../../../ingest/log.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import { loadPack } from '../../../rules/load-pack.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { hashOf } from '../../../rules/pack-hash.ts'

export const partitions = 4
export const epoch = Date.UTC(2026, 2, 2, 8)
export const salt = 'salt of the test'

export type Folder = {
  readonly dir: string
  readonly pack: LoadedPack
  readonly clock: Clock
  readonly log: Log
  readonly decisions: Log
  readonly batches: Log
  readonly deadLetters: DeadLetters
  /** Shards over the folder; the store is closed with them. */
  shards(options?: Partial<ShardsOptions>): Promise<LocalShards>
  /** Closes the logs and the dead letters. */
  close(): Promise<void>
}

/**
 * The pack of the repository; `app_counts` makes answers in the app contacts, so that they reserve, and takes the rules of contact away
 * that go by the clock: what a test sees must not depend on how fast it runs, nor on the hour of the day.
 */
export async function bankPack(contacts: 'app_counts' | 'as_shipped' = 'as_shipped'): Promise<LoadedPack> {
  shipped ??= loadPack(new URL('../../../rules/packs/retail-bank', import.meta.url).pathname)
  const loaded = await shipped
  if (loaded.kind === 'refused') throw new Error('the pack of the repository loads')
  if (contacts === 'as_shipped') return loaded.pack
  const { model } = loaded.pack
  const channels = model.channels.map((channel) => (channel.id === 'in_app' ? { ...channel, contact: true } : channel))
  const changed = { ...model, channels, gaps: [], pauses: [], quietHours: [] }
  return { model: changed, hash: hashOf(changed) }
}

// Loading takes a third of a second, and many tests ask.
let shipped: ReturnType<typeof loadPack> | null = null

export async function openFolder(
  dir: string,
  options: {
    /** The machine's, one that follows the events, or one that the test sets; logs and shards go by it. */
    readonly clock: 'wall' | 'event' | Clock
    readonly pack?: LoadedPack
    readonly retentionMs?: number
    /** Absent: four. */
    readonly partitions?: number
    /** Where the customers are kept; absent: in the folder. */
    readonly place?: StorePlace
  },
): Promise<Folder> {
  const pack = options.pack ?? (await bankPack())
  const clock = clockOf(options.clock)
  const environment = openLogEnvironment(join(dir, 'log'))
  const retentionMs = options.retentionMs ?? 1e13
  const own = options.partitions ?? partitions
  const common = { partitions: own, retentionMs, maxBytes: 2 ** 30, now: () => clock.now() }
  const log = await environment.openLog({ name: 'events', ...common })
  const decisions = await environment.openLog({ name: 'decisions', ...common })
  const batches = await environment.openLog({ name: 'batches', ...common })
  const deadLetters = openDeadLetters({
    dir: join(dir, 'dead-letters'),
    maxCount: 100_000,
    maxBytes: 2 ** 30,
    retentionMs: 1e13,
    now: () => clock.now(),
  })
  const place = options.place ?? { kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 }
  return {
    dir,
    pack,
    clock,
    log,
    decisions,
    batches,
    deadLetters,
    async shards(more) {
      const observedSince = Object.fromEntries(compilePack(pack).layout.series.map(({ key }) => [key, 0]))
      const store = openStore(place)
      await initStore(store, {
        format: storeFormat,
        partitions: own,
        clock: clock.kind,
        log: '',
        salt,
        completeSince: 0,
        pack: pack.hash,
        observedSince,
        ...nothingAdded,
      })
      await store.close()
      return createShards({
        log,
        decisions,
        batches,
        deadLetters,
        store: place,
        pack,
        salt,
        past: { observedSince, ...nothingAdded },
        clock,
        mode: 'inline',
        shards: 1,
        cacheBytes: 64 * 2 ** 20,
        ...more,
      })
    },
    async close() {
      await deadLetters.close()
      await environment.close()
    },
  }
}

function clockOf(clock: 'wall' | 'event' | Clock): Clock {
  if (typeof clock !== 'string') return clock
  return clock === 'wall' ? wallClock : eventClock(epoch)
}

/** Every record of a partition. */
export async function readAll(log: Log, partition: number): Promise<LogRecord[]> {
  const all: LogRecord[] = []
  let { start } = await log.bounds(partition)
  for (;;) {
    const some = await log.read(partition, start, { maxBytes: 1 << 20, maxRecords: 4_096 })
    const last = some.at(-1)
    if (last === undefined) return all
    all.push(...some)
    start = last.offset + 1
  }
}
