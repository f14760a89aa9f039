/** `npm run bench -- NAME [options] [--json]`: runs a benchmark; without a name it lists them. */
import { type BenchResult, printResult } from './report.ts'

type Bench = {
  readonly name: string
  readonly question: string
  /** Left out of `all` because of its length. */
  readonly long?: boolean
  /** What it may be given, an option a line. */
  readonly options?: readonly string[]
  /** Left out of `all` because it is about data that are not here. */
  readonly needsData?: boolean
  /** Null: nothing was measured, and it has said why. */
  run(): Promise<BenchResult | null>
}

const onServers = [
  '--kafka=HOST:PORT   a broker that is there; else one is started (Java 17, Maven for the first time)',
  '--redis=URL         a Redis that is there and empty: it is emptied; else one is started (redis-server)',
] as const

/** Imported when it runs: a benchmark's libraries are not loaded into the others. */
const benches: readonly Bench[] = [
  {
    name: 'rules',
    question: 'How fast are compiled rules next to other rule engines?',
    run: async () => (await import('./rules/rules.ts')).benchRules(),
  },
  {
    name: 'state',
    question: 'How many bytes does a customer take, in memory and in the store?',
    run: async () => (await import('./state/bytes.ts')).benchBytes(),
  },
  {
    name: 'check',
    question: 'How long does the check of a rule pack take, proof with it, as packs grow?',
    options: ['--rounds=3'],
    run: async () => (await import('./check/check.ts')).benchCheck(),
  },
  {
    name: 'step',
    question: 'How many events does one core decide, 100,000 customers in cache?',
    options: ['--customers=100000 --events=400000 --grown=2000'],
    run: async () => (await import('./step/step.ts')).benchStep(),
  },
  {
    name: 'activation',
    question: 'What do decisions notice of rule packs that come into force while they are made?',
    options: ['--rate=300 --seconds=20 --every=2 --rules=2500'],
    run: async () => (await import('./activation/activation.ts')).benchActivation(),
  },
  {
    name: 'stages',
    question: 'What does the whole funnel with a reason for every candidate cost for one event, stage by stage?',
    options: ['--offers=50 --guardrails=30 --caps=20 --customers=200 --journeys=10 --rounds=15'],
    run: async () => (await import('./stages/stages.ts')).benchStages(),
  },
  {
    name: 'store',
    question: 'How much of Redis does an event cost, next to counters in a hash?',
    run: async () => (await import('./store/store.ts')).benchStore(),
  },
  {
    name: 'race',
    question:
      'Does a contact cap hold against a thousand requests and events at once, next to check-then-write on Redis?',
    options: ['--attempts=1000 --rounds=4 --connections=16'],
    run: async () => (await import('./race/race.ts')).benchRace(),
  },
  {
    name: 'recall',
    question: 'How long may a message still leave once its customer has said no?',
    options: ['--customers=3000 --rate=100 --load=1000', ...onServers],
    run: async () => (await import('./recall/recall.ts')).benchRecall(),
  },
  {
    name: 'claims',
    question: 'Are a hundred gifts a hundred when ten thousand ask at once, next to check-then-write on Redis?',
    options: ['--asks=10000 --rounds=3 --connections=16'],
    run: async () => (await import('./claims/claims.ts')).benchClaims(),
  },
  {
    name: 'whatif',
    question: 'How many events a second does a what-if step under two packs, and does it meet what was decided?',
    options: ['--customers=20000 --events=500000'],
    run: async () => (await import('./whatif/whatif.ts')).benchWhatIf(),
  },
  {
    name: 'embedded',
    question:
      'How many events a second pass from the embedded log to published decisions, also with half of the customers cached?',
    options: ['--customers=50000 --events=200000 --rounds=3'],
    run: async () => (await import('./embedded/embedded.ts')).benchEmbedded(),
  },
  {
    name: 'stream',
    question: 'How many events a second on Kafka and Redis, next to kafkajs, ioredis and a rule engine from npm?',
    options: [
      '--customers=30000 --events=500000 --bank-events=450000 --rounds=3',
      '--profile=DIR       leaves CPU profiles of the engine there; its figures are worth less then',
      ...onServers,
    ],
    run: async () => (await import('./stream/stream.ts')).benchStream(),
  },
  {
    name: 'kafka-streams',
    question: 'How many events a second on Kafka and Redis, next to Kafka Streams, exactly once?',
    options: ['--customers=30000 --events=600000 --rounds=3', ...onServers],
    run: async () => (await import('./kafka-streams/kafka-streams.ts')).benchKafkaStreams(),
  },
  {
    name: 'kafka',
    question: 'How fast are events read from Kafka while deciding, next to a kafkajs handler that does nothing?',
    options: ['--customers=30000 --events=450000 --rounds=3', ...onServers],
    run: async () => (await import('./kafka/kafka.ts')).benchKafka(),
  },
  {
    name: 'latency',
    question: 'How long does an event take from the instant it was due, next to an echo?',
    options: ['--rates=10000,50000 --rounds=3 --seconds=18 --customers=50000', '--out=FILE          time lines as CSV'],
    run: async () => (await import('./latency/latency.ts')).benchLatency(),
  },
  {
    name: 'server-latency',
    question:
      'How long does an event take on Kafka and Redis, and what of it does the engine add, next to an echo consumer?',
    options: ['--rate=10000 --rounds=3 --seconds=18 --customers=30000 --most=60000 --warm=200000', ...onServers],
    run: async () => (await import('./server-latency/server-latency.ts')).benchServerLatency(),
  },
  {
    name: 'takeover',
    question: 'How long do customers wait when an engine is killed, and how fast does another one catch up?',
    options: [
      '--rate=10000 --rounds=3 --customers=30000 --before=6 --after=24',
      '--session=10000     of the group, ms: so long the broker waits for a dead member',
      ...onServers,
    ],
    run: async () => (await import('./takeover/takeover.ts')).benchTakeOver(),
  },
  {
    name: 'memory',
    question: 'How many bytes does a customer take in Redis and in the cache of a worker?',
    options: ['--customers=20000 --heavy=2000 --events=10', ...onServers],
    run: async () => (await import('./memory/memory.ts')).benchMemory(),
  },
  {
    name: 'api',
    question: 'How many live decisions a second does the API answer, next to a bare server?',
    run: async () => (await import('./api/api.ts')).benchApi(),
  },
  {
    name: 'soak',
    question: 'Do memory and disk stay flat under ten minutes of load?',
    long: true,
    options: ['--minutes=10 --rate=5000 --customers=20000', '--out=FILE          the rows as CSV'],
    run: async () => (await import('./soak/soak.ts')).benchSoak(),
  },
  {
    name: 'off-policy',
    question: 'What would learned propensities have earned on real logs, next to the two policies that were logged?',
    needsData: true,
    options: [
      '--data=DIR          folder of the Open Bandit Dataset; without it the benchmark says where that is to be had',
      '--campaign=men --segment=none|position --prior=average|1,99 --resamples=2000',
    ],
    run: async () => (await import('./off-policy/off-policy.ts')).benchOffPolicy(),
  },
]

