/**
 * Ours against Kafka Streams on the same broker and the same events: `npm run bench -- kafka-streams [--json]
 * [--customers=30000] [--events=600000] [--rounds=3] [--kafka=HOST:PORT] [--redis=URL]`.
 *
 * Rounds in turn, each on a topic filled beforehand: the engine with eight counters and twenty rules, and the same counters and
 * rules in Kafka Streams, exactly once. What both let out is compared, event by event, with the plainest code there is.
 */
import { parseArgs } from 'node:util'
import { type BenchResult, machine, median, printResult, shown } from '../report.ts'
import { boundOf, rateOf } from '../servers/bound-by.ts'
import type { Span } from '../servers/measure-span.ts'
import { tell } from '../servers/progress.ts'
import { partitions, type Servers, serverArgs, startServers } from '../servers/servers.ts'
import { makeTopics, removeTopics } from '../servers/topics.ts'
import { cardEvent } from '../stream/card-rules.ts'
import { type Contender, ourContender } from '../stream/contenders.ts'
import { peerHits } from '../stream/found-hits.ts'
import type { Hits } from '../stream/hits.ts'
import { recentStream } from '../stream/recent-stream.ts'
import { fillCardTopic, runContender } from '../stream/run-contender.ts'
import { peerClasses } from './peer-classes.ts'
import { jvmArgs, startStreams } from './streams-process.ts'

type Run = { readonly span: Span; readonly out: Hits }
type Round = { readonly ours: Run; readonly peer: Run }

const seed = 13
const aim = 1.5

export async function benchKafkaStreams(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '30000' },
      events: { type: 'string', default: '600000' },
      rounds: { type: 'string', default: '3' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  const [customers, events] = [Number(values.customers), Number(values.events)]
  const { version } = await peerClasses(tell)
  const servers = await startServers(values)
  try {
    const rounds: Round[] = []
    for (let number = 1; number <= Number(values.rounds); number++) {
      rounds.push(await runRound(servers, `${servers.prefix}r${number}-`, { customers, events }, number % 2 === 0))
    }
    const peer = `Kafka Streams ${version}, exactly once, RocksDB, 2 threads, ${jvmArgs.join(' ')}`
    return resultOf(rounds, { peer, ...servers.figures, customers, 'events a round': events })
  } finally {
    await servers.stop()
  }
}

async function runRound(
  servers: Servers,
  prefix: string,
  { customers, events }: { readonly customers: number; readonly events: number },
  peerFirst: boolean,
): Promise<Round> {
  const endMs = Date.now()
  const stream = () => recentStream({ seed, customers, events, types: [cardEvent], endMs })
  await fillCardTopic(servers, `${prefix}events`, stream(), events)
  const run = (contender: Contender<string>) => runContender(servers, prefix, contender, { stream: stream(), events })
  const first = peerFirst ? await run(streamsContender(events)) : null
  const ours = await run(ourContender(events, []))
  const peer = first ?? (await run(streamsContender(events)))
  if (peer.out.repeats > 0) throw new Error(`Kafka Streams let out ${peer.out.repeats} hits twice`)
  await removeTopics(servers.connections.brokers, prefix)
  return { ours, peer }
}

/** It is given the same events, and as many of them to warm in. */
function streamsContender(events: number): Contender<'Kafka Streams'> {
  const topicOf = (prefix: string) => `${prefix}streams-hits`
  return {
    name: 'Kafka Streams',
    plan: { warm: Math.floor(events * 0.3), events },
    async start({ connections: { brokers }, dir }, prefix) {
      await makeTopics(brokers, [topicOf(prefix)], partitions)
      const [topic, hitsTopic, applicationId] = [`${prefix}events`, topicOf(prefix), `${prefix}streams`]
      return [await startStreams({ brokers, topic, hitsTopic, applicationId, dir })]
    },
    hits: ({ connections }, prefix) => peerHits(connections.brokers, topicOf(prefix)),
  }
}

function resultOf(rounds: readonly Round[], about: Readonly<Record<string, string | number>>): BenchResult {
  const over = (pick: (round: Round) => number) => median(rounds.map(pick))
  const ratio = over(({ ours, peer }) => rateOf(ours.span) / rateOf(peer.span))
  const [ourRate, peerRate] = [over(({ ours }) => rateOf(ours.span)), over(({ peer }) => rateOf(peer.span))]
  const last = rounds.at(-1)
  return {
    name: 'kafka-streams',
    verdicts: [
      {
        aim: `${aim} times the events/s of Kafka Streams, exactly once, on the two cores that also run the broker`,
        reached: ratio >= aim,
        measured: `${shown(ratio)} times, ${shown(Math.round(ourRate))} events/s to ${shown(Math.round(peerRate))}`,
        bound: last === undefined ? '' : boundOf(last.ours.span),
      },
    ],
    ratios: {
      [`events/s over Kafka Streams (goal >= ${aim})`]: ratio,
      'CPU an event, process and servers: Kafka Streams over ours': over(
        ({ ours, peer }) => wholeUs(peer.span) / wholeUs(ours.span),
      ),
    },
    figures: {
      ...figuresOf('ours', rounds, ({ ours }) => ours.span),
      ...figuresOf('Kafka Streams', rounds, ({ peer }) => peer.span),
      'hits per 1,000 events': over(({ peer: { out, span } }) => (1_000 * out.count) / eventsOf(span)),
      'hits compared with the reference, both and all rounds': rounds
        .flatMap(({ ours, peer }) => [ours.out.count, peer.out.count])
        .reduce((sum, count) => sum + count, 0),
      ...about,
    },
    machine: machine(),
  }
}

function figuresOf(name: string, rounds: readonly Round[], pick: (round: Round) => Span): Record<string, number> {
  const over = (of: (span: Span) => number) => median(rounds.map((round) => of(pick(round))))
  const rates = rounds.map((round) => rateOf(pick(round)))
  return {
    [`${name}: events/s`]: over(rateOf),
    [`${name}: events/s, slowest round`]: Math.min(...rates),
    [`${name}: events/s, fastest round`]: Math.max(...rates),
    [`${name}: CPU us an event, its process`]: over((span) => span.cpuUs.contender),
    [`${name}: CPU us an event, Redis`]: over((span) => span.cpuUs.redis),
    [`${name}: CPU us an event, broker`]: over((span) => span.cpuUs.broker),
    [`${name}: cores that the rest of the machine took`]: over((span) => span.othersCores),
  }
}

/** NaN when a server is of another machine. */
function wholeUs({ cpuUs }: Span): number {
  return cpuUs.contender + cpuUs.redis + cpuUs.broker
}

function eventsOf({ next }: Span): number {
  return Object.values(next).reduce((sum, offset) => sum + offset, 0)
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchKafkaStreams())
