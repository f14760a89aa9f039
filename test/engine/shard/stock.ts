/**
 * Goal: what there is only so much of is promised so often and no more, whoever asks, wherever, and however often; what is not taken is
 * promised again. Method: the shards over real logs and a real store; several shards share the partitions of one bank.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import type { ShardsOptions } from '../../../engine/shard/create-shards.ts'
import type { StorePlace } from '../../../engine/store/open-store.ts'
import type { Resources } from '../../../engine/store/resource.ts'
import { soleMembership } from '../../../ingest/membership.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { decodeDecision } from '../../../sinks/decision-codec.ts'
import { type Folder, openFolder, readAll } from './data-folder.ts'
import { expectReplay, request } from './shard-rig.ts'
import { answerOf, appendAll, define, eventOf, giftPack, gotGift, shown } from './stock-bank.ts'

const partitions = 8
const stockAsks = Number(process.env['STOCK_ASKS'] ?? 1_000)

/** Registers the tests of one kind of store. `place`: another one for each folder. */
export function stockTests(place: (dir: string) => StorePlace): void {
  let dir = ''
  let folder: Folder
  let resources: Resources
  let running: LocalShards[] = []
  let oversold: number[] = []

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-stock-'))
    running = []
    oversold = []
  })
  afterEach(async () => {
    for (const shards of running) await shards.stop(3_000)
    await resources.close()
    await expectReplay(folder)
    await folder.close()
    await rm(dir, { recursive: true, force: true })
  })

  async function open(pack: LoadedPack, clock: 'wall' | 'event' = 'wall'): Promise<void> {
    folder = await openFolder(dir, { clock, pack, partitions, place: place(dir) })
    resources = await define(place(dir), pack)
  }

  /** Shards that have every `of`-th partition; by default all. */
  async function started(share = 0, of = 1, more: Partial<ShardsOptions> = {}): Promise<LocalShards> {
    const own = Array.from({ length: partitions }, (_, partition) => partition).filter((one) => one % of === share)
    const membership = {
      ...soleMembership(partitions),
      join: async (assigned: (list: number[]) => void) => assigned(own),
    }
    const onOversold = (_: string, units: number): void => void oversold.push(units)
    const shards = await folder.shards({ membership, onOversold, ...more })
    running.push(shards)
    await shards.start('')
    return shards
  }

  const left = async (): Promise<number> => {
    const count = await resources.count('gifts')
    return count === null ? -1 : count.capacity - count.reserved - count.confirmed
  }

  const say = async (shards: LocalShards, ...events: Parameters<typeof appendAll>[1]): Promise<void> => {
    await appendAll(folder.log, events)
    await shards.drained()
  }

  test('as many as there are get one when all ask at once, over all partitions of two shards', {
    timeout: 120_000,
  }, async () => {
    await open(await giftPack({ units: 100 }))
    const shards = [await started(0, 2), await started(1, 2)]
    const ownerOf = (id: string) => shards[partitionOf(id, partitions) % 2] ?? shards[0]
    const ids = Array.from({ length: stockAsks }, (_, i) => `customer-${i}`)
    const answers = await Promise.all(
      ids.map((id) => {
        const owner = ownerOf(id)
        if (owner === undefined) throw new Error('two shards run')
        return shown(owner, id)
      }),
    )
    const got = answers.filter(gotGift)
    expect(got).toHaveLength(100)
    expect(await resources.count('gifts')).toMatchObject({ reserved: 100, confirmed: 0, oversold: 0 })
    const reasons = answers.flatMap(({ decision }) => decision.fates.filter(({ offer }) => offer === 'gift'))
    expect(new Set(reasons.map(({ reason }) => reason))).toEqual(new Set(['offered', 'out_of_stock']))
  })

  test('five let it lapse, and five more are served', { timeout: 60_000 }, async () => {
    await open(await giftPack({ units: 20, validFor: '2s' }))
    const shards = await started()
    const first = await Promise.all(Array.from({ length: 40 }, (_, i) => shown(shards, `first-${i}`)))
    const got = first.filter(gotGift)
    expect(got).toHaveLength(20)
    const accepts = got.slice(0, 15).map(({ decision }) => answerOf(decision.customerId, 'offer.accepted', decision.id))
    await say(shards, ...accepts)
    expect(await resources.count('gifts')).toMatchObject({ reserved: 5, confirmed: 15 })
    // Two seconds for the offer, one for its acceptance to arrive.
    await sleep(3_200)
    const more: string[] = []
    for (let i = 0; i < 40; i++) {
      const answer = await shown(shards, `later-${i}`)
      if (gotGift(answer)) more.push(answer.decision.customerId)
      else if (more.length < 5) await sleep(50)
    }
    expect(more).toHaveLength(5)
    expect(oversold).toEqual([])
  })

  test('shown again it is the same one, and no second is taken', async () => {
    await open(await giftPack({ units: 3 }))
    const shards = await started()
    const first = await shown(shards, 'C1')
    expect(first).toMatchObject({ committed: true, decision: { outcome: 'offered' } })
    expect(first.decision.stock).toMatchObject([{ offer: 'gift', resource: 'gifts', amount: 1 }])
    for (let i = 0; i < 5; i++) {
      const again = await shown(shards, 'C1')
      expect(gotGift(again)).toBe(true)
      // Nothing changed, so nothing had to be committed, and it does not hold longer than the first one.
      expect(again.committed).toBe(false)
      expect(again.decision.notAfter).toBe(first.decision.notAfter)
      expect(again.decision.stock).toEqual([])
    }
    expect(await left()).toBe(2)
  })

  test('an acceptance takes it for good whichever answer it names, and once', async () => {
    await open(await giftPack({ units: 1 }))
    const shards = await started()
    await shown(shards, 'C1')
    const again = await shown(shards, 'C1')
    await say(
      shards,
      answerOf('C1', 'offer.accepted', again.decision.id),
      answerOf('C1', 'offer.accepted', again.decision.id),
    )
    expect(await resources.count('gifts')).toMatchObject({ reserved: 0, confirmed: 1 })
    const after = await shown(shards, 'C1')
    expect(after.decision.fates.find(({ offer }) => offer === 'gift')).toMatchObject({
      stage: 'stock',
      reason: 'had_already',
    })
  })

  test('what is declined is the next one’s at once', async () => {
    await open(await giftPack({ units: 1 }))
    const shards = await started()
    const { decision } = await shown(shards, 'C1')
    await say(shards, answerOf('C1', 'offer.dismissed', decision.id))
    expect(await left()).toBe(1)
    await expect.poll(async () => gotGift(await shown(shards, 'C2'))).toBe(true)
  })

  test('what was declined, sold to another and accepted all the same is said to be oversold', async () => {
    await open(await giftPack({ units: 1 }))
    const shards = await started()
    const first = await shown(shards, 'C1')
    await say(shards, answerOf('C1', 'offer.dismissed', first.decision.id))
    await expect.poll(async () => gotGift(await shown(shards, 'C2'))).toBe(true)
    expect(await resources.count('gifts')).toMatchObject({ reserved: 1, confirmed: 0, oversold: 0 })
    await say(shards, answerOf('C1', 'offer.accepted', first.decision.id))
    expect(await resources.count('gifts')).toMatchObject({ reserved: 1, confirmed: 1, oversold: 1 })
    expect(oversold).toHaveLength(1)
  })

  test('the same request asked again when it was declined makes a claim that settling again does not free', async () => {
    await open(await giftPack({ units: 1 }))
    const shards = await started()
    const ask = () =>
      shards.decide(request('C1', { placement: 'home-banner', requestId: 'r', deadlineAt: Date.now() + 60_000 }))
    const first = await ask()
    expect(gotGift(first)).toBe(true)
    await say(shards, answerOf('C1', 'offer.dismissed', first.decision.id))
    await expect.poll(async () => (await ask()).committed).toBe(true)
    // What a take-over does with an outbox value of before.
    await resources.lapse('gifts', first.decision.stock[0]?.claim ?? '')
    expect(await resources.count('gifts')).toMatchObject({ reserved: 1 })
    await shards.drained()
    const records = await Promise.all(Array.from({ length: partitions }, (_, p) => readAll(folder.decisions, p)))
    const ids = records.flat().map(({ value }) => decodeDecision(value).id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('an offer that takes of two resources takes both or nothing', async () => {
    await open(await giftPack({ units: 10 }))
    const shards = await started()
    const answers = await Promise.all(Array.from({ length: 8 }, (_, i) => shown(shards, `C${i}`, 'inbox')))
    const got = answers.filter(({ decision }) => decision.offers.some(({ offer }) => offer === 'double'))
    // 100 points, 30 for each.
    expect(got).toHaveLength(3)
    await shards.drained()
    expect(await resources.count('gifts')).toMatchObject({ reserved: 3 })
    expect(await resources.count('budget')).toMatchObject({ reserved: 0, confirmed: 90 })
    const spent = answers.flatMap(({ decision }) => decision.fates).filter(({ stage }) => stage === 'stock')
    expect(spent.map(({ reason, rule }) => `${reason} ${rule}`)).toEqual(Array(5).fill('budget_spent budget'))
  })

  test('what nobody has defined, or nobody answers for, is not promised', async () => {
    const pack = await giftPack({ units: 5 })
    folder = await openFolder(dir, { clock: 'wall', pack, partitions, place: place(dir) })
    resources = await define(place(dir), { ...pack, model: { ...pack.model, resources: [] } })
    const shards = await started()
    const { decision } = await shown(shards, 'C1')
    expect(decision.fates.find(({ offer }) => offer === 'gift')).toMatchObject({
      stage: 'stock',
      reason: 'stock_unknown',
      rule: 'gifts',
    })
    expect(decision.stock).toContainEqual(expect.objectContaining({ resource: 'gifts', left: null, claim: null }))
  })

  test('a decision of an event takes too, and gives it back when its message failed', async () => {
    await open(await giftPack({ units: 5 }))
    const shards = await started()
    const opened = (id: string) =>
      eventOf(id, 'account.opened', { accountType: 'current', channel: 'app', advisor: null })
    // Service messages need no consent. Nobody reports what was sent by SMS: taken with the commit.
    await say(shards, ...Array.from({ length: 5 }, (_, i) => opened(`C${i}`)))
    const records = (
      await Promise.all(Array.from({ length: partitions }, (_, p) => readAll(folder.decisions, p)))
    ).flat()
    const decisions = records.map(({ value }) => decodeDecision(value))
    expect(decisions.filter(({ outcome }) => outcome === 'offered')).toHaveLength(3)
    expect(await resources.count('budget')).toMatchObject({ reserved: 0, confirmed: 90, oversold: 0 })
  })

  test('what a commit says of reserved units is settled after a crash', { timeout: 40_000 }, async () => {
    await open(await giftPack({ units: 2 }))
    // The thread ends where the decisions of the second commit are to leave, and what it settles with them.
    const failAt = { name: 'committed', passing: 2, how: 'exit_thread' } as const
    const shards = await started(0, 1, { mode: 'worker', failAt })
    const { decision } = await shown(shards, 'C1')
    await appendAll(folder.log, [answerOf('C1', 'offer.accepted', decision.id)])
    await expect.poll(() => resources.count('gifts'), { timeout: 20_000 }).toMatchObject({ reserved: 0, confirmed: 1 })
  })

  test('a thread that dies with units reserved finds them again by the same event', { timeout: 30_000 }, async () => {
    // All there are: what it reserved before it died is all that is taken when it comes again.
    await open(await giftPack({ units: 5, points: 30 }))
    const failAt = { name: 'reserved', passing: 2, how: 'exit_thread' } as const
    const shards = await started(0, 1, { mode: 'worker', failAt })
    expect(gotGift(await shown(shards, 'C1'))).toBe(true)
    await say(shards, eventOf('C1', 'account.opened', { accountType: 'current', channel: 'app', advisor: null }))
    expect(await resources.count('budget')).toMatchObject({ reserved: 0, confirmed: 30 })
  })
}