async function main(name: string | undefined, help: boolean): Promise<number> {
  const chosen =
    name === 'all'
      ? benches.filter(({ long, needsData }) => long !== true && needsData !== true)
      : benches.filter((one) => one.name === name)
  if (chosen.length === 0) {
    if (name !== undefined) process.stderr.write(`There is no benchmark ${name}.\n`)
    process.stdout.write('npm run bench -- NAME [--json] [--help]\n\n')
    for (const { name, question } of benches) process.stdout.write(`  ${name.padEnd(14)} ${question}\n`)
    process.stdout.write(`  ${'all'.padEnd(14)} All of them but soak and off-policy, one after the other.\n`)
    return name === undefined ? 0 : 1
  }
  if (help) {
    for (const bench of chosen) printHelp(bench)
    return 0
  }
  let sound = true
  for (const bench of chosen) {
    const result = await bench.run()
    if (result === null || result.held === false) sound = false
    if (result !== null) printResult(result)
  }
  return sound ? 0 : 1
}

function printHelp({ name, question, options = [] }: Bench): void {
  process.stdout.write(`npm run bench -- ${name} [options]\n\n  ${question}\n\n`)
  for (const line of [...options, '--json              the result as one JSON object on the last line']) {
    process.stdout.write(`  ${line}\n`)
  }
}

const words = process.argv.slice(2)
process.exitCode = await main(
  words.find((word) => !word.startsWith('-')),
  words.includes('--help') || words.includes('-h'),
)
