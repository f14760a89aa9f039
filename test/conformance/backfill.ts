/** What a backfill promises, as a suite that runs over every store. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { CustomerView } from '../../engine/shard/shards.ts'
import { encodeEvent } from '../../ingest/avro-codec.ts'
import type { Event, FieldValue } from '../../ingest/event.ts'
import type { NewRecord } from '../../ingest/log.ts'
import { partitionOf } from '../../ingest/partition.ts'
import type { LoadedPack } from '../../rules/model.ts'
import {
  addedFeatures,
  packWith,
  type RigEngine,
  type RigOptions,
  startEngine,
} from '../engine/backfill/backfill-rig.ts'
import { type Folder, openFolder, partitions } from '../engine/shard/data-folder.ts'
import type { MakePlace } from '../engine/shard/shard-rig.ts'

const minuteMs = 60_000
const hourMs = 60 * minuteMs
/** A bound for a busy machine: what takes ten seconds alone took more than forty beside other tests. */
const withinMs = { timeout: 60_000, interval: 10 }
const ids = ['anna', 'berta', 'carl', 'dora', 'emil', 'fritz'] as const

/** A record of the log and what is wrong with it, if anything. */
const anyRecord = fc.record({
  customer: fc.constantFrom(...ids),
  /** Since the record before. */
  gapMin: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 90 }) }, fc.integer({ min: 0, max: 2_400 })),
  /** How late it arrives; the lateness of the pack is 72 hours. */
  ageMin: fc.oneof({ weight: 3, arbitrary: fc.integer({ min: 0, max: 60 }) }, fc.integer({ min: 0, max: 80 * 60 })),
  channel: fc.constantFrom('online', 'app', 'pos'),
  category: fc.constantFrom('fuel', 'grocery'),
  amount: fc.integer({ min: 1, max: 90_000 }),
  currency: fc.constantFrom('CNY', 'CNY', 'CNY', 'CNY', 'EUR'),
  source: fc.constantFrom('card-system', 'card-system', 'card-system', 'nobody-knows'),
  kind: fc.oneof(
    { weight: 12, arbitrary: fc.constant('sound' as const) },
    { weight: 2, arbitrary: fc.constant('same_id' as const) },
    { weight: 2, arbitrary: fc.constant('same_bytes' as const) },
    { weight: 1, arbitrary: fc.constantFrom('torn' as const, 'misplaced' as const, 'erasure' as const) },
  ),
  /** Of `same_id` and `same_bytes`: which record before is repeated. */
  back: fc.integer({ min: 1, max: 12 }),
})
type AnyRecord = typeof anyRecord extends fc.Arbitrary<infer Value> ? Value : never

const anyHistory = fc.record({
  records: fc.array(anyRecord, { minLength: 20, maxLength: 160, size: 'max' }),
  /** Share of the records that come before the pack with the new features. */
  before: fc.double({ min: 0.2, max: 1, noNaN: true }),
  pageRecords: fc.integer({ min: 1, max: 16 }),
  /** The step of the backfill at which another engine takes over, and whether the first one knows. */
  takenAt: fc.integer({ min: 1, max: 24 }),
  takeOver: fc.constantFrom('none' as const, 'stopped' as const, 'unaware' as const),
})

type Placed = { readonly partition: number; readonly record: NewRecord }

/**
 * The records as they are appended, the last one now. Every instant is a whole minute before it, so that for a minute no record
 * enters or leaves a window.
 */
function placedRecords(records: readonly AnyRecord[]): readonly Placed[] {
  const placed: Placed[] = []
  let at = Date.now() - records.reduce((sum, { gapMin }) => sum + gapMin, 0) * minuteMs
  for (const [number, one] of records.entries()) {
    at += one.gapMin * minuteMs
    const earlier = Math.max(0, number - one.back)
    const again = placed[earlier]
    if (one.kind === 'same_bytes' && again !== undefined && earlier < number) {
      placed.push({ ...again, record: { ...again.record, appendTime: at } })
      continue
    }
    const id = one.kind === 'same_id' ? `e${earlier}` : `e${number}`
    const value = encodeEvent(eventOf(one, id, at - one.ageMin * minuteMs))
    const own = partitionOf(one.customer, partitions)
    placed.push({
      partition: one.kind === 'misplaced' ? (own + 1) % partitions : own,
      record: {
        key: one.customer,
        value: one.kind === 'torn' ? value.subarray(0, value.length - 3) : value,
        appendTime: at,
      },
    })
  }
  return placed
}

