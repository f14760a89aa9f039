/**
 * How many events one core decides: `npm run bench -- step [--json] [--customers=100000] [--events=400000]`.
 *
 * The worker's code path without the log and the store: unpack and decode a batch, find its customers, step, encode the
 * decisions, take the patches to write, install. Controls in the same rounds: the same bytes only decoded, the same events
 * parsed as JSON.
 */
import { parseArgs } from 'node:util'
import { batchCustomers } from '../../engine/shard/batch-customers.ts'
import { BatchTally } from '../../engine/shard/batch-tally.ts'
import { EventCursor, packEvents } from '../../engine/shard/event-frame.ts'
import { WorkMark } from '../../engine/shard/rule-board.ts'
import { stepBatch } from '../../engine/shard/step-batch.ts'
import { createStates } from '../../engine/state/flat-states.ts'
import type { Slot } from '../../engine/state/states.ts'
import { nothingKnown } from '../../engine/step/funnel/stock-view.ts'
import type { StepContext } from '../../engine/step/step.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import type { LogRecord } from '../../ingest/log.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { openCodecs } from '../../sinks/codecs.ts'
import { watchCollections } from '../latency/gc-watch.ts'
import { type BenchResult, machine, median, printResult } from '../report.ts'
import { createStream, maxEventBytes, streamCustomerId } from '../workload/stream.ts'
import { loadBenchPack } from './bench-pack.ts'
import { guardedPack } from './guarded-pack.ts'
import { benchSalt, growTypicalStates, type TypicalStates } from './typical-states.ts'

const rounds = 3
const batchEvents = 256
/** Batches the controls read. */
const controlBatches = 400

export async function benchStep(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '100000' },
      events: { type: 'string', default: '400000' },
      grown: { type: 'string', default: '2000' },
    },
    allowPositionals: true,
  })
  const customers = Number(values.customers)
  const events = Number(values.events)
  const pack = await loadBenchPack('retail-bank')
  const typical = growTypicalStates(pack, Number(values.grown))
  const context = contextOf(pack, typical, customers)
  const load = createLoad(customers, typical.endMs)
  const totals: Totals = { events: 0, decisions: 0, duplicates: 0, deadLetters: 0, patchBytes: 0 }

  stepAll(context, load.take(events), totals)
  Object.assign(totals, { events: 0, decisions: 0, duplicates: 0, deadLetters: 0, patchBytes: 0 })
  const collections = watchCollections()
  const times: Round[] = []
  for (let round = 0; round < rounds; round++) {
    const batches = load.take(events)
    const control = batches.slice(0, controlBatches)
    times.push({ decode: decodeAll(control), json: parseAll(control), step: stepAll(context, batches, totals) })
  }
  const gc = await collections.stop()
  const usage = context.states.usage()
  const of = (pick: (round: Round) => number) => median(times.map(pick))
  return {
    name: 'step',
    ratios: {
      'events/s over the goal of 150,000': of(({ step }) => 1e9 / step.totalNs / 150_000),
      'time over decoding alone': of((round) => round.step.totalNs / round.decode),
      'time over JSON.parse of the same events': of((round) => round.step.totalNs / round.json),
    },
    figures: {
      'events/s': of(({ step }) => 1e9 / step.totalNs),
      'events/s, decoding not counted': of(({ step, decode }) => 1e9 / (step.totalNs - decode)),
      'whole path, ns an event': of(({ step }) => step.totalNs),
      '  collect customers': of(({ step }) => step.collectNs),
      '  find customers': of(({ step }) => step.findNs),
      '  decode, check, step, encode decisions': of(({ step }) => step.stepNs),
      '  patches to write, install': of(({ step }) => step.writesNs),
      'CPU of the process, ns an event': of(({ step }) => step.cpuNs),
      'control: decode alone, ns': of(({ decode }) => decode),
      'control: JSON.parse, ns': of(({ json }) => json),
      'decisions per 1,000 events': (1_000 * totals.decisions) / totals.events,
      'duplicates and dead letters': totals.duplicates + totals.deadLetters,
      'patch bytes an event': totals.patchBytes / totals.events,
      'events grown into the states': typical.events,
      'customers in cache': usage.customers,
      'cache bytes a customer': usage.bytes / usage.customers,
      'stored bytes a customer': typical.meanBytes,
      ...gc,
    },
    machine: machine(),
  }
}

type StepTimes = {
  readonly totalNs: number
  readonly collectNs: number
  readonly findNs: number
  readonly stepNs: number
  readonly writesNs: number
  readonly cpuNs: number
}
/** Nanoseconds an event. */
type Round = { readonly decode: number; readonly json: number; readonly step: StepTimes }
type Totals = { events: number; decisions: number; duplicates: number; deadLetters: number; patchBytes: number }
type Batch = { readonly frame: ArrayBuffer; readonly first: number }

