/** Goal: a backfill passes over nothing: while a feature cannot be asked it stands still and says so, and goes on where it was. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { machineTiming, wallClock } from '../../../engine/clock.ts'
import { RuleBoard } from '../../../engine/shard/rule-board.ts'
import { processCpuMs, RuleWatch, throwsMax } from '../../../engine/shard/rule-watch.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import { ruleNames } from '../../../rules/rule-names.ts'
import { openFolder, partitions } from '../shard/data-folder.ts'
import { packWith, type RigEngine, type RigOptions, startEngine } from './backfill-rig.ts'

const hourMs = 3_600_000
const withinMs = { timeout: 20_000, interval: 10 }
const customerId = 'anna'
const purchases = 40
const old = await packWith('')
const grown = await packWith(`
  - { id: online_30d, kind: count, event: card.purchase, where: event.channel == "online", window: 30d }
  - { id: fuel_30d, kind: count, event: card.purchase, where: event.merchantCategory == "fuel", window: 30d }
`)
const names = ruleNames(grown.model)
const rule = 'feature:fuel_30d'
const sound = { lo: purchases, hi: purchases }
const unknown = { lo: 0, hi: null }

function watched() {
  const parts = { model: grown.model, shards: 1, stallMs: 0, clock: wallClock, timing: machineTiming }
  const watch = new RuleWatch({ ...parts, cpuMs: processCpuMs, tell: () => {} })
  return { watch, board: new RuleBoard(watch.buffer) }
}

/** Purchases that were counted under the pack without the features; then engines start with the one that has them. */
async function withPurchases(
  work: (start: (pack: LoadedPack, options?: RigOptions) => Promise<RigEngine>) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-backfill-'))
  const folder = await openFolder(dir, { clock: 'event', pack: old })
  const place = { kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 64 * 1_024 } as const
  try {
    const first = await startEngine(folder, place, old)
    const records = Array.from({ length: purchases }, (_, i) => recordOf(`p${i}`, Date.now() - hourMs + i * 1_000))
    await folder.log.append(partitionOf(customerId, partitions), records)
    await first.shards.drained()
    await first.stop()
    await work((pack, options) => startEngine(folder, place, pack, options))
  } finally {
    await folder.close()
    await rm(dir, { recursive: true, force: true })
  }
}

function recordOf(id: string, time: number) {
  const card = { merchantCategory: 'fuel', merchantId: null, channel: 'online', country: 'CN' }
  const event = {
    id,
    source: 'card-system',
    type: 'card.purchase',
    customerId,
    time,
    provenance: { via: 'http' as const, consentId: null },
    data: { amount: 100, currency: 'CNY', ...card },
  }
  return { key: customerId, value: encodeEvent(event), appendTime: time }
}

async function countsOf(engine: RigEngine) {
  const [anna] = await engine.customers([customerId])
  return ['online_30d', 'fuel_30d'].map((id) => {
    const { lo, hi } = anna?.variables.find(({ name }) => name === id) ?? { lo: Number.NaN, hi: Number.NaN }
    return { lo, hi }
  })
}

it('waits while a feature over its events is quarantined, and counts them all once that is lifted', async () => {
  await withPurchases(async (start) => {
    const { watch, board } = watched()
    const engine = await start(grown, { watch, pageRecords: 16 })
    board.quarantine(names.indexOf(rule) + 1, true)
    await engine.runner.begin(hourMs)
    await expect.poll(async () => (await engine.runner.status()).problem, withinMs).toMatch(/out of service/)
    const { state, features } = await engine.runner.status()
    expect([state, ...features.map((feature) => feature.state)]).toEqual(['running', 'filling', 'filling'])
    expect(await countsOf(engine)).toEqual([unknown, unknown])
    board.quarantine(names.indexOf(rule) + 1, false)
    await expect.poll(() => countsOf(engine), withinMs).toEqual([sound, sound])
    expect(await engine.runner.status()).toMatchObject({ state: 'nothing', problem: null })
    await engine.stop()
  })
}, 60_000)

it('waits while the filter of a feature throws, which counts as no throw and closes no partition', async () => {
  await withPurchases(async (start) => {
    const { watch, board } = watched()
    let reads = 0
    const beforeFill = async (_: number, { kind }: { readonly kind: string }): Promise<void> => {
      if (kind === 'read') reads++
    }
    const engine = await start(grown, { watch, beforeFill, trap: { rule, how: 'throw', from: 1 } })
    await engine.runner.begin(hourMs)
    await expect.poll(async () => (await engine.runner.status()).problem, withinMs).toMatch(/threw/)
    for (let i = 0; i < throwsMax; i++) {
      const before = reads
      // Asking again looks at once.
      await engine.runner.begin(hourMs)
      await expect.poll(() => reads, withinMs).toBeGreaterThan(before)
    }
    watch.look()
    expect([watch.quarantined, [...watch.throws], board.isQuarantined(names.indexOf(rule) + 1)]).toEqual([
      [],
      [],
      false,
    ])
    expect((await engine.shards.partitions()).map(({ state }) => state)).toEqual(Array(partitions).fill('running'))
    expect(await countsOf(engine)).toEqual([unknown, unknown])
    await engine.stop()
    const mended = await start(grown)
    await expect.poll(() => countsOf(mended), withinMs).toEqual([sound, sound])
    await mended.stop()
  })
}, 60_000)
