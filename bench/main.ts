/** `npm run bench -- NAME [options] [--json]`: runs a benchmark; without a name it lists them. */
import { type BenchResult, printResult } from './report.ts'

type Bench = {
  readonly name: string
  readonly question: string
  /** Left out of `all` because of its length. */
  readonly long?: boolean
  run(): Promise<BenchResult>
}

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
    name: 'step',
    question: 'How many events does one core decide, 100,000 customers in cache?',
    run: async () => (await import('./step/step.ts')).benchStep(),
  },
  {
    name: 'store',
    question: 'How much of Redis does an event cost, next to counters in a hash?',
    run: async () => (await import('./store/store.ts')).benchStore(),
  },
  {
    name: 'embedded',
    question:
      'How many events a second pass from the embedded log to published decisions, also with half of the customers cached?',
    run: async () => (await import('./embedded/embedded.ts')).benchEmbedded(),
  },
  {
    name: 'stream',
    question: 'How many events a second on Kafka and Redis, next to kafkajs, ioredis and a rule engine from npm?',
    run: async () => (await import('./stream/stream.ts')).benchStream(),
  },
  {
    name: 'latency',
    question: 'How long does an event take from the instant it was due, next to an echo?',
    run: async () => (await import('./latency/latency.ts')).benchLatency(),
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
    run: async () => (await import('./soak/soak.ts')).benchSoak(),
  },
]

async function main(name: string | undefined): Promise<number> {
  const chosen =
    name === 'all' ? benches.filter(({ long }) => long !== true) : benches.filter((one) => one.name === name)
  if (chosen.length === 0) {
    if (name !== undefined) process.stderr.write(`There is no benchmark ${name}.\n`)
    process.stdout.write('npm run bench -- NAME [--json]\n\n')
    for (const { name, question } of benches) process.stdout.write(`  ${name.padEnd(10)} ${question}\n`)
    process.stdout.write(`  ${'all'.padEnd(10)} All of them but soak, one after the other.\n`)
    return name === undefined ? 0 : 1
  }
  for (const bench of chosen) printResult(await bench.run())
  return 0
}

process.exitCode = await main(process.argv.slice(2).find((word) => !word.startsWith('-')))
