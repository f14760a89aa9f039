/**
 * Goal: a rule that loops or throws in a shard's thread stops nobody else for long. Method: real threads over the embedded parts,
 * with a host function in front of one rule that never returns, or throws.
 */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { machineTiming, wallClock } from '../../../engine/clock.ts'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import type { RuleTrap } from '../../../engine/shard/rule-guards.ts'
import { processCpuMs, RuleWatch, throwsMax, type WatchNews } from '../../../engine/shard/rule-watch.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { partitions } from './data-folder.ts'
import { pageView, request, shardRig } from './shard-rig.ts'

const stallMs = 600
const guardrail = 'no-offer-from-unlawful-data'
const rig = shardRig((dir) => ({ kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 }))

async function watched(trap: RuleTrap, mode: 'worker' | 'inline' = 'worker') {
  const news: WatchNews[] = []
  const watch = new RuleWatch({
    model: rig.folder().pack.model,
    shards: 2,
    stallMs,
    clock: wallClock,
    timing: machineTiming,
    cpuMs: processCpuMs,
    tell: (what) => void news.push(what),
  })
  const shards = await rig.started({ mode, shards: 2, watch, trap })
  watch.start()
  return { shards, watch, news, kinds: () => news.map(({ kind }) => kind) }
}

/** A customer of each partition, by partition: those of even ones are handled by the first of two threads. */
const inPartition = Array.from({ length: partitions }, (_, partition) => {
  const ids = Array.from({ length: 50 }, (_, i) => `customer-${i}`)
  return ids.find((id) => partitionOf(id, partitions) === partition) ?? ''
})

async function until(holds: () => boolean, withinMs = 20_000): Promise<void> {
  const deadline = Date.now() + withinMs
  while (!holds()) {
    if (Date.now() > deadline) throw new Error('it did not come to hold in time')
    await sleep(20)
  }
}

async function ask(shards: LocalShards, customerId: string, withinMs = 10_000): Promise<Decision> {
  return (await shards.decide(request(customerId, { deadlineAt: Date.now() + withinMs }))).decision
}

const isClosed = ({ fates }: Decision): boolean =>
  fates.some(({ reason, rule }) => reason === 'rule_quarantined' && rule === guardrail)

it('a guardrail that loops ends its thread, closes its category from then on, and the other thread goes on', async () => {
  const { shards, watch, news, kinds } = await watched({ rule: `guardrail:${guardrail}`, how: 'loop', from: 12 })
  // Nobody asks the guardrail here: these are the other thread's customers.
  const others = inPartition.filter((_, partition) => partition % 2 === 1)
  const looping = inPartition[0] ?? ''
  for (const customerId of inPartition) await rig.known(shards, customerId)
  const answers: Decision[] = []
  const latest: number[] = []
  while (watch.quarantined.length === 0) {
    answers.push(await ask(shards, looping, 150))
    const asked = performance.now()
    // An event of another partition is committed by its own thread meanwhile.
    const { partition, offset } = await rig.append(
      pageView(others[0] ?? '', `view-${latest.length}`, { data: { page: '/', pageGroup: 'home', dwellMs: 1 } }),
    )
    expect(await shards.applied({ partition, offset }, Date.now() + 5_000)).toBe('accepted')
    latest.push(performance.now() - asked)
    expect(latest.length).toBeLessThan(400)
  }
  expect(watch.quarantined).toMatchObject([{ rule: `guardrail:${guardrail}`, why: 'looped' }])
  // While the thread looped its customers got the safe offer in time, and the others were served.
  expect(answers.filter(({ reason }) => reason === 'deadline_exceeded').length).toBeGreaterThan(0)
  expect(latest.sort((a, b) => a - b)[Math.floor(latest.length * 0.5)]).toBeLessThan(stallMs / 2)
  await shards.drained()
  expect(kinds()).toEqual(['quarantined', 'replaced'])
  expect(news[1]).toMatchObject({ shard: 0, rule: `guardrail:${guardrail}` })
  // Of both threads, and nothing of its category leaves.
  for (const customerId of inPartition) {
    const decision = await ask(shards, customerId)
    expect(isClosed(decision)).toBe(true)
    expect(decision.packHash).toBe(rig.folder().pack.hash)
  }
  expect((await shards.partitions()).map(({ state }) => state)).toEqual(inPartition.map(() => 'running'))
}, 60_000)

it('a trigger that loops is quarantined, the events it looped at are counted once, and other triggers fire', async () => {
  const { shards, watch } = await watched({ rule: 'trigger:fx-interest', how: 'loop', from: 1 })
  for (const customerId of inPartition) await rig.known(shards, customerId)
  const before = await shards.totals()
  for (let i = 0; i < 8; i++)
    await rig.append(
      pageView(inPartition[i % partitions] ?? '', `fx-${i}`, { data: { page: '/', pageGroup: 'fx', dwellMs: 1 } }),
    )
  await shards.drained()
  expect(watch.quarantined.map(({ rule }) => rule)).toEqual(['trigger:fx-interest'])
  expect((await shards.totals()).accepted - before.accepted).toBe(8)
  expect((await shards.totals()).deadLettered).toBe(before.deadLettered)
  const page = (i: number) =>
    pageView(inPartition[1] ?? '', `study-${i}`, { data: { page: '/', pageGroup: 'study_abroad', dwellMs: 1 } })
  for (let i = 0; i < 3; i++) await rig.append(page(i))
  await shards.drained()
  expect((await rig.published()).filter(({ cause }) => cause.id.startsWith('study-')).length).toBeGreaterThan(0)
}, 60_000)

