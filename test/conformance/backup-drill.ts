/**
 * The drill: a backup in the middle of a day, the store lost at its end, the backup put back, the engine started on the same
 * log. What is there then is what there was, and nothing leaves a second time.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createStates } from '../../engine/state/flat-states.ts'
import { openStore, type StorePlace } from '../../engine/store/open-store.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import { partitions, readAll } from '../engine/shard/data-folder.ts'
import { type DrillMix, drillCustomers, drillMix } from '../engine/shard/drill-mix.ts'
import { type MakePlace, request, type ShardRig, shardRig } from '../engine/shard/shard-rig.ts'
import { backUp, putBack, soundBackup } from './backup.ts'

/** How the suite gets at a kind of store. */
export type DrillStore = {
  readonly makePlace: MakePlace
  /** Loses everything. */
  wipe(place: StorePlace): Promise<void>
}

/** What an installation amounts to. */
type World = {
  /** States as a base would store them, hex, by customer. */
  readonly states: Readonly<Record<string, string>>
  readonly tombstones: readonly string[][]
  readonly positions: readonly number[]
  readonly totals: unknown
  /** The decisions log, record by record. */
  readonly published: readonly string[]
}

/** Registers the suite under a name. */
export function drillConformance(name: string, store: DrillStore): void {
  const rig = shardRig(store.makePlace)
  describe(`the drill over ${name}`, () => {
    let dir = ''
    beforeEach(async () => {
      dir = await mkdtemp(join(tmpdir(), 'proffer-drill-'))
    })
    afterEach(() => rm(dir, { recursive: true, force: true }))

    /** A day with a backup in its middle, until the engine has stopped; what there was then. */
    const day = async (seed: number): Promise<{ mix: DrillMix; world: World }> => {
      const mix = drillMix(rig, seed)
      const shards = await rig.started()
      await mix.meet()
      await shards.drained()
      await mix.live(shards, 20)
      await mix.erase('customer-1')
      let isCopied = false
      const copied = backUp(rig.place(), join(dir, 'backup'), { pauseMs: 20 }).then(() => {
        isCopied = true
      })
      while (!isCopied) await mix.live(shards, 1)
      await copied
      await mix.live(shards, 20)
      await mix.erase('customer-2')
      await mix.live(shards, 10)
      await shards.drained()
      const world = await worldOf(rig, await shards.totals())
      await shards.stop(5_000)
      return { mix, world }
    }

    it.each([1, 2, 3])(
      'ends where the day without it had ended, and sends nothing again (seed %i)',
      async (seed) => {
        const { mix, world } = await day(seed)
        await store.wipe(rig.place())
        const backup = await soundBackup(join(dir, 'backup'))
        // Taken in the middle: there is a lot on either side.
        for (const { partition, next } of backup.manifest.partitions) {
          expect(next).toBeGreaterThan(20)
          expect(next).toBeLessThan((world.positions[partition] ?? 0) - 20)
        }
        await putBack(backup, rig.place())

        const shards = await rig.started()
        await shards.drained()
        const again = await worldOf(rig, await shards.totals())
        expect(again).toEqual(world)
        const adopted = (await shards.partitions()).reduce((sum, status) => sum + status.adopted, 0)
        expect(adopted).toBeGreaterThan(50)
        expect(await shards.customer('customer-2')).toMatchObject({ known: false, contacts: [] })
        expect(world.tombstones.flat()).toHaveLength(2)
        expectOneContent(await rig.published())

        // Who asks again is told the same as before the loss.
        const known = lastAnswers(mix.answers)
        expect(known.length).toBeGreaterThan(3)
        for (const { customerId, cause, placement, offers } of known) {
          const { decision } = await shards.decide(request(customerId, { requestId: cause.id, placement }))
          expect(decision.offers.map(({ offer }) => offer)).toEqual(offers.map(({ offer }) => offer))
          expect(decision.reason).toBe('repeated_request')
        }
        // And the day goes on, under the same caps and under commit numbers that nothing left under before.
        const before = await seqsOf(rig)
        await mix.live(shards, 15)
        await shards.drained()
        const after = await seqsOf(rig)
        before.forEach((old, partition) => {
          const fresh = after[partition]?.slice(old.length) ?? []
          expect(fresh.length).toBeGreaterThan(0)
          expect(Math.min(...fresh)).toBeGreaterThan(Math.max(...old))
        })
        expectOneContent(await rig.published())
        expectCaps(rig, await rig.published(), mix.failed)
      },
      60_000,
    )

    it('needs the decisions log: without reading it back messages leave twice', async () => {
      const { world } = await day(4)
      await store.wipe(rig.place())
      await putBack(await soundBackup(join(dir, 'backup')), rig.place())
      const shards = await rig.started({ readsBack: false })
      await shards.drained()
      const again = await worldOf(rig, await shards.totals())
      expect(again.published.length).toBeGreaterThan(world.published.length)
      expect(again.states).not.toEqual(world.states)
    }, 60_000)
  })
}