function contextOf(pack: LoadedPack, typical: TypicalStates, customers: number): StepContext {
  const compiled = guardedPack(pack)
  const states = createStates(compiled.layout, {
    maxBytes: Math.max(64 * 2 ** 20, customers * 20 * 1024),
    observedSince: compiled.layout.series.map(() => 0),
  })
  for (let n = 0; n < customers; n++) {
    if (n % batchEvents === 0) states.begin(0)
    states.load(0, streamCustomerId(n), { base: typical.base(n, customers), patches: [] })
    if (n % batchEvents === batchEvents - 1 || n === customers - 1) states.installed(0)
  }
  return createStepContext(compiled, states, benchSalt)
}

/** The plain stream as the frames a shard gets, one batch each. */
function createLoad(customers: number, startMs: number): { take(events: number): readonly Batch[] } {
  const stream = createStream({ seed: 2, customers, startMs })
  let offset = 0
  const takeBatch = (): Batch => {
    const first = offset
    const records: LogRecord[] = []
    for (let i = 0; i < batchEvents; i++) {
      stream.next()
      const bytes = new Uint8Array(maxEventBytes)
      const value = bytes.subarray(0, stream.write(bytes, 0))
      records.push({ offset: offset++, appendTime: stream.time, key: streamCustomerId(stream.customer), value })
    }
    const { buffer } = packEvents(records, { events: batchEvents, customers: batchEvents, bytes: 1 << 20 })
    return { frame: buffer, first }
  }
  return { take: (events) => Array.from({ length: Math.ceil(events / batchEvents) }, takeBatch) }
}

function stepAll(context: StepContext, batches: readonly Batch[], totals: Totals): StepTimes {
  const { states } = context
  let collectMs = 0
  let findMs = 0
  let stepMs = 0
  let writesMs = 0
  let clock = 0
  const tally = new BatchTally(context)
  const codecs = openCodecs({ kind: 'own' })
  const mark = WorkMark.alone()
  const cpu = process.cpuUsage()
  for (const { frame, first } of batches) {
    const t0 = performance.now()
    const task = {
      partition: 0,
      events: frame,
      requests: [],
      records: [],
      now: clock,
      published: 0,
      dpos: 0,
      flush: false,
      notAfter: null,
      takesDue: false,
    }
    const customers = batchCustomers(task, { next: first, partitions: 1, codec: codecs.events })
    const t1 = performance.now()
    states.begin(0)
    const slots = new Map<string, Slot>()
    for (const customerId of customers) slots.set(customerId, states.find(customerId))
    const t2 = performance.now()
    const stepped = stepBatch({ context, codecs, tally, mark }, slots, task, {
      seq: 0,
      turn: 0,
      next: first,
      appendTime: clock,
      clock,
      wallNow: null,
      partitions: 1,
      due: [],
      stock: { left: [], ...nothingKnown },
    })
    clock = stepped.clock
    const t3 = performance.now()
    for (const write of states.writes(0)) totals.patchBytes += write.kind === 'erase' ? 0 : write.bytes.length
    states.installed(0)
    const t4 = performance.now()
    collectMs += t1 - t0
    findMs += t2 - t1
    stepMs += t3 - t2
    writesMs += t4 - t3
    totals.decisions += stepped.decisions.length
    totals.duplicates += stepped.duplicates.length
    totals.deadLetters += stepped.deadLetters.length
  }
  const used = process.cpuUsage(cpu)
  const events = batches.length * batchEvents
  totals.events += events
  const ns = (ms: number): number => (ms * 1e6) / events
  return {
    totalNs: ns(collectMs + findMs + stepMs + writesMs),
    collectNs: ns(collectMs),
    findNs: ns(findMs),
    stepNs: ns(stepMs),
    writesNs: ns(writesMs),
    cpuNs: ((used.user + used.system) * 1_000) / events,
  }
}

/** Nanoseconds to decode and check an event. */
function decodeAll(batches: readonly Batch[]): number {
  let ms = 0
  for (const { frame } of batches) {
    const record = new EventCursor(frame)
    const started = performance.now()
    while (record.next()) if (decodeEvent(record.value).kind !== 'ok') throw new Error('an event does not decode')
    ms += performance.now() - started
  }
  return (ms * 1e6) / (batches.length * batchEvents)
}

/** Nanoseconds to parse the same event as CloudEvents JSON, unchecked. */
function parseAll(batches: readonly Batch[]): number {
  let ms = 0
  for (const { frame } of batches) {
    const texts: string[] = []
    const record = new EventCursor(frame)
    while (record.next()) {
      const decoded = decodeEvent(record.value)
      if (decoded.kind === 'ok') texts.push(JSON.stringify(printCloudEvent(decoded.event)))
    }
    const started = performance.now()
    for (const text of texts) if (JSON.parse(text) === null) throw new Error('an event is not null')
    ms += performance.now() - started
  }
  return (ms * 1e6) / (batches.length * batchEvents)
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchStep())
