/**
 * Bytes a customer in Redis and in a worker's cache: `npm run bench -- memory [--json] [--customers=20000] [--heavy=2000] [--events=10]
 * [--kafka=HOST:PORT] [--redis=URL]`.
 *
 * Typical: 20 events a day for 30 days. Heavy: 4,000 a day. Their bases are put into Redis, then some
 * events each go through the real engine, so that there are patches too and everybody is in the cache.
 */
import { parseArgs } from 'node:util'
import { type BenchResult, machine, printResult, shown, type Verdict } from '../report.ts'
import { tell } from '../servers/progress.ts'
import { serverArgs, startServers } from '../servers/servers.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { growTypicalStates } from '../step/typical-states.ts'
import { type LifeBytes, measureLife } from './live.ts'

const dayMs = 86_400_000
const heavyEventsADay = 4_000
/** The goals of `state`, for what is stored and what is in memory. */
const aims = { redis: 5_120, cache: 10_240 } as const

export async function benchMemory(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '20000' },
      heavy: { type: 'string', default: '2000' },
      events: { type: 'string', default: '10' },
      grown: { type: 'string', default: '1000' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  const pack = await loadBenchPack('retail-bank')
  const startMs = Date.now() - 30 * dayMs - 600_000
  tell('growing typical and heavy customers ...')
  const typical = growTypicalStates(pack, Number(values.grown), 30, startMs)
  const heavy = growTypicalStates(pack, 2, 30, startMs, heavyEventsADay)
  const [customers, heavyCustomers, eventsEach] = [values.customers, values.heavy, values.events].map(Number)
  const servers = await startServers(values)
  try {
    const plan = { eventsEach: eventsEach ?? 0 }
    const lives = {
      typical: await measureLife(servers, `${servers.prefix}typical-`, {
        ...plan,
        customers: customers ?? 0,
        states: typical,
        cacheMb: Math.ceil(((customers ?? 0) * 40) / 1_024) + 256,
      }),
      heavy: await measureLife(servers, `${servers.prefix}heavy-`, {
        ...plan,
        customers: heavyCustomers ?? 0,
        states: heavy,
        cacheMb: Math.ceil(((heavyCustomers ?? 0) * 200) / 1_024) + 256,
      }),
    }
    return resultOf(lives, { customers: customers ?? 0, 'heavy customers': heavyCustomers ?? 0, ...servers.figures })
  } finally {
    await servers.stop()
  }
}

function resultOf(
  { typical, heavy }: { readonly typical: LifeBytes; readonly heavy: LifeBytes },
  about: Readonly<Record<string, string | number>>,
): BenchResult {
  const verdict = (where: string, bytes: number, most: number, bound: string): Verdict => ({
    aim: `a typical customer takes at most ${shown(most / 1_024)} KB ${where}`,
    reached: bytes <= most,
    measured: `${shown(bytes)} bytes, a heavy one ${shown(where === 'in Redis' ? heavy.redisLived : heavy.cache)}`,
    bound,
  })
  return {
    name: 'memory',
    verdicts: [
      verdict(
        'in Redis',
        typical.redisLived,
        aims.redis,
        `a base of ${shown(typical.base)} bytes and the patches since; Redis adds key, headers and room behind a value that was appended to ` +
          `(${shown(typical.redisBases)} bytes with the base alone)`,
      ),
      verdict(
        'in the cache of a worker',
        typical.cache,
        aims.cache,
        'series of instants and values in flat memory, with room to grow',
      ),
    ],
    ratios: {
      'typical in Redis, of 5 KB (goal <= 1)': typical.redisLived / aims.redis,
      'typical in the cache, of 10 KB (goal <= 1)': typical.cache / aims.cache,
      'typical in Redis over its stored base': typical.redisLived / typical.base,
    },
    figures: { ...figuresOf('typical', typical), ...figuresOf('heavy', heavy), ...about },
    machine: machine(),
  }
}

function figuresOf(name: string, life: LifeBytes): Readonly<Record<string, number>> {
  return {
    [`${name}: stored base, bytes`]: life.base,
    [`${name}: used_memory a customer with bases alone, bytes`]: life.redisBases,
    [`${name}: used_memory a customer with patches, bytes`]: life.redisLived,
    [`${name}: MEMORY USAGE of the state's key, mean bytes`]: life.keyMean,
    [`${name}: MEMORY USAGE of the state's key, most bytes`]: life.keyMost,
    [`${name}: in the cache of a worker, bytes`]: life.cache,
    [`${name}: rise of the process' resident memory a customer, bytes`]: life.resident,
    [`${name}: customers in the cache`]: life.cached,
  }
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) printResult(await benchMemory())
