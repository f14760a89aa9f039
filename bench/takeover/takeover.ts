/**
 * How long customers wait for their decisions when an engine dies: `npm run bench -- takeover [--json] [--rate=10000] [--rounds=3]
 * [--session=10000] [--customers=30000] [--before=6] [--after=24] [--kafka=HOST:PORT] [--redis=URL]`.
 *
 * Two engine processes share a load that comes by a schedule; one is killed (kill -9). From there to the first decision of the new
 * owner for a customer of a partition that it took over, and how fast it works off what waited, while its own partitions and the
 * load go on. Every event has to be counted once.
 */
import { parseArgs } from 'node:util'
import { type BenchResult, machine, median, printResult, shown } from '../report.ts'
import { tell } from '../servers/progress.ts'
import { serverArgs, startServers } from '../servers/servers.ts'
import { removeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import { runTakeOver, type TakeOverPlan } from './run-take-over.ts'
import type { TakeOver } from './take-over-times.ts'

const dayMs = 86_400_000
/** So that both engines are there when the group settles first. */
const joinDelayMs = 3_000
const aim = 3

export async function benchTakeOver(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      rate: { type: 'string', default: '10000' },
      rounds: { type: 'string', default: '3' },
      session: { type: 'string', default: '10000' },
      customers: { type: 'string', default: '30000' },
      warm: { type: 'string', default: '150000' },
      before: { type: 'string', default: '6' },
      after: { type: 'string', default: '24' },
      grown: { type: 'string', default: '1000' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  tell('growing the customers of a month ...')
  const startMs = Date.now() - 30 * dayMs - 600_000
  const plan: TakeOverPlan = {
    customers: Number(values.customers),
    typical: growTypicalStates(await loadBenchPack('retail-bank'), Number(values.grown), 30, startMs),
    warm: Number(values.warm),
    rate: Number(values.rate),
    beforeSeconds: Number(values.before),
    afterSeconds: Number(values.after),
    sessionMs: Number(values.session),
  }
  const servers = await startServers({ joinDelayMs, ...values })
  try {
    const rounds: TakeOver[] = []
    let repeats = 0
    for (let number = 1; number <= Number(values.rounds); number++) {
      const prefix = `${servers.prefix}${number}-`
      const { takeOver, counted } = await runTakeOver(servers, prefix, plan)
      await removeTopics(servers.connections.brokers, prefix)
      tell(
        `round ${number}: ${Math.round(takeOver.firstMs)} ms to the first decision, then ${shown(takeOver.replayRate)} events/s; ` +
          `${shown(counted.accepted)} events counted once, ${counted.repeats} decisions published again`,
      )
      rounds.push(takeOver)
      repeats += counted.repeats
    }
    return resultOf(rounds, plan, { 'decisions published again, all rounds': repeats, ...servers.figures })
  } finally {
    await servers.stop()
  }
}

function resultOf(
  rounds: readonly TakeOver[],
  { rate, sessionMs, customers }: TakeOverPlan,
  about: Readonly<Record<string, string | number>>,
): BenchResult {
  const over = (pick: (round: TakeOver) => number) => median(rounds.map(pick))
  const ratio = over(({ replayRate, liveRate }) => replayRate / liveRate)
  return {
    name: 'takeover',
    verdicts: [
      {
        aim: `a new owner works off what waited at ${aim} times the live rate or faster`,
        reached: ratio >= aim,
        measured: `${shown(ratio)} times: ${shown(over(({ replayRate }) => replayRate))} events/s to ${shown(over(({ liveRate }) => liveRate))}`,
        bound: `the CPU of one engine that also has its own ${rate.toLocaleString('en-US')}/s share to decide, beside generator, broker and Redis on the same cores`,
      },
    ],
    ratios: {
      [`replay rate over live rate of the partitions taken over (goal >= ${aim})`]: ratio,
      'time to the first decision over the session timeout': over(({ firstMs }) => firstMs / sessionMs),
    },
    figures: {
      'from kill -9 to the first decision of the new owner, ms': over(({ firstMs }) => firstMs),
      'the same in its last partition, ms': over(({ lastMs }) => lastMs),
      'the longest of all rounds, ms': Math.max(...rounds.map(({ lastMs }) => lastMs)),
      'from kill -9 to its first batch, ms': over(({ batchMs }) => batchMs),
      'of it the session timeout, until which the broker waits for the dead member, ms': sessionMs,
      'events that had waited': over(({ backlog }) => backlog),
      'until up to date from the first batch on, ms': over(({ replayMs }) => replayMs),
      'partitions taken over': over((round) => round.partitions),
      'load, events/s': rate,
      customers,
      ...about,
    },
    machine: machine(),
  }
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchTakeOver())
