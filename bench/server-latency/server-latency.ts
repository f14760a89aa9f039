/**
 * How long an event takes on Kafka and Redis: `npm run bench -- server-latency [--json] [--rate=10000] [--rounds=3] [--seconds=18]
 * [--customers=30000] [--most=60000] [--kafka=HOST:PORT] [--redis=URL]`.
 *
 * Open model: a generator in another process produces by a schedule. Rounds in turn of an echo consumer and the engine, at `rate`
 * and at half of the rate that is sustained. Two stretches: from a record fetched to its decision handed to the producer, which is
 * what the engine adds, and from the instant the event was due to its decision consumed.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { type BenchResult, printResult, shown } from '../report.ts'
import { checkCounted } from '../servers/check-counted.ts'
import { tell } from '../servers/progress.ts'
import { partitions, serverArgs, startServers } from '../servers/servers.ts'
import { fillTopic, readTopic, removeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import { recentStream } from '../stream/recent-stream.ts'
import { type Contender, type LatencyBench, openLatencyBench } from './contenders.ts'
import { type RateResult, type Round, serverLatencyResult } from './latency-result.ts'
import { type Run, type RunPlan, runAtRate, untilDone } from './run-at-rate.ts'

const dayMs = 86_400_000
/** Of the stream that warms in; those of the runs follow. */
const firstSeed = 20
const trySeconds = 5
const warmWithinMs = 120_000

export async function benchServerLatency(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      rate: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '18' },
      customers: { type: 'string', default: '30000' },
      warm: { type: 'string', default: '200000' },
      most: { type: 'string', default: '60000' },
      grown: { type: 'string', default: '1000' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  const customers = Number(values.customers)
  const plan = { rate: Number(values.rate), rounds: Number(values.rounds), seconds: Number(values.seconds) }
  tell('growing the customers of a month ...')
  const startMs = Date.now() - 30 * dayMs - 600_000
  const typical = growTypicalStates(await loadBenchPack('retail-bank'), Number(values.grown), 30, startMs)
  const servers = await startServers(values)
  try {
    const bench = await openLatencyBench(servers, { customers, typical })
    const runs = new Runs(bench)
    const closedLoop = await runs.warm(Number(values.warm))
    tell(`warm: ${shown(Math.round(closedLoop))} events/s while the topic is filled`)
    const rates: RateResult[] = [{ rate: plan.rate, rounds: await runs.rounds(plan) }]
    const sustained = await runs.findSustained(Math.min(Number(values.most), closedLoop))
    const half = Math.round(sustained / 2)
    rates.push({ rate: half, rounds: await runs.rounds({ ...plan, rate: half }) })
    await bench.close()
    const counted = await checkCounted(servers, bench, runs.engineEvents)
    await checkOrder(bench)
    await removeTopics(servers.connections.brokers, servers.prefix)
    return serverLatencyResult(rates, {
      'rate that is sustained, events/s': sustained,
      'events/s while warming in, closed loop': closedLoop,
      'decisions, each with one content': counted.decisions,
      customers,
      ...servers.figures,
    })
  } finally {
    await servers.stop()
  }
}

/** Runs one after the other, each with a stream of its own. */
class Runs {
  readonly #bench: LatencyBench
  #seed = firstSeed
  /** Events that the engine was given. */
  engineEvents = 0

  constructor(bench: LatencyBench) {
    this.#bench = bench
  }

  /** Fills both topics as fast as it goes, so that code and caches are warm. Events a second of the engine over the second half. */
  async warm(events: number): Promise<number> {
    const { servers, contenders, customers } = this.#bench
    const seed = this.#seed++
    const fill = ({ topic, appended }: Contender) =>
      fillTopic(servers.connections.brokers, topic, {
        stream: recentStream({ seed, customers, events }),
        events,
        partitions,
        appended,
      })
    await fill(contenders.echo)
    await untilDone(contenders.echo, events)
    this.engineEvents += events
    const filled = fill(contenders.engine)
    const from = performance.now()
    let half: { readonly at: number; readonly events: number } | null = null
    for (;;) {
      await sleep(5)
      const progress = contenders.engine.progress()
      if (progress !== null && half === null && progress.events >= events / 2) half = progress
      if (progress !== null && half !== null && progress.events >= events) {
        await filled
        return ((progress.events - half.events) * 1_000) / (progress.at - half.at)
      }
      if (performance.now() - from > warmWithinMs) throw new Error('the engine does not get through its warm-up')
    }
  }

  async rounds(plan: {
    readonly rate: number
    readonly rounds: number
    readonly seconds: number
  }): Promise<readonly Round[]> {
    const rounds: Round[] = []
    for (let number = 1; number <= plan.rounds; number++) {
      const echo = await this.#run({ ...plan, name: 'echo' })
      const engine = await this.#run({ ...plan, name: 'engine' })
      tell(
        `${shown(plan.rate)}/s, round ${number}: p99 ${shown(engine.whole.p99)} ms, of it added ${shown(engine.added.p99)} ms; ` +
          `echo ${shown(echo.whole.p99)} ms`,
      )
      rounds.push({ echo, engine })
    }
    return rounds
  }

  /** The highest rate at which nothing piles up: from a closed loop's on, a fifth lower each time. */
  async findSustained(from: number): Promise<number> {
    let rate = Math.ceil(from / 1_000) * 1_000
    for (; rate > 2_000; rate = Math.round((rate * 0.8) / 1_000) * 1_000) {
      const { sustained, drainMs } = await this.#run({ name: 'engine', rate, seconds: trySeconds })
      tell(
        `${shown(rate)}/s is ${sustained ? '' : 'not '}sustained: all done ${Math.round(drainMs)} ms behind the last`,
      )
      if (sustained) return rate
    }
    return rate
  }

  async #run(plan: Omit<RunPlan, 'seed'>): Promise<Run> {
    if (plan.name === 'engine') this.engineEvents += Math.round(plan.rate * plan.seconds)
    return runAtRate(this.#bench, { ...plan, seed: this.#seed++ })
  }
}

/** Every event has to stand where the latencies took it from: the topic is read once more. */
async function checkOrder({ servers, contenders }: LatencyBench): Promise<void> {
  for (const { topic, appended } of Object.values(contenders)) {
    const found = new Float64Array(partitions)
    await readTopic(servers.connections.brokers, topic, (partition, { offset }) => {
      if (Number(offset) !== found[partition]) throw new Error(`${topic} has a hole`)
      found[partition] = Number(offset) + 1
    })
    if (appended.some((end, partition) => end !== found[partition])) {
      throw new Error(`${topic} holds other events than were sent`)
    }
  }
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchServerLatency())