function eventOf({ kind, customer, source, ...one }: AnyRecord, id: string, time: number): Event {
  const common = { id, customerId: customer, time, provenance: { via: 'http' as const, consentId: null } }
  if (kind === 'erasure') {
    return { ...common, source: 'core-banking', type: 'customer.erased', data: { ground: 'request' } }
  }
  const data: Readonly<Record<string, FieldValue>> = {
    amount: one.amount,
    currency: one.currency,
    merchantCategory: one.category,
    merchantId: null,
    channel: one.channel,
    country: 'CN',
  }
  return { ...common, source, type: 'card.purchase', data }
}

async function append(folder: Folder, placed: readonly Placed[]): Promise<void> {
  for (let own = 0; own < partitions; own++) {
    const records = placed.filter(({ partition }) => partition === own).map(({ record }) => record)
    if (records.length > 0) await folder.log.append(own, records)
  }
}

async function inFolder<Value>(
  makePlace: MakePlace,
  pack: LoadedPack,
  work: (folder: Folder, place: ReturnType<MakePlace>) => Promise<Value>,
  retentionMs?: number,
): Promise<Value> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-backfill-'))
  const place = makePlace(dir)
  // The event clock stands still, so nothing is ever too old to keep; Redis has a clock of its own.
  const clock = place.kind === 'redis' || retentionMs !== undefined ? 'wall' : 'event'
  const folder = await openFolder(dir, { clock, pack, place, ...(retentionMs === undefined ? {} : { retentionMs }) })
  try {
    return await work(folder, place)
  } finally {
    await folder.close()
    await rm(dir, { recursive: true, force: true })
  }
}

/** What is known of customers; how long ago something was in whole minutes, as the runs are seconds apart. */
const valuesOf = (views: readonly CustomerView[]) =>
  views.map(({ variables, suppressions }) => ({
    suppressions,
    variables: variables.map(({ value, ...one }) =>
      one.type === 'duration' ? { ...one, lo: minutesOf(one.lo), hi: minutesOf(one.hi) } : { ...one, value },
    ),
  }))

function minutesOf(ms: number | null): number | null {
  return ms === null ? null : Math.floor(ms / minuteMs)
}

/** A run that always had the features. */
function alwaysThere(makePlace: MakePlace, pack: LoadedPack, placed: readonly Placed[]) {
  return inFolder(makePlace, pack, async (folder, place) => {
    const engine = await startEngine(folder, place, pack)
    await append(folder, placed)
    await engine.shards.drained()
    const views = await engine.customers(ids)
    await engine.stop()
    return valuesOf(views)
  })
}

type History = typeof anyHistory extends fc.Arbitrary<infer Value> ? Value : never

/** A run whose features are added and filled while events go on coming in and another engine takes over. */
function addedLater(
  makePlace: MakePlace,
  packs: { readonly old: LoadedPack; readonly grown: LoadedPack },
  placed: readonly Placed[],
  { before, pageRecords, takenAt, takeOver }: Omit<History, 'records'>,
) {
  return inFolder(makePlace, packs.old, async (folder, place) => {
    const cut = Math.ceil(placed.length * before)
    const first = await startEngine(folder, place, packs.old)
    await append(folder, placed.slice(0, cut))
    await first.shards.drained()
    await first.stop()

    const live = placed.slice(cut)
    const running: RigEngine[] = []
    let steps = 0
    const beforeFill = async (): Promise<void> => {
      await append(folder, live.splice(0, 2))
      steps++
      if (steps !== takenAt || takeOver === 'none') return
      if (takeOver === 'stopped') {
        // Not awaited: it waits for this step.
        stopped = running[0]?.stop()
        return
      }
      running[0]?.letGo()
      running.push(await startEngine(folder, place, packs.grown, { pageRecords, beforeFill }))
      await running[1]?.runner.begin(hourMs)
    }
    let stopped: Promise<void> | undefined
    running.push(await startEngine(folder, place, packs.grown, { pageRecords, beforeFill }))
    await running[0]?.runner.begin(hourMs)
    if (takeOver === 'stopped') {
      const isOver = () => stopped !== undefined || running[0]?.runner.cluster.backfill.series.length === 0
      await expect.poll(isOver, withinMs).toBe(true)
      if (stopped !== undefined) {
        await stopped
        running[0] = await startEngine(folder, place, packs.grown, { pageRecords, beforeFill })
        await running[0].runner.begin(hourMs)
      }
    }
    const last = () => running.at(-1) ?? fail()
    await expect.poll(async () => (await last().runner.status()).state, withinMs).toBe('nothing')
    await append(folder, live)
    await last().shards.drained()
    await expect.poll(() => last().runner.cluster.backfill.series.length, withinMs).toBe(0)
    await last().shards.learn(last().runner.cluster)
    const views = await last().customers(ids)
    for (const engine of running) await engine.stop()
    return valuesOf(views)
  })
}

