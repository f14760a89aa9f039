/**
 * Ours against the popular stack on the same Kafka, the same Redis and the same events: `npm run bench -- stream [--json]
 * [--customers=30000] [--events=500000] [--bank-events=450000] [--rounds=3] [--kafka=HOST:PORT] [--redis=URL] [--profile=DIR]`.
 * With `--profile` the engine's threads leave CPU profiles there, and its figures are worth less.
 *
 * Rounds in turn, each on a topic filled beforehand: the engine with eight counters and twenty rules, kafkajs with ioredis
 * and zen-engine or json-rules-engine, the best case of the same, and the engine with the retail-bank pack. What every
 * contender let out is compared, event by event, with the plainest code there is.
 */
import { parseArgs } from 'node:util'
import { type BenchResult, printResult, shown } from '../report.ts'
import { rateOf } from '../servers/bound-by.ts'
import type { Span } from '../servers/measure-span.ts'
import { tell } from '../servers/progress.ts'
import { type Servers, serverArgs, startServers } from '../servers/servers.ts'
import { removeTopics } from '../servers/topics.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import { cardEvent } from './card-rules.ts'
import { type Contender, createContenders } from './contenders.ts'
import { recentStream } from './recent-stream.ts'
import { runRetailBank } from './retail-bank-run.ts'
import { fillCardTopic, runContender } from './run-contender.ts'
import { type Round, streamResult } from './stream-result.ts'

type Options = {
  readonly customers: number
  readonly events: number
  readonly bankEvents: number
  readonly rounds: number
  readonly nodeArgs: readonly string[]
}

const seed = 11
const dayMs = 86_400_000
/** Kafka's own default. */
const joinDelayMs = 3_000

export async function benchStream(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '30000' },
      events: { type: 'string', default: '500000' },
      'bank-events': { type: 'string', default: '450000' },
      grown: { type: 'string', default: '1000' },
      rounds: { type: 'string', default: '3' },
      profile: { type: 'string' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  const options: Options = {
    customers: Number(values.customers),
    events: Number(values.events),
    bankEvents: Number(values['bank-events']),
    rounds: Number(values.rounds),
    nodeArgs: values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${values.profile}`],
  }
  tell('growing the customers of a month ...')
  const pack = await loadBenchPack('retail-bank')
  // It ends before the first event of any round.
  const typical = growTypicalStates(pack, Number(values.grown), 30, Date.now() - 30 * dayMs - 600_000)
  const servers = await startServers({ joinDelayMs, kafka: values.kafka, redis: values.redis })
  try {
    const rounds: Round[] = []
    for (let number = 1; number <= options.rounds; number++) {
      const spans = await runContenders(servers, `${servers.prefix}r${number}-`, options, number % 2 === 0)
      const { customers, bankEvents, nodeArgs } = options
      const plan = { customers, events: bankEvents, warm: Math.floor(bankEvents / 3), typical, nodeArgs }
      const bank = await runRetailBank(servers, `${servers.prefix}b${number}-`, plan)
      tell(`round ${number}: retail-bank ${shown(Math.round(rateOf(bank)))} events/s`)
      rounds.push({ ...spans, bank })
    }
    return streamResult(rounds, { ...servers.figures, customers: options.customers })
  } finally {
    await servers.stop()
  }
}

async function runContenders(
  servers: Servers,
  prefix: string,
  { customers, events, nodeArgs }: Options,
  isBackwards: boolean,
): Promise<Omit<Round, 'bank'>> {
  const { brokers } = servers.connections
  const topic = `${prefix}events`
  const endMs = Date.now()
  const stream = () => recentStream({ seed, customers, events, types: [cardEvent], endMs })
  await fillCardTopic(servers, topic, stream(), events)
  const contenders = createContenders(events, nodeArgs)
  const spans = new Map<Contender['name'], Span>()
  const hits = new Map<Contender['name'], number>()
  for (const contender of isBackwards ? contenders.toReversed() : contenders) {
    const { span, out } = await runContender(servers, prefix, contender, { stream: stream(), events })
    spans.set(contender.name, span)
    hits.set(contender.name, out.count)
  }
  await removeTopics(brokers, prefix)
  return { spans, hits }
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchStream())
