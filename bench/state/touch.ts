/**
 * How long an event keeps the state busy: `node bench/state/touch.ts [--json] [--customers=100000]`.
 * A random one of the cached customers is found, remembers an event id, gets its series entries, and has six features
 * evaluated; batches of 256 events are written and installed as the shard does, and thrown away. Garbage collections by
 * kind are counted while it runs.
 */
import { PerformanceObserver } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createStates, type FlatStates } from '../../engine/state/flat-states.ts'
import { type BenchResult, machine, median, printResult } from '../report.ts'
import { bankLayout, DAY_MS, KINDS, START, seeded } from './bank.ts'

const BATCH = 256
const ARRIVALS = 1 << 18
const HISTORY_DAYS = 30
const EVENTS_A_DAY = 20
const READS = 6

type Bench = {
  readonly states: FlatStates
  readonly customers: number
  /** Ids in the order they come: new strings, as a decoder makes them. */
  readonly arrivals: readonly string[]
  readonly reads: readonly (readonly number[])[]
  readonly random: () => number
  now: number
  eventId: number
}

/** Measures three rounds, in a minute with 100,000 customers. */
export async function benchTouch(customers: number, events: number): Promise<BenchResult> {
  const bench = prepare(customers)
  const lines = scattered()
  const reads: number[] = []
  run(bench, 200_000)
  const collections = { scavenges: 0, markCompacts: 0, others: 0, longestMs: 0 }
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      collections[gcKind('detail' in entry ? entry.detail : null)]++
      collections.longestMs = Math.max(collections.longestMs, entry.duration)
    }
  })
  observer.observe({ entryTypes: ['gc'] })
  const rounds = [1, 2, 3].map(() => {
    reads.push(randomRead(lines))
    return run(bench, events)
  })
  // Collections are reported in a later turn.
  await setTimeout(50)
  observer.disconnect()
  const usage = bench.states.usage()
  return {
    name: 'state-touch',
    ratios: { randomReadsPerEvent: median(rounds) / median(reads) },
    figures: {
      nsPerEvent: median(rounds),
      nsPerEventWorst: Math.max(...rounds),
      nsPerRandomRead: median(reads),
      ...collections,
      customers: usage.customers,
      bytesPerCustomer: usage.bytes / usage.customers,
      heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    },
    machine: machine(),
  }
}

/** `detail.kind` of a gc entry: 1 scavenge, 4 mark-compact, 8 incremental marking. */
function gcKind(detail: unknown): 'scavenges' | 'markCompacts' | 'others' {
  const kind = typeof detail === 'object' && detail !== null && 'kind' in detail ? detail.kind : 0
  return kind === 1 ? 'scavenges' : kind === 4 ? 'markCompacts' : 'others'
}

function prepare(customers: number): Bench {
  const layout = bankLayout()
  const maxBytes = Math.max(64 << 20, customers * 16_000)
  const states = createStates(layout, { maxBytes, observedSince: layout.series.map(() => 0) })
  const random = seeded(1)
  const arrivals = Array.from({ length: ARRIVALS }, () => idOf(Math.floor(random() * customers)))
  const bench = { states, customers, arrivals, reads: readsOf(), random, now: START, eventId: 0 }
  const events = HISTORY_DAYS * EVENTS_A_DAY
  for (let first = 0; first < customers; first += BATCH) {
    states.begin(0)
    for (let customer = first; customer < Math.min(customers, first + BATCH); customer++) {
      const slot = states.load(0, idOf(customer), null)
      for (let attribute = 0; attribute < 8; attribute++) states.setAttribute(slot, attribute, attribute, START)
      for (let i = events; i > 0; i--) {
        const at = START - Math.floor((i * HISTORY_DAYS * DAY_MS) / events + random() * 3_600_000)
        if (i < EVENTS_A_DAY) states.remember(slot, i, i, at)
        addEvent(bench, slot, at)
      }
    }
    states.writes(0)
    states.installed(0)
  }
  return bench
}

function idOf(customer: number): string {
  const text = `customer-${(customer * 7919) % 1_000_003}-${customer}`
  // One flat string, as from a decoder, and not two that are joined when first looked at.
  return Buffer.from(text).toString('latin1')
}

/** For each kind of event the frame indexes of six features that its triggers would read. */
function readsOf(): readonly (readonly number[])[] {
  const { features } = bankLayout()
  return KINDS.map((series) => {
    const near = features.filter((feature) => series.includes(feature.series)).map(({ variable }) => variable)
    const rest = features.map(({ variable }) => variable).filter((variable) => !near.includes(variable))
    return [...near, ...rest].slice(0, READS)
  })
}

function addEvent(bench: Bench, slot: number, at: number): number {
  const kind = Math.floor(bench.random() * KINDS.length)
  bench.states.feed(slot, 4 + 2 * (kind % 4), 3 + kind, at)
  for (const series of KINDS[kind] ?? []) {
    // Series 3 counts distinct merchants, the others hold amounts in minor units.
    bench.states.addEntry(slot, series, at, Math.floor(bench.random() * (series === 3 ? 40 : 20_000)))
  }
  return kind
}

/** A cycle through every cache line of 256 MB, far from one to the next (Hull and Dobell, 1962: a full period). */
function scattered(): Int32Array {
  const lines = (256 << 20) / 64
  const next = new Int32Array(lines * 16)
  for (let line = 0; line < lines; line++) next[line * 16] = ((line * 1_664_525 + 1_013_904_223) & (lines - 1)) * 16
  return next
}

/**
 * The control: nanoseconds of CPU for one read that depends on the one before, over 256 MB. What an event costs is mostly such
 * reads, and what they cost depends on the machine and its neighbours.
 */
function randomRead(next: Int32Array): number {
  const reads = 2_000_000
  const started = process.cpuUsage()
  let at = 0
  for (let i = 0; i < reads; i++) at = next[at] ?? 0
  const used = process.cpuUsage(started)
  return ((used.user + used.system) * 1000) / reads + (at < 0 ? 1 : 0)
}

/** Nanoseconds of CPU an event: the machine may be busy with other things. */
function run(bench: Bench, events: number): number {
  const { states, arrivals } = bench
  const lo = new Float64Array(states.layout.variables)
  const hi = new Float64Array(states.layout.variables)
  // So many events a day that every customer keeps its pace, and windows forget as much as they learn.
  const step = DAY_MS / (EVENTS_A_DAY * bench.customers)
  const started = process.cpuUsage()
  for (let done = 0; done < events; done += BATCH) {
    states.begin(0)
    for (let i = 0; i < BATCH; i++) {
      bench.now += step
      const at = Math.floor(bench.now)
      const slot = states.find(arrivals[bench.eventId % ARRIVALS] ?? '')
      states.remember(slot, bench.eventId, bench.eventId++, at)
      const kind = addEvent(bench, slot, at)
      states.evaluate(slot, at, at, bench.reads[kind] ?? [], lo, hi)
    }
    states.writes(0)
    states.installed(0)
  }
  const used = process.cpuUsage(started)
  return ((used.user + used.system) * 1000) / events
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '100000' },
      events: { type: 'string', default: '1000000' },
    },
  })
  printResult(await benchTouch(Number(values.customers), Number(values.events)))
}
