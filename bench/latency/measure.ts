/**
 * The measuring process of the latency benchmark, see `latency.ts`: engine, controls and the rounds. Started with
 * `gc-probe.ts` preloaded; answers with the result as a message.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BatchReport } from '../../engine/shard/partition-options.ts'
import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import type { Log } from '../../ingest/log.ts'
import { bankPartitions, type EmbeddedBank, openEmbeddedBank } from '../embedded/embedded-bank.ts'
import { feedBank, streamFor } from '../embedded/feed.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates, type TypicalStates } from '../step/typical-states.ts'
import { appendReceiver, type Echo, engineReceiver, startEcho } from './contenders.ts'
import { gcChannel, type ThreadCollection } from './gc-probe.ts'
import { sharedNow } from './gc-watch.ts'
import { type Load, startLoad } from './load.ts'
import { Recorder } from './recorder.ts'
import { type Run, runAtRate, warmShare } from './run.ts'
import { describeStall, findStalls } from './stalls.ts'
import { type StoreWatch, watchStore } from './store-side.ts'
import { csvHead, TimeLine } from './time-line.ts'

export type LatencyOptions = {
  readonly customers: number
  /** Customers grown into typical states. */
  readonly grown: number
  /** Events a second; the last one is lowered to what is sustained. */
  readonly rates: readonly number[]
  readonly rounds: number
  /** Of an engine run; controls run for less. */
  readonly seconds: number
  readonly echoSeconds: number
  readonly appendSeconds: number
  /** File for the time lines of all engine runs; null: none. */
  readonly out: string | null
}

/** One engine run with everything that was seen in it. */
export type EngineRun = Run & {
  readonly line: TimeLine
  readonly seconds: number
  readonly stallCount: number
  /** The three longest, in words. */
  readonly stalls: readonly string[]
}

export type Round = { readonly echo: Run; readonly append: Run; readonly engine: EngineRun }

export type RateResult = { readonly rate: number; readonly rounds: readonly Round[] }

export type Measured = {
  readonly rates: readonly RateResult[]
  /** Rates that were tried and not sustained. */
  readonly refused: readonly number[]
  readonly closedLoopPerSecond: number
}

/** The parts of a measurement; the engine tells its batches to whatever run is under way. */
type Bench = {
  readonly options: LatencyOptions
  readonly load: Load
  readonly echo: Echo
  readonly log: Log
  readonly bank: EmbeddedBank
  readonly store: StoreWatch
  readonly hear: { onBatch: (report: BatchReport) => void; onCollection: (collection: ThreadCollection) => void }
}

/** Runs the whole measurement and cleans up. */
export async function measureLatency(options: LatencyOptions): Promise<Measured> {
  const typical = growTypicalStates(await loadBenchPack('retail-bank'), options.grown)
  const hear: Bench['hear'] = { onBatch: () => {}, onCollection: () => {} }
  const { bank, store } = await openBank(options, typical, hear)
  const closedLoopPerSecond = await warm(bank, options.customers, typical.endMs)
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  const now = () => bank.clock.now()
  const log = await openLmdbLog({
    dir,
    name: 'events',
    partitions: bankPartitions,
    now,
    retentionMs: 1e13,
    maxBytes: 2 ** 34,
  })
  const echo = await startEcho()
  const stream = { seed: 5, customers: options.customers, startMs: typical.endMs + 2 * 86_400_000 }
  const load = await startLoad({ stream, partitions: bankPartitions })
  const channel = new BroadcastChannel(gcChannel)
  channel.onmessage = (message) => hear.onCollection(asCollection(message.data))
  if (options.out !== null) await writeFile(options.out, csvHead)

  const bench: Bench = { options, load, echo, log, bank, store, hear }
  const refused: number[] = []
  const rates: RateResult[] = []
  for (const [i, wanted] of options.rates.entries()) {
    const isLast = i === options.rates.length - 1
    const rate = isLast ? await findSustained(bench, wanted, closedLoopPerSecond, refused) : wanted
    rates.push({ rate, rounds: await roundsAt(bench, rate) })
  }
  channel.close()
  await load.stop()
  await echo.stop()
  await store.close()
  await bank.close()
  await log.close()
  await rm(dir, { recursive: true, force: true })
  return { rates, refused, closedLoopPerSecond }
}

