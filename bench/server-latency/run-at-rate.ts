/** One run: events by a schedule to one contender, until what they led to was heard. */
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { sharedNow } from '../latency/gc-watch.ts'
import { quantile } from '../latency/recorder.ts'
import { type Quantiles, warmShare } from '../latency/run.ts'
import { watchOthers } from '../servers/cpu-time.ts'
import type { KafkaRunOrder } from '../servers/kafka-generator.ts'
import { offsetsOfRun } from '../servers/run-offsets.ts'
import type { Heard } from '../servers/topic-ear.ts'
import { recentOptions } from '../stream/recent-stream.ts'
import { placeOf } from '../workload/stream.ts'
import type { Contender, ContenderName, LatencyBench } from './contenders.ts'
import { MarkIndex, type Marks } from './marks.ts'

export type Run = {
  /** From the instant an event was due to when what it led to was consumed, milliseconds. */
  readonly whole: Quantiles
  /** From a record fetched to what it led to handed to the producer, milliseconds. */
  readonly added: Quantiles
  /** Records heard that the quantiles rest on. */
  readonly heard: number
  readonly lateP99: number
  readonly lateMax: number
  /** From the instant the last event was due until all were done with, milliseconds. */
  readonly drainMs: number
  readonly sustained: boolean
  /** Means over the batches of the engine; NaN for the echo. */
  readonly batch: {
    readonly events: number
    readonly loadMs: number
    readonly stepMs: number
    readonly commitMs: number
  }
  readonly othersCores: number
}

export type RunPlan = {
  readonly name: ContenderName
  /** Of the stream: another one in each run, so that no event is a repeat. */
  readonly seed: number
  readonly rate: number
  readonly seconds: number
}

const leadMs = 100
const settleWithinMs = 60_000
/** Everything has to be done with so soon behind the last event, else the rate is not sustained. */
const sustainedDrainMs = 500

/**
 * Sends `seconds` at `rate` and waits until everything was heard.
 * @throws Error when something never comes
 */
export async function runAtRate(bench: LatencyBench, { name, seed, rate, seconds }: RunPlan): Promise<Run> {
  const contender = bench.contenders[name]
  const { servers, generator, ear } = bench
  const events = Math.round(rate * seconds)
  const stream = recentOptions({ seed, customers: bench.customers, events })
  await takeMarks(contender)
  ear.take()
  const before = contender.progress()
  const others = watchOthers([
    process.pid,
    generator.pid,
    servers.pids.redis(),
    servers.pids.kafka(),
    ...Object.values(bench.contenders).map(({ child }) => child.pid),
  ])
  const order: KafkaRunOrder = { topic: contender.topic, stream, rate, events, startAt: sharedNow() + leadMs }
  const sent = generator.next(({ kind }) => kind === 'sent')
  generator.send(order)
  const said = await sent
  if (said.kind !== 'sent') throw new Error('the generator says when everything was sent')
  await untilDone(contender, (before?.events ?? 0) + events)
  const after = contender.progress()
  const othersCores = others()
  const { marks, heard } = await untilHeard(bench, contender)
  const samples = samplesOf(order, contender, marks, heard)
  const drainMs = (after?.at ?? Number.NaN) - (order.startAt + (events * 1_000) / rate)
  const batches = (after?.sums['batches'] ?? 0) - (before?.sums['batches'] ?? 0)
  const mean = (sum: string) => ((after?.sums[sum] ?? 0) - (before?.sums[sum] ?? 0)) / batches
  return {
    whole: quantilesOf(samples.whole),
    added: quantilesOf(samples.added),
    heard: samples.whole.length,
    lateP99: said.lateP99,
    lateMax: said.lateMax,
    drainMs,
    sustained: drainMs < sustainedDrainMs && !grows(samples.whole),
    batch: { events: events / batches, loadMs: mean('loadMs'), stepMs: mean('stepMs'), commitMs: mean('commitMs') },
    othersCores,
  }
}

/** Resolves when the contender has done so many events since it started. */
export async function untilDone(contender: Contender, events: number): Promise<void> {
  const until = performance.now() + settleWithinMs
  while ((contender.progress()?.events ?? 0) < events) {
    if (performance.now() > until)
      throw new Error(`${contender.name} has done ${contender.progress()?.events} of ${events} events after a minute`)
    await sleep(10)
  }
}

/** Everything that the contender handed over, and its instants. */
async function untilHeard(
  { ear }: LatencyBench,
  contender: Contender,
): Promise<{ readonly marks: Marks; readonly heard: readonly Heard[] }> {
  const drained = contender.child.next(({ kind }) => kind === 'drained')
  contender.child.send('drain')
  await drained
  const marks = await takeMarks(contender)
  const expected = marks.handed.reduce((sum, { count }) => sum + count, 0)
  const heard: Heard[] = []
  const until = performance.now() + settleWithinMs
  while (heard.length < expected) {
    if (performance.now() > until) throw new Error(`${heard.length} of ${expected} records of ${contender.name} came`)
    await sleep(20)
    heard.push(...ear.take().filter(({ topic }) => topic === contender.outTopic))
  }
  return { marks, heard }
}

async function takeMarks({ child }: Contender): Promise<Marks> {
  const answer = child.next(({ kind }) => kind === 'marks')
  child.send('take')
  const marks = await answer
  if (marks.kind !== 'marks') throw new Error('a contender answers with its marks')
  return marks
}

/** Latencies in the order in which their events were due, without the first of the run. */
function samplesOf(
  { stream, rate, events, startAt }: KafkaRunOrder,
  { name, appended }: Contender,
  marks: Marks,
  heard: readonly Heard[],
): { readonly whole: Float32Array; readonly added: Float32Array } {
  const { offset: offsets } = offsetsOfRun(stream, events, appended)
  const index = new MarkIndex(marks)
  const found = heard.flatMap(({ partition, offset, at, value }) => {
    const place = placeOf(eventIdOf(name, value))
    if (place.seed !== stream.seed || place.index < events * warmShare) return []
    const whole = at - (startAt + (place.index * 1_000) / rate)
    const added = index.handedAt(partition, offset) - index.fetchedAt(partition, offsets[place.index] ?? -1)
    if (Number.isNaN(added) || added < 0) throw new Error(`${name} let out what it was not seen to fetch`)
    return [{ at: place.index, whole, added }]
  })
  if (found.length === 0) throw new Error(`nothing of ${name} was heard`)
  found.sort((a, b) => a.at - b.at)
  return { whole: Float32Array.from(found, (one) => one.whole), added: Float32Array.from(found, (one) => one.added) }
}

function eventIdOf(name: ContenderName, value: Buffer): string {
  if (name === 'engine') return decodeDecision(value).cause.id
  const decoded = decodeEvent(value)
  if (decoded.kind !== 'ok') throw new Error('the echo sends events on')
  return decoded.event.id
}

function quantilesOf(values: Float32Array): Quantiles {
  const sorted = values.slice().sort()
  return {
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: quantile(sorted, 1),
  }
}

/** Whether the typical wait of the last third is far above that of the middle third. */
function grows(inOrder: Float32Array): boolean {
  const third = Math.floor(inOrder.length / 3)
  const middle = quantile(inOrder.slice(third, 2 * third).sort(), 0.5)
  return quantile(inOrder.slice(2 * third).sort(), 0.5) > 2 * middle + 5
}
