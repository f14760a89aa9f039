/**
 * The embedded engine end to end on this machine: `npm run bench -- embedded [--json] [--customers=50000] [--events=200000]`.
 *
 * Log append (durable), shard in a worker thread, LMDB commit (durable), decisions appended to their log (durable), with the
 * retail-bank pack. Rounds in turn: a control that appends and reads the same events without deciding anything, all
 * customers cached, a cache for half of them, the same through the intake that checks every event.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BatchReport } from '../../engine/shard/partition-options.ts'
import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import type { Log } from '../../ingest/log.ts'
import { type BenchResult, machine, median, printResult } from '../report.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import type { EventStream } from '../workload/stream.ts'
import { bankPartitions, type EmbeddedBank, openEmbeddedBank } from './embedded-bank.ts'
import { appendAndRead, type Door, feedBank, streamFor } from './feed.ts'

const plentyBytes = 2 * 2 ** 30
/** Times the size of the half cache is corrected, and how near to half of the customers is near enough. */
const corrections = 2
const nearness = 0.03

export async function benchEmbedded(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '50000' },
      events: { type: 'string', default: '200000' },
      grown: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '3' },
    },
    allowPositionals: true,
  })
  const customers = Number(values.customers)
  const events = Number(values.events)
  const pack = await loadBenchPack('retail-bank')
  const typical = growTypicalStates(pack, Number(values.grown))
  const common = { pack, typical, customers }
  const stream = (seed: number): EventStream => streamFor(customers, typical.endMs, seed)

  const whole = await openContender((onBatch) => openEmbeddedBank({ ...common, cacheBytes: plentyBytes, onBatch }))
  const wholeStream = stream(2)
  await feedBank(whole.bank, wholeStream, customers * 4, 'log')
  const cached = await usageOf(whole.bank)
  const halfStream = stream(3)
  const half = await openHalf(cached, async (cacheBytes) => {
    const contender = await openContender((onBatch) => openEmbeddedBank({ ...common, cacheBytes, onBatch }))
    await feedBank(contender.bank, halfStream, customers * 2, 'log')
    return contender
  })
  const control = await openControl(typical.endMs)
  const controlStream = stream(4)

  const rounds: Record<Name, number>[] = []
  const cpu: number[] = []
  for (let round = 0; round < Number(values.rounds); round++) {
    const appended = await rate(events, () => appendAndRead(control.log, controlStream, events))
    const used = process.cpuUsage()
    const all = await timed(whole, wholeStream, events, 'log')
    const { user, system } = process.cpuUsage(used)
    cpu.push((user + system) / events)
    rounds.push({
      control: appended,
      whole: all,
      half: await timed(half, halfStream, events, 'log'),
      intake: await timed(whole, wholeStream, events, 'intake'),
    })
  }
  const halfUsage = await usageOf(half.bank)
  await Promise.all([whole.bank.close(), half.bank.close(), control.close()])
  const of = (pick: (round: Record<Name, number>) => number): number => median(rounds.map(pick))
  return {
    name: 'embedded',
    ratios: {
      'events/s over the goal of 25,000': of((round) => round.whole / 25_000),
      'half cached over all cached (goal >= 0.5)': of((round) => round.half / round.whole),
      'all cached over append and read alone': of((round) => round.whole / round.control),
      'through the intake over straight into the log': of((round) => round.intake / round.whole),
    },
    figures: {
      'events/s, all customers cached': of((round) => round.whole),
      'events/s, half of the customers cached': of((round) => round.half),
      'events/s, all cached, through the intake': of((round) => round.intake),
      'control: events/s appended and read': of((round) => round.control),
      'CPU of the process, us an event': median(cpu),
      ...batchFigures('all cached', whole.batches),
      ...batchFigures('half cached', half.batches),
      customers: customers,
      'cached, all': cached.customers,
      'cached, half': halfUsage.customers,
      'cached, half over all': halfUsage.customers / cached.customers,
      'cache MB, all': cached.bytes / 2 ** 20,
      'cache MB, half': halfUsage.maxBytes / 2 ** 20,
    },
    machine: machine(),
  }
}

type Name = 'control' | 'whole' | 'half' | 'intake'

/** Sums over the batches of the timed rounds. */
type Batches = { count: number; events: number; loaded: number; stepMs: number; commitMs: number; loadMs: number }
type Contender = { readonly bank: EmbeddedBank; readonly batches: Batches; counting: boolean }

async function openContender(
  open: (onBatch: (report: BatchReport) => void) => Promise<EmbeddedBank>,
): Promise<Contender> {
  const batches: Batches = { count: 0, events: 0, loaded: 0, stepMs: 0, commitMs: 0, loadMs: 0 }
  let counting = false
  const bank = await open((report) => {
    if (!counting) return
    batches.count++
    batches.events += report.events
    batches.loaded += report.loaded
    batches.stepMs += report.stepMs
    batches.commitMs += report.commitMs
    batches.loadMs += report.loadMs
  })
  return {
    bank,
    batches,
    get counting() {
      return counting
    },
    set counting(on) {
      counting = on
    },
  }
}

/** A cache that evicts holds fewer customers a byte than one that never did: the size is corrected until half of them fit. */
async function openHalf(
  all: { readonly customers: number; readonly bytes: number },
  open: (cacheBytes: number) => Promise<Contender>,
): Promise<Contender> {
  let cacheBytes = Math.floor(all.bytes / 2)
  let half = await open(cacheBytes)
  for (let i = 0; i < corrections; i++) {
    const share = (await usageOf(half.bank)).customers / all.customers
    if (Math.abs(share - 0.5) < nearness) break
    await half.bank.close()
    cacheBytes = Math.floor((cacheBytes * 0.5) / share)
    half = await open(cacheBytes)
  }
  return half
}

async function timed(contender: Contender, stream: EventStream, events: number, door: Door): Promise<number> {
  contender.counting = door === 'log'
  const perSecond = await rate(events, () => feedBank(contender.bank, stream, events, door))
  contender.counting = false
  return perSecond
}

/** Things a second. */
async function rate(count: number, work: () => Promise<void>): Promise<number> {
  const started = performance.now()
  await work()
  return (count * 1_000) / (performance.now() - started)
}

function batchFigures(name: string, batches: Batches): Readonly<Record<string, number>> {
  const { count, events } = batches
  return {
    [`${name}: events a batch`]: events / count,
    [`${name}: commit ms, mean, as the worker sees it`]: batches.commitMs / count,
    [`${name}: step us an event`]: (batches.stepMs * 1_000) / events,
    [`${name}: load us an event`]: (batches.loadMs * 1_000) / events,
    [`${name}: customers loaded an event`]: batches.loaded / events,
  }
}

async function usageOf(bank: EmbeddedBank): Promise<{ customers: number; bytes: number; maxBytes: number }> {
  const [usage] = await bank.shards.usage()
  return usage ?? { customers: 0, bytes: 0, maxBytes: 0 }
}

async function openControl(nowMs: number): Promise<{ readonly log: Log; close(): Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  const log = await openLmdbLog({
    dir: join(dir, 'log'),
    name: 'events',
    partitions: bankPartitions,
    now: () => nowMs,
    retentionMs: 1e13,
    maxBytes: 16 * 2 ** 30,
  })
  return {
    log,
    async close() {
      await log.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchEmbedded())