/** Purchases online of one customer, a second apart, the last one `agoMs` before now. */
function purchases(from: number, to: number, agoMs = hourMs): readonly Placed[] {
  const data = {
    amount: 100,
    currency: 'CNY',
    merchantCategory: 'fuel',
    merchantId: null,
    channel: 'online',
    country: 'CN',
  }
  const [customerId] = ids
  return Array.from({ length: to - from }, (_, i) => {
    const time = Date.now() - agoMs - (to - from - i) * 1_000
    const provenance = { via: 'http' as const, consentId: null }
    const event = {
      id: `p${from + i}`,
      source: 'card-system',
      type: 'card.purchase',
      customerId,
      time,
      provenance,
      data,
    }
    const record = { key: customerId, value: encodeEvent(event), appendTime: time }
    return { partition: partitionOf(customerId, partitions), record }
  })
}

/** A folder whose log was applied under the pack without the features. */
function withPlaced<Value>(
  makePlace: MakePlace,
  packs: { readonly old: LoadedPack },
  { appends, retentionMs }: { readonly appends: readonly (readonly Placed[])[]; readonly retentionMs?: number },
  work: (folder: Folder, place: ReturnType<MakePlace>) => Promise<Value>,
): Promise<Value> {
  return inFolder(
    makePlace,
    packs.old,
    async (folder, place) => {
      const engine = await startEngine(folder, place, packs.old)
      for (const placed of appends) await append(folder, placed)
      await engine.shards.drained()
      await engine.stop()
      return work(folder, place)
    },
    retentionMs,
  )
}

const withHistory = (
  makePlace: MakePlace,
  packs: { readonly old: LoadedPack },
  amount: number,
  work: (folder: Folder, place: ReturnType<MakePlace>) => Promise<void>,
) => withPlaced(makePlace, packs, { appends: [purchases(0, amount)] }, work)

/** What is known of how often anna bought online. */
async function countOf(engine: RigEngine) {
  const [anna] = await engine.customers([ids[0]])
  const { lo, hi } = anna?.variables.find(({ name }) => name === 'online_count_30d') ?? fail()
  return { lo, hi }
}

function fail(): never {
  throw new Error('an engine runs')
}

