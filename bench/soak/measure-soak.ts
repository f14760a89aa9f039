/** The measuring process of the soak benchmark, see `soak.ts`: engine, load, and a row every ten seconds. */
import { readdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bankPartitions, type EmbeddedBank, openEmbeddedBank } from '../embedded/embedded-bank.ts'
import { engineReceiver } from '../latency/contenders.ts'
import { gcChannel } from '../latency/gc-probe.ts'
import { type Collection, sharedNow, summarise } from '../latency/gc-watch.ts'
import { startLoad } from '../latency/load.ts'
import { asCollection } from '../latency/measure.ts'
import { Recorder } from '../latency/recorder.ts'
import { runAtRate } from '../latency/run.ts'
import type { BenchResult } from '../report.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import { type Row, rowColumns, soakResult } from './soak-result.ts'

export type SoakOptions = {
  readonly minutes: number
  readonly rate: number
  readonly customers: number
  readonly grown: number
  /** File for the rows; null: none. */
  readonly out: string | null
}

const segmentSeconds = 10
const dayMs = 86_400_000
const mb = 2 ** 20

async function measureSoak(options: SoakOptions): Promise<BenchResult> {
  const { rate, customers, minutes } = options
  const seconds = minutes * 60
  const recorder = new Recorder(bankPartitions, rate * segmentSeconds)
  // A customer's twenty events of a day take a day of the event clock: so much of it passes in a second.
  const dayShare = rate / (customers * 20)
  const bank = await openEmbeddedBank({
    pack: await loadBenchPack('retail-bank'),
    typical: growTypicalStates(await loadBenchPack('retail-bank'), options.grown),
    customers,
    cacheBytes: 256 * mb,
    retentionMs: (seconds / 8) * dayShare * dayMs,
    trimEveryMs: 2_000,
    // The default of 128 MiB takes longer to fill than a soak lasts, and until then the store grows.
    journalBytes: 16 * mb,
    onBatch: ({ partition, events }) => recorder.released(partition, events, sharedNow()),
  })
  const collections: { main: Collection[]; worker: Collection[] } = { main: [], worker: [] }
  const channel = new BroadcastChannel(gcChannel)
  channel.onmessage = (message) => {
    const collection = asCollection(message.data)
    collections[collection.thread === 0 ? 'main' : 'worker'].push(collection)
  }
  const stream = { seed: 5, customers, startMs: bank.clock.now() }
  const load = await startLoad({ stream, partitions: bankPartitions })
  const receiver = engineReceiver(bank, recorder)
  const rows: Row[] = []
  process.stdout.write(`${rowColumns.join('\t')}\n`)
  for (let second = 0; second < seconds; second += segmentSeconds) {
    recorder.reset()
    const run = await runAtRate(load, receiver, recorder, { rate, seconds: segmentSeconds, giveUp: false })
    const row = await rowOf(bank, second + segmentSeconds, run.stages.total.p99)
    rows.push(row)
    process.stdout.write(`${rowColumns.map((name) => row[name].toFixed(1)).join('\t')}\n`)
    if (!run.sustained) process.stdout.write('  the load of this row was not sustained\n')
  }
  if (options.out !== null) {
    const lines = rows.map((row) => `${rowColumns.map((name) => row[name].toFixed(3)).join(',')}\n`)
    await writeFile(options.out, `${rowColumns.join(',')}\n${lines.join('')}`)
  }
  const totals = await bank.shards.totals()
  channel.close()
  await load.stop()
  await bank.close()
  return soakResult(rows, {
    'events/s': rate,
    customers: customers,
    'events accepted': totals.accepted,
    decisions: totals.decisions,
    ...summarise('worker', collections.worker),
    ...summarise('main', collections.main),
  })
}

async function rowOf(bank: EmbeddedBank, second: number, p99: number): Promise<Row> {
  const { rss, heapUsed, external, arrayBuffers } = process.memoryUsage()
  const [usage] = await bank.shards.usage()
  return {
    second,
    'p99 ms': p99,
    'rss MB': rss / mb,
    'heap MB': heapUsed / mb,
    'external MB': external / mb,
    'buffers MB': arrayBuffers / mb,
    'cache MB': (usage?.bytes ?? 0) / mb,
    'log MB': (await bytesIn(join(bank.dir, 'log'))) / mb,
    'store MB': (await bytesIn(bank.storeDir)) / mb,
  }
}

/** Bytes that the files of a folder take on the disk. */
async function bytesIn(dir: string): Promise<number> {
  const files = await readdir(dir)
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(dir, file))).blocks * 512))
  return sizes.reduce((sum, size) => sum + size, 0)
}

const options: SoakOptions = JSON.parse(process.argv[2] ?? '')
const result = await measureSoak(options)
process.send?.(result, () => process.disconnect())
