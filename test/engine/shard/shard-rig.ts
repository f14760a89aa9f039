/** What tests of the shards stand on: a data folder, shards that are stopped in the end, events, what was published. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect } from 'vitest'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import { trustsAll } from '../../../engine/shard/event-frame.ts'
import type { DecisionRequest } from '../../../engine/shard/shards.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import type { Event } from '../../../ingest/event.ts'
import type { NewRecord } from '../../../ingest/log.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { decodeDecision } from '../../../sinks/decision-codec.ts'
import { replayAll } from '../../protocol/replay-checker.ts'
import { bankPack, type Folder, openFolder, partitions, readAll, salt } from './data-folder.ts'
import { plainProfile } from './plain-profile.ts'

/** Where the customers of a data folder are kept; another place for each folder. */
export type MakePlace = (dir: string) => StorePlace

export type ShardRig = {
  folder(): Folder
  place(): StorePlace
  /** Makes shards and starts them. */
  started(options?: Parameters<Folder['shards']>[0]): Promise<LocalShards>
  /** Stops shards that a test made itself when it ends. */
  running(shards: LocalShards): void
  append(event: Event): Promise<{ partition: number; offset: number }>
  appendAll(events: readonly Event[], more?: Pick<NewRecord, 'appendTime'>): Promise<void>
  published(): Promise<Decision[]>
  /** A known customer of the bank: without history the answer is the fallback. */
  known(shards: LocalShards, customerId: string): Promise<void>
}

/** Registers what comes before and after each test of the file or block. */
export function shardRig(makePlace: MakePlace): ShardRig {
  let dir = ''
  let folder: Folder
  let stoppable: LocalShards[] = []
  let isReplayed = true
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-shards-'))
    folder = await openFolder(dir, { clock: 'wall', pack: await bankPack('app_counts'), place: makePlace(dir) })
    stoppable = []
    isReplayed = true
  })
  afterEach(async () => {
    for (const shards of stoppable) await shards.stop(3_000)
    if (isReplayed) await expectReplay(folder)
    await folder.close()
    await rm(dir, { recursive: true, force: true })
  })

  async function append(event: Event): Promise<{ partition: number; offset: number }> {
    const partition = partitionOf(event.customerId, partitions)
    const { firstOffset } = await folder.log.append(partition, [{ key: event.customerId, value: encodeEvent(event) }])
    return { partition, offset: firstOffset }
  }

  return {
    folder: () => folder,
    place: () => makePlace(dir),
    async started(options = {}) {
      // What a trap did to a rule is in no record, and who does not read back gives commit numbers a second time.
      if (options.trap !== undefined || options.readsBack === false) isReplayed = false
      const shards = await folder.shards(options)
      stoppable.push(shards)
      await shards.start('')
      return shards
    },
    running: (shards) => void stoppable.push(shards),
    append,
    async appendAll(events, more = {}) {
      const records: NewRecord[][] = Array.from({ length: partitions }, () => [])
      for (const event of events) {
        records[partitionOf(event.customerId, partitions)]?.push({
          key: event.customerId,
          value: encodeEvent(event),
          ...more,
        })
      }
      const appends = records.map((some, partition) => (some.length > 0 ? folder.log.append(partition, some) : null))
      await Promise.all(appends)
    },
    async published() {
      const records = await Promise.all(Array.from({ length: partitions }, (_, p) => readAll(folder.decisions, p)))
      return records.flat().map(({ value }) => decodeDecision(value))
    },
    async known(shards, customerId) {
      await append(
        pageView(customerId, `profile-${customerId}`, {
          source: 'core-banking',
          type: 'profile.updated',
          data: plainProfile,
        }),
      )
      const data = { channel: 'in_app', granted: true, purpose: 'marketing' }
      await append(pageView(customerId, `consent-${customerId}`, { source: 'crm', type: 'consent.updated', data }))
      await shards.drained()
    },
  }
}

/** Whatever a test did: everything that left can be computed again, to the byte. */
export async function expectReplay(folder: Folder): Promise<void> {
  const all = Array.from({ length: folder.log.partitions }, (_, partition) => partition)
  const [events, batches, decisions] = await Promise.all(
    [folder.log, folder.batches, folder.decisions].map((log) => Promise.all(all.map((one) => readAll(log, one)))),
  )
  if (events === undefined || batches === undefined || decisions === undefined) return
  const rest = { events, batches, decisions, trusts: trustsAll, packs: [folder.pack] }
  const evidence = { partitions: all.length, salt, ...rest }
  const { problems, holes } = await replayAll(evidence)
  expect({ problems, holes }).toEqual({ problems: [], holes: [] })
  // Of one customer only what touches them is stepped.
  const customer = decisions.flat().at(-1)?.key
  if (customer === undefined) return
  const alone = await replayAll(evidence, customer)
  expect({ problems: alone.problems, holes: alone.holes }).toEqual({ problems: [], holes: [] })
}

let count = 0

/** A request with an id of its own and two seconds of time. */
export function request(customerId: string, more: Partial<DecisionRequest> = {}): DecisionRequest {
  const requestId = `r${++count}`
  return {
    customerId,
    requestId,
    placement: 'app_home_banner',
    count: 1,
    deadlineAt: Date.now() + 2_000,
    after: null,
    ...more,
  }
}

export function pageView(customerId: string, id: string, more: Partial<Event> = {}): Event {
  return {
    id,
    source: 'mobile-app',
    type: 'page.viewed',
    customerId,
    time: Date.now() - 1_000,
    provenance: { via: 'http', consentId: null },
    data: { page: '/', pageGroup: 'wealth', dwellMs: 1_000 },
    ...more,
  }
}

/** Page views of some customers in turn. */
export function views(amount: number, customers: number): readonly Event[] {
  return Array.from({ length: amount }, (_, i) => pageView(`customer-${i % customers}`, `view-${i}`))
}