/** Registers the suite under the name of a store. */
export function backfillConformance(name: string, makePlace: MakePlace, numRuns: number): void {
  describe(`a backfill over ${name}`, () => {
    it('gives the values of a run that always had the features, whatever comes in meanwhile and whoever takes over', async () => {
      const packs = { old: await packWith(''), grown: await packWith(addedFeatures) }
      await fc.assert(
        fc.asyncProperty(anyHistory, async ({ records, ...how }) => {
          const placed = placedRecords(records)
          const always = await alwaysThere(makePlace, packs.grown, placed)
          expect(await addedLater(makePlace, packs, placed, how)).toEqual(always)
        }),
        { numRuns, endOnFailure: true },
      )
    }, 300_000)

    for (const mode of ['inline', 'worker'] as const) {
      it(`leaves a feature unknown until it is done, in ${mode} mode`, async () => {
        const packs = { old: await packWith(''), grown: await packWith(addedFeatures) }
        await withHistory(makePlace, packs, 200, async (folder, place) => {
          const engine = await startEngine(folder, place, packs.grown, { mode })
          expect(await countOf(engine)).toEqual({ lo: 0, hi: null })
          expect(await engine.runner.status()).toMatchObject({ state: 'open', percent: 0 })
          await append(folder, purchases(200, 210))
          await engine.shards.drained()
          expect(await countOf(engine)).toEqual({ lo: 10, hi: null })
          await engine.runner.begin(hourMs)
          await expect.poll(() => countOf(engine), withinMs).toEqual({ lo: 210, hi: 210 })
          const { state, percent, features } = await engine.runner.status()
          expect([state, percent]).toEqual(['nothing', 100])
          expect(features).toHaveLength(7)
          for (const feature of features) expect(feature).toMatchObject({ state: 'filled', missing: null })
          await engine.stop()
        })
      })
    }

    it('can be halted and goes on where it was, also with another engine', async () => {
      const packs = { old: await packWith(''), grown: await packWith(addedFeatures) }
      // Every event comes again an hour later: a duplicate, whoever counted the first one.
      const appends = [purchases(0, 400, 2 * hourMs), purchases(0, 400)]
      await withPlaced(makePlace, packs, { appends }, async (folder, place) => {
        let reads = 0
        const beforeFill: RigOptions['beforeFill'] = async (partition, { kind }) => {
          if (kind === 'read' && partition === partitionOf(ids[0], partitions) && ++reads === 6)
            await first.runner.halt()
        }
        const first = await startEngine(folder, place, packs.grown, { pageRecords: 16, beforeFill })
        await first.runner.begin(hourMs)
        await expect.poll(async () => (await first.runner.status()).state, withinMs).toBe('halted')
        const halted = await first.runner.status()
        expect(halted.problem).toMatch(/was halted.*goes on where it was/)
        expect(await countOf(first)).toMatchObject({ hi: null })
        await first.stop()
        const before = first.runner.counts.read

        const second = await startEngine(folder, place, packs.grown, { pageRecords: 16 })
        expect(await second.runner.status()).toMatchObject({ state: 'halted' })
        await second.runner.begin(hourMs)
        await expect.poll(() => countOf(second), withinMs).toEqual({ lo: 400, hi: 400 })
        // Ids are read again, entries are not added again.
        expect(first.runner.counts.added + second.runner.counts.added).toBe(400)
        expect(before).toBeGreaterThan(0)
        await second.stop()
      })
    })

    it('that is not done by its deadline is halted', async () => {
      const packs = { old: await packWith(''), grown: await packWith(addedFeatures) }
      await withHistory(makePlace, packs, 20, async (folder, place) => {
        const engine = await startEngine(folder, place, packs.grown)
        const { state, problem } = await engine.runner.begin(0)
        expect(state).toBe('halted')
        expect(problem).toMatch(/time was over/)
        await engine.stop()
      })
    })

    it('is halted with the setting to change when event ids need more memory than there is, and adds nothing twice', async () => {
      const packs = { old: await packWith(''), grown: await packWith(addedFeatures) }
      await withHistory(makePlace, packs, 3_500, async (folder, place) => {
        const first = await startEngine(folder, place, packs.grown, { fillBytes: 1 })
        await first.runner.begin(hourMs)
        await expect.poll(async () => (await first.runner.status()).state, withinMs).toBe('halted')
        expect((await first.runner.status()).problem).toMatch(/BACKFILL_MAX_MB/)
        await first.stop()
        const second = await startEngine(folder, place, packs.grown)
        await second.runner.begin(hourMs)
        await expect.poll(async () => (await second.runner.status()).state, withinMs).toBe('nothing')
        expect(first.runner.counts.added + second.runner.counts.added).toBe(3_500)
        await second.stop()
      })
    }, 120_000)

    it('says what the log has dropped, and from when on the feature is complete', async () => {
      const packs = { old: await packWith(''), grown: await packWith(addedFeatures) }
      const retentionMs = 10 * 24 * hourMs
      // Appends are kept or dropped as a whole.
      const appends = [purchases(0, 5, 20 * 24 * hourMs), purchases(5, 12, 2 * 24 * hourMs)]
      await withPlaced(makePlace, packs, { appends, retentionMs }, async (folder, place) => {
        expect(await folder.log.trim()).toBe(5)
        const engine = await startEngine(folder, place, packs.grown)
        await engine.runner.begin(hourMs)
        await expect.poll(async () => (await engine.runner.status()).state, withinMs).toBe('nothing')
        await expect.poll(() => countOf(engine), withinMs).toEqual({ lo: 7, hi: null })
        const { features } = await engine.runner.status()
        const month = features.find(({ feature }) => feature === 'online_count_30d')
        expect(month?.missing).toMatch(
          /^Events before \S+ are not in the log any more; it is complete by itself from \S+ on\.$/,
        )
        const life = features.find(({ feature }) => feature === 'fuel_lifetime')
        expect(life?.missing).toMatch(/whole life of a customer/)
        await engine.stop()
      })
    })
  })
}
