/**
 * How fast a what-if goes through what an engine has decided: `npm run bench -- whatif [--json] [--customers=20000] [--events=500000]`.
 *
 * A bank without a past decides a stream, live, with its log, store and commits; then what history has of it goes through both banks of a what-if, each in its thread: the pack in
 * force, and the same with one cap less, which is another pack. The step of the live run, as the shards measured it, is the control; and every decision has to be met. Beside it the
 * pack in force as its own candidate, which is stepped once.
 */
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LiveCost } from '../../engine/whatif/live-cost.ts'
import type { WhatIfReport } from '../../engine/whatif/report.ts'
import { WhatIfJobs } from '../../engine/whatif/what-if-jobs.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { hashOf } from '../../rules/pack-hash.ts'
import { type History, startHistory } from '../../sinks/history/start-history.ts'
import { bankPartitions, openEmbeddedBank } from '../embedded/embedded-bank.ts'
import { feedBank, streamFor } from '../embedded/feed.ts'
import { type BenchResult, machine } from '../report.ts'
import { loadBenchPack } from '../step/bench-pack.ts'
import { benchSalt, growTypicalStates } from '../step/typical-states.ts'

const bankBytes = 512 * 2 ** 20
/** Of Linux's clock of processor time. */
const tickMs = 10

export async function benchWhatIf(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '20000' },
      events: { type: 'string', default: '500000' },
    },
    allowPositionals: true,
  })
  const customers = Number(values.customers)
  const events = Number(values.events)
  const pack = await loadBenchPack('retail-bank')
  const typical = growTypicalStates(pack, 1)
  const live = new LiveCost()
  const bank = await openEmbeddedBank({
    ...{ pack, typical, customers: 0, cacheBytes: 256 * 2 ** 20 },
    onBatch: (report) => live.add(report),
  })
  try {
    await feedBank(bank, streamFor(customers, typical.endMs, 7), events, 'log')
    // What waits for a commit of its own is out a second later.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    const history = await startHistory({
      dataDir: bank.dir,
      log: { kind: 'lmdb', dir: join(bank.dir, 'log') },
      erasure: { key: 'of a bench', signingSecret: null },
      retentionDays: 30,
    })
    try {
      if (!(await history.flush(600_000))) throw new Error('history did not copy what was decided')
      return await measured(pack, bank.clock.now() + 60_000, history, live.us)
    } finally {
      await history.stop(10_000)
    }
  } finally {
    await bank.close()
  }
}

/** Goes through what history has up to an instant, under two packs and under one. Nothing is warmed up before: it is what a user waits for. */
async function measured(pack: LoadedPack, to: number, history: History, liveUs: number | null): Promise<BenchResult> {
  const run = (candidate: LoadedPack) => whatIf(pack, candidate, to, history, liveUs)
  const load = loadavg()[0] ?? 0
  const two = await run(lessCapped(pack))
  const one = await run(pack)
  const { speed, cost, belief } = two
  const live = cost.live ?? Number.NaN
  const isMet = [two, one].every(
    ({ belief: { recorded, met, surplus } }) => recorded > 0 && met === recorded && surplus === 0,
  )
  return {
    name: 'whatif',
    held: isMet && differing(two) > 0 && differing(one) === 0,
    ratios: {
      'step of a simulated bank over the live step': cost.current / live,
      'events/s over the goal of 50,000': speed / 50_000,
    },
    figures: {
      'events/s, two packs, reading and decoding included': speed,
      'events/s of two processors that are free, ClickHouse apart': 2e6 / cost.whole,
      'load of the machine before it, one minute': load,
      'processor time, two packs and reading, us an event': cost.whole,
      'processor time of ClickHouse, its process whole, us an event': two.historyUs,
      'step of a simulated bank, us of processor time an event': cost.current,
      'processor time over the live step, two packs and reading': cost.whole / live,
      'live step, us of processor time an event': live,
      'candidates that end otherwise under the other pack': differing(two),
      'events/s, the pack in force as its own candidate': one.speed,
      'processor time, the pack in force as its own candidate, us an event': one.cost.whole,
      events: two.events,
      'decisions recorded': belief.recorded,
      'decisions met exactly': belief.met,
    },
    machine: machine(),
  }
}

type Measured = WhatIfReport & { readonly historyUs: number }

async function whatIf(
  current: LoadedPack,
  candidate: LoadedPack,
  to: number,
  history: History,
  liveUs: number | null,
): Promise<Measured> {
  const address = history.address()
  if (address === null) throw new Error('history cannot be asked')
  const place = { address, schemas: { kind: 'own' }, partitions: bankPartitions } as const
  const { pid } = history.status()
  const before = cpuMsOf(pid)
  const jobs = new WhatIfJobs(Date.now)
  jobs.start(
    {
      ...{ past: place, current, candidate: { kind: 'loaded', pack: candidate }, learned: null, salt: benchSalt },
      ...{ completeSince: 0, to, days: 3_650, warmupDays: 0, bankBytes, confirmed: true, liveUs },
    },
    'bench',
  )
  while (jobs.job?.state === 'running') await new Promise((resolve) => setTimeout(resolve, 20))
  const { report, refusal } = jobs.job ?? {}
  if (report == null) throw new Error(refusal?.message ?? 'it was stopped')
  return { ...report, historyUs: ((cpuMsOf(pid) - before) * 1_000) / Math.max(1, report.events) }
}

/** The pack with one contact less under its first cap. */
function lessCapped({ model }: LoadedPack): LoadedPack {
  const [first, ...rest] = model.caps
  if (first === undefined) throw new Error('the pack has a cap')
  const changed = { ...model, caps: [{ ...first, limit: first.limit - 1 }, ...rest] }
  return { model: changed, hash: hashOf(changed) }
}

/** Refused candidates, by where and why, that there are more or fewer of under the candidate version. */
function differing({ refusals }: WhatIfReport): number {
  return refusals.reduce((sum, { count: { current, next } }) => sum + Math.abs(current - next), 0)
}

/** Processor time of a process since it started, milliseconds; NaN where the system does not say. */
function cpuMsOf(pid: number | null): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) * tickMs
  } catch {
    return Number.NaN
  }
}