it('an event at which a thread stalls twice for no reason that can be told becomes a dead letter, and the rest is counted', async () => {
  const { shards, watch, kinds } = await watched({ rule: 'trigger:study-abroad-search', how: 'loop_unseen', from: 1 })
  const [customerId = ''] = inPartition
  await rig.known(shards, customerId)
  const before = await shards.totals()
  const data = { category: 'study_abroad', text: null }
  const poison = pageView(customerId, 'poison', { type: 'search.made', data })
  await rig.append(poison)
  for (let i = 0; i < 5; i++) await rig.append(pageView(customerId, `after-${i}`))
  await shards.drained()
  expect(watch.quarantined).toEqual([])
  expect(kinds()).toEqual(['replaced', 'poisoned', 'replaced'])
  const totals = await shards.totals()
  expect([totals.accepted - before.accepted, totals.deadLettered - before.deadLettered]).toEqual([5, 1])
  expect((await rig.folder().deadLetters.counts()).byReason).toMatchObject({ poison: 1 })
}, 60_000)

for (const mode of ['worker', 'inline'] as const) {
  it(`a guardrail that throws closes its category at once, is quarantined after some, and until it is put back (${mode})`, async () => {
    const { shards, watch, kinds } = await watched({ rule: `guardrail:${guardrail}`, how: 'throw', from: 1 }, mode)
    const [customerId = ''] = inPartition
    await rig.known(shards, customerId)
    const first = await ask(shards, customerId)
    expect(first.fates.some(({ reason, rule }) => reason === 'unlawful_source' && rule === guardrail)).toBe(true)
    for (let i = 0; i < throwsMax; i++) await ask(shards, customerId)
    await until(() => watch.quarantined.length > 0)
    expect(watch.quarantined).toMatchObject([{ rule: `guardrail:${guardrail}`, why: 'threw' }])
    expect(kinds()).toEqual(['quarantined'])
    expect(isClosed(await ask(shards, customerId))).toBe(true)
    const thrown = watch.throws.get(`guardrail:${guardrail}`)
    expect(isClosed(await ask(shards, customerId))).toBe(true)
    expect(watch.throws.get(`guardrail:${guardrail}`)).toBe(thrown)
    expect((await shards.partitions()).every(({ state }) => state === 'running')).toBe(true)
    expect(watch.lift(`guardrail:${guardrail}`)).toBe(true)
    expect(isClosed(await ask(shards, customerId))).toBe(false)
    expect(watch.throws.get(`guardrail:${guardrail}`)).toBeGreaterThan(thrown ?? 0)
  }, 60_000)
}

it('an event whose feature filter throws is a dead letter, its partition goes on, and it is missing until it is taken after all', async () => {
  const feature = rig.folder().pack.model.features.find(({ event, where }) => event === 'page.viewed' && where !== null)
  const { shards, watch } = await watched({ rule: `feature:${feature?.id}`, how: 'throw', from: 1 })
  const [customerId = '', other = ''] = inPartition
  await rig.known(shards, customerId)
  const before = await shards.totals()
  const seen = throwsMax + 5
  for (let i = 0; i < seen; i++) await rig.append(pageView(customerId, `view-${i}`))
  await rig.known(shards, other)
  await shards.drained()
  await until(() => watch.quarantined.length > 0)
  const totals = await shards.totals()
  expect([totals.accepted - before.accepted, totals.deadLettered - before.deadLettered]).toEqual([2, seen])
  expect((await shards.partitions()).every(({ state }) => state === 'running')).toBe(true)
  await shards.stop(3_000)
  // Another process, whose rules are sound: it has read of the customer what this one stored.
  const sound = await rig.started()
  const knownOf = async (id: string) => {
    const { variables } = await sound.customer(id)
    const { lo, hi } = variables.find(({ name }) => name === feature?.id) ?? { lo: Number.NaN, hi: Number.NaN }
    return [lo, hi]
  }
  await rig.known(sound, customerId)
  expect([await knownOf(customerId), await knownOf(other)]).toEqual([
    [0, null],
    [0, 0],
  ])
  const group = feature?.where?.match(/"(\w+)"/)?.[1] ?? ''
  const data = { page: '/', pageGroup: group, dwellMs: 1 }
  for (let i = 0; i < seen; i++) await rig.append(pageView(customerId, `view-${i}`, { data }))
  await sound.drained()
  expect(await knownOf(customerId)).toEqual([seen, seen])
}, 60_000)