async function worldOf(rig: ShardRig, { accepted, duplicates, deadLettered }: Totals): Promise<World> {
  const { pack, decisions } = rig.folder()
  const { layout } = compilePack(pack)
  const states = createStates(layout, { maxBytes: 16 * 2 ** 20, observedSince: layout.series.map(() => 0) })
  const encoded: Record<string, string> = {}
  const store = openStore(rig.place())
  const tombstones: string[][] = []
  const positions: number[] = []
  const published: string[] = []
  for (let partition = 0; partition < partitions; partition++) {
    const own = drillCustomers.filter((id) => partitionOf(id, partitions) === partition)
    const loaded = await store.load(partition, own)
    states.begin(partition)
    own.forEach((customerId, i) => {
      const stored = loaded[i] ?? null
      if (stored === null) return
      encoded[customerId] = Buffer.from(states.encode(states.load(partition, customerId, stored))).toString('hex')
    })
    states.installed(partition)
    tombstones.push([...(await store.tombstones(partition, 0)).keys()].sort())
    positions.push((await store.meta(partition))?.next ?? 0)
    for (const { value } of await readAll(decisions, partition)) published.push(Buffer.from(value).toString('hex'))
  }
  await store.close()
  return { states: encoded, tombstones, positions, totals: { accepted, duplicates, deadLettered }, published }
}

type Totals = { readonly accepted: number; readonly duplicates: number; readonly deadLettered: number }

/** The commit numbers under which decisions left, by partition. */
async function seqsOf(rig: ShardRig): Promise<number[][]> {
  const { decisions } = rig.folder()
  const all = Array.from({ length: partitions }, (_, partition) => readAll(decisions, partition))
  return (await Promise.all(all)).map((records) => records.map(({ headers }) => Number(headers?.['seq'])))
}

/** One id, one content: for everything an event caused and every answer that reserved. */
function expectOneContent(published: readonly Decision[]): void {
  const contents = new Map<string, string>()
  for (const decision of published) {
    if (decision.cause.kind === 'request' && decision.contacts.length === 0) continue
    const content = JSON.stringify(decision)
    expect(contents.get(decision.id) ?? content).toBe(content)
    contents.set(decision.id, content)
  }
}

/** No customer got more marketing over a channel than its caps allow within less than a day, and some got all that they allow. What was recalled is no contact. */
function expectCaps(rig: ShardRig, published: readonly Decision[], failed: ReadonlySet<string>): void {
  const recalled = new Set(
    published.flatMap(({ reason, recalls, customerId }) =>
      reason === 'recalled' ? recalls.map((digits) => `${customerId} ${digits}`) : [],
    ),
  )
  expect(recalled.size).toBeGreaterThan(0)
  const limits = new Map<string, number>()
  for (const { limit, applies } of rig.folder().pack.model.caps) {
    if (applies.categories !== 'all' || applies.channels === 'all' || applies.classes === 'all') continue
    if (!applies.classes.includes('marketing')) continue
    for (const channel of applies.channels) limits.set(channel, Math.min(limit, limits.get(channel) ?? limit))
  }
  const counts = new Map<string, number>()
  const unique = new Map(published.map((decision) => [decision.id, decision]))
  for (const { id, customerId, channel, contacts } of unique.values()) {
    if (failed.has(id) || recalled.has(`${customerId} ${id.slice(0, recallDigits)}`)) continue
    if (!contacts.some((contact) => contact.class === 'marketing')) continue
    const key = `${customerId} ${channel}`
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  let full = 0
  for (const [key, count] of counts) {
    const limit = limits.get(key.split(' ')[1] ?? '') ?? Number.POSITIVE_INFINITY
    expect([key, Math.min(count, limit)]).toEqual([key, count])
    if (count === limit) full++
  }
  expect(full).toBeGreaterThan(0)
}

/** Answers of the last minutes that reserved, whose customers are still there; a customer remembers eight. */
function lastAnswers(answers: readonly Decision[]): readonly Decision[] {
  const byCustomer = new Map<string, Decision>()
  for (const decision of answers) {
    if (decision.reason !== 'offered' || decision.contacts.length === 0) continue
    if (decision.cause.kind === 'request') byCustomer.set(decision.customerId, decision)
  }
  for (const erased of ['customer-1', 'customer-2']) byCustomer.delete(erased)
  return [...byCustomer.values()]
}
