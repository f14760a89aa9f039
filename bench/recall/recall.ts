/**
 * How long may a message still leave once its customer has said no? `npm run bench -- recall [--json] [--customers=2000]`.
 *
 * Open model: consents are withdrawn over HTTP by a schedule, each of a customer whose message waits at a gateway. The gateway follows the
 * decisions topic and asks for a permit right behind the acknowledgement. Control in the same run: purchases between them, whose message
 * goes the same way.
 */
import { parseArgs } from 'node:util'
import { quantile } from '../latency/recorder.ts'
import { type BenchResult, machine } from '../report.ts'
import { serverArgs, startServers } from '../servers/servers.ts'
import { type RecallPlan, type RecallRun, runRecall } from './run-recall.ts'

/** The benchmark: exit code 1 when a permit was given behind an acknowledgement. */
export async function benchRecall(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      customers: { type: 'string', default: '3000' },
      rate: { type: 'string', default: '100' },
      load: { type: 'string', default: '1000' },
      ...serverArgs,
    },
    allowPositionals: true,
  })
  const plan = { customers: Number(values.customers), rate: Number(values.rate), load: Number(values.load) }
  const servers = await startServers(values)
  try {
    return recallResult(plan, await runRecall(servers, plan), servers.figures)
  } finally {
    await servers.stop()
  }
}

/** What a run says. */
export function recallResult(
  { customers, rate, load }: RecallPlan,
  { withdrawals, purchases }: RecallRun,
  servers: Readonly<Record<string, string>>,
): BenchResult {
  const permits = withdrawals.filter(({ permitted }) => permitted).length
  const otherwise = withdrawals.filter(({ reason }) => reason !== 'recalled').length
  // What was heard before its sender was told is silence at once.
  const silence = spread(withdrawals.map(({ heardAt, acknowledgedAt }) => Math.max(0, heardAt - acknowledgedAt)))
  const whole = spread(withdrawals.map(({ heardAt, dueAt }) => heardAt - dueAt))
  const control = spread(purchases.map(({ heardAt, dueAt }) => heardAt - dueAt))
  return {
    name: 'recall',
    held: withdrawals.length > 0 && permits === 0,
    headline: { silenceP99Ms: silence.p99, permitsAfterAcknowledgement: permits },
    ratios: {
      'recall heard from when the event was due, p99, next to a message the same way': whole.p99 / control.p99,
      'recall heard from when the event was due, median, next to a message the same way': whole.p50 / control.p50,
    },
    figures: {
      'withdrawals, and messages recalled': withdrawals.length,
      'withdrawals/s, as many purchases, events/s beside them': `${rate}, ${load}`,
      'customers with a message that waits': customers,
      'permits given behind the acknowledgement': permits,
      'permits refused for another reason than the recall': otherwise,
      ...shown('from the acknowledgement to the recall on the topic', silence),
      ...shown('from when the event was due to its acknowledgement', spread(withdrawals.map(acknowledged))),
      ...shown('from when the event was due to the recall on the topic', whole),
      ...shown('from when a purchase was due to its message on the topic', control),
      ...shown('a permit asked for and refused', spread(withdrawals.map(({ permitMs }) => permitMs))),
      ...servers,
    },
    machine: machine(),
  }
}

type Spread = { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }

function acknowledged({ acknowledgedAt, dueAt }: { acknowledgedAt: number; dueAt: number }): number {
  return acknowledgedAt - dueAt
}

function spread(values: readonly number[]): Spread {
  const sorted = Float32Array.from(values).sort()
  const at = (share: number): number => quantile(sorted, share)
  return { p50: at(0.5), p99: at(0.99), p999: at(0.999), max: at(1) }
}

function shown(what: string, { p50, p99, p999, max }: Spread): Record<string, string> {
  return { [`${what}, p50 / p99 / p99.9 / max ms`]: [p50, p99, p999, max].map((ms) => ms.toFixed(1)).join(' / ') }
}