async function openBank(
  { customers }: LatencyOptions,
  typical: TypicalStates,
  hear: Bench['hear'],
): Promise<{ bank: EmbeddedBank; store: StoreWatch }> {
  let store: StoreWatch | null = null
  const bank = await openEmbeddedBank({
    pack: await loadBenchPack('retail-bank'),
    typical,
    customers,
    cacheBytes: Math.max(256 * 2 ** 20, customers * 20_000),
    onBatch: (report) => hear.onBatch(report),
    beforeShards: (storeDir) => {
      store = watchStore(storeDir)
    },
  })
  if (store === null) throw new Error('the store is watched before the shards open it')
  return { bank, store }
}

/** Brings every customer into the cache and the code up to speed; events a second. */
async function warm(bank: EmbeddedBank, customers: number, fromMs: number): Promise<number> {
  const stream = streamFor(customers, fromMs, 2)
  await feedBank(bank, stream, customers * 4, 'log')
  const events = customers * 2
  const started = performance.now()
  await feedBank(bank, stream, events, 'log')
  return (events * 1_000) / (performance.now() - started)
}

/** The highest rate, at most `wanted`, at which nothing piles up: going down by a fifth from what a closed loop reached. */
async function findSustained(bench: Bench, wanted: number, closedLoop: number, refused: number[]): Promise<number> {
  const least = bench.options.rates[0] ?? wanted
  let rate = Math.min(wanted, Math.ceil((closedLoop * 1.1) / 1_000) * 1_000)
  if (rate < wanted) refused.push(wanted)
  for (; rate > least; rate = Math.round((rate * 0.8) / 1_000) * 1_000) {
    const run = await engineRun(bench, rate, 4, true)
    if (run.sustained) return rate
    refused.push(rate)
  }
  return Math.min(least, wanted)
}

async function roundsAt(bench: Bench, rate: number): Promise<readonly Round[]> {
  const { options, load, echo, log } = bench
  const rounds: Round[] = []
  for (let round = 0; round < options.rounds; round++) {
    const echoed = new Recorder(1, rate * options.echoSeconds)
    const echoRun = await runAtRate(load, echo.receiver(echoed), echoed, {
      rate,
      seconds: options.echoSeconds,
      giveUp: false,
    })
    const appended = new Recorder(bankPartitions, rate * options.appendSeconds)
    const append = await runAtRate(load, appendReceiver(log, appended), appended, {
      rate,
      seconds: options.appendSeconds,
      giveUp: false,
    })
    const engine = await engineRun(bench, rate, options.seconds, false)
    if (options.out !== null) await engine.line.write(options.out, `${rate}/s round ${round + 1}`, 0)
    rounds.push({ echo: echoRun, append, engine })
  }
  return rounds
}

async function engineRun(bench: Bench, rate: number, seconds: number, giveUp: boolean): Promise<EngineRun> {
  const { load, bank, store, hear, echo } = bench
  const recorder = new Recorder(bankPartitions, Math.round(rate * seconds))
  const line = new TimeLine(Math.ceil(seconds * 10_000))
  hear.onBatch = (report) => {
    const at = sharedNow()
    recorder.released(report.partition, report.events, at)
    if (report.events > 0) line.batch(at, report)
  }
  hear.onCollection = (collection) => {
    if (collection.thread !== echo.threadId) line.collections.push(collection)
  }
  const watch = setInterval(() => {
    const sample = store.take()
    if (sample !== null) line.store.push(sample)
  }, 100)
  store.take()
  const run = await runAtRate(load, engineReceiver(bank, recorder), recorder, { rate, seconds, giveUp })
  clearInterval(watch)
  await bank.shards.drained()
  hear.onBatch = () => {}
  hear.onCollection = () => {}
  const stalls = findStalls(recorder, run.stages.total.p99, warmShare)
  const longest = [...stalls].sort((a, b) => b.worst.total - a.worst.total).slice(0, 3)
  return {
    ...run,
    line,
    seconds,
    stallCount: stalls.length,
    stalls: longest.map((stall) => describeStall(stall, line)),
  }
}

/** A collection as the channel brought it. */
export function asCollection(data: unknown): ThreadCollection {
  const of: Readonly<Record<string, unknown>> = { ...(typeof data === 'object' ? data : null) }
  const number = (value: unknown): number => (typeof value === 'number' ? value : 0)
  const { kind } = of
  const known = kind === 'scavenge' || kind === 'mark-compact' || kind === 'incremental' ? kind : 'other'
  return { at: number(of['at']), ms: number(of['ms']), thread: number(of['thread']), kind: known }
}
