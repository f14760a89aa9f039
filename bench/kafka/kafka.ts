/**
 * Kafka ingest while deciding, next to kafkajs with nothing to do: `npm run bench -- kafka [--json] [--customers=30000]
 * [--events=450000] [--rounds=3] [--kafka=HOST:PORT] [--redis=URL]`.
 *
 * Rounds in turn on one topic filled beforehand: an empty `eachBatch` handler, and the engine with the retail-bank pack, every
 * event decided, committed to Redis and its decisions published.
 */
import { parseArgs } from 'node:util'
import { type BenchResult, machine, median, printResult, shown } from '../report.ts'
import { boundOf, rateOf } from '../servers/bound-by.ts'
import { startChild } from '../servers/child.ts'
import { measureSpan, type Span } from '../servers/measure-span.ts'
import { type Progress, tell } from '../servers/progress.ts'
import { type Servers, serverArgs, startServers } from '../servers/servers.ts'
import { removeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import { drainBankTopic, fillBankTopic, type RetailBankPlan } from '../stream/retail-bank-run.ts'
import type { EmptyHandlerOptions } from './empty-handler.ts'

type Round = { readonly ours: Span; readonly empty: Span }

const dayMs = 86_400_000
const aim = 0.5

export async function benchKafka(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '30000' },
      events: { type: 'string', default: '450000' },
      grown: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '3' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  tell('growing the customers of a month ...')
  const startMs = Date.now() - 30 * dayMs - 600_000
  const events = Number(values.events)
  const plan: RetailBankPlan = {
    customers: Number(values.customers),
    events,
    warm: Math.floor(events / 3),
    typical: growTypicalStates(await loadBenchPack('retail-bank'), Number(values.grown), 30, startMs),
    nodeArgs: [],
  }
  const servers = await startServers(values)
  try {
    const rounds: Round[] = []
    for (let number = 1; number <= Number(values.rounds); number++) {
      const prefix = `${servers.prefix}${number}-`
      tell(`round ${number}: filling the topic with ${shown(events)} events ...`)
      await fillBankTopic(servers, prefix, plan)
      const first = number % 2 === 0 ? await drainBankTopic(servers, prefix, plan) : null
      const empty = await runEmptyHandler(servers, prefix, plan)
      const ours = first ?? (await drainBankTopic(servers, prefix, plan))
      tell(`round ${number}: empty handler ${shown(rateOf(empty))} events/s, ours ${shown(rateOf(ours))}`)
      rounds.push({ ours, empty })
      await removeTopics(servers.connections.brokers, prefix)
    }
    return resultOf(rounds, { ...servers.figures, customers: plan.customers, 'events a round': events })
  } finally {
    await servers.stop()
  }
}

/** The same topic from its beginning to its end; every record has to have come. */
async function runEmptyHandler(servers: Servers, prefix: string, plan: RetailBankPlan): Promise<Span> {
  const options: EmptyHandlerOptions = {
    brokers: servers.connections.brokers,
    topic: `${prefix}events`,
    group: `${prefix}empty`,
    partitionsAtOnce: 1,
  }
  const child = startChild<Progress>(new URL('empty-handler.ts', import.meta.url), options)
  const span = await measureSpan([child], servers, plan)
  await child.end()
  const came = Object.values(span.next).reduce((sum, next) => sum + next, 0)
  if (came !== plan.events) throw new Error(`the empty handler was given ${came} of ${plan.events} events`)
  return span
}

function resultOf(rounds: readonly Round[], about: Readonly<Record<string, string | number>>): BenchResult {
  const over = (pick: (round: Round) => number) => median(rounds.map(pick))
  const ratio = over(({ ours, empty }) => rateOf(ours) / rateOf(empty))
  const last = rounds.at(-1)
  return {
    name: 'kafka',
    verdicts: [
      {
        aim: `${aim} times the events/s of an empty kafkajs eachBatch handler, while deciding all of them`,
        reached: ratio >= aim,
        measured: `${shown(ratio)} times, ${shown(over(({ ours }) => rateOf(ours)))} events/s to ${shown(over(({ empty }) => rateOf(empty)))}`,
        bound: last === undefined ? '' : boundOf(last.ours),
      },
    ],
    ratios: { [`events/s over an empty eachBatch handler (goal >= ${aim})`]: ratio },
    figures: {
      'empty handler: events/s': over(({ empty }) => rateOf(empty)),
      'empty handler: CPU us an event, its process': over(({ empty }) => empty.cpuUs.contender),
      'empty handler: CPU us an event, broker': over(({ empty }) => empty.cpuUs.broker),
      'ours: events/s': over(({ ours }) => rateOf(ours)),
      'ours: CPU us an event, its process': over(({ ours }) => ours.cpuUs.contender),
      'ours: of it the main thread, which does the network': over(({ ours }) => ours.threadsUs.main),
      'ours: of it the worker thread, which decides': over(({ ours }) => ours.threadsUs.worker),
      'ours: CPU us an event, broker': over(({ ours }) => ours.cpuUs.broker),
      'ours: CPU us an event, Redis': over(({ ours }) => ours.cpuUs.redis),
      'cores that the rest of the machine took, empty handler': over(({ empty }) => empty.othersCores),
      'cores that the rest of the machine took, ours': over(({ ours }) => ours.othersCores),
      ...about,
    },
    machine: machine(),
  }
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchKafka())
