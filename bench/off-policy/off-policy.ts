/**
 * What learned propensities would have earned on real logs: `npm run bench -- off-policy --data DIR [--campaign=men] [--json]`.
 *
 * The learner learns from the log of one policy and is judged on that of the other, so that no row is used for both. As a
 * check of the judging, the policy `bts` is judged from the rows of `random` too, where its own log says what is right.
 */
import { parseArgs } from 'node:util'
import { table } from '../../engine/cli/print.ts'
import { type BenchResult, machine, printResult, type Verdict } from '../report.ts'
import { type Estimate, type Estimator, effectiveRows, estimateWithin } from './estimates.ts'
import { type ItemPolicy, learnerPolicy, shownPolicy, weighted } from './item-policies.ts'
import { type Impression, readOpenBandit, whereFrom } from './open-bandit-data.ts'

/** What the guess before anything is known of an item is worth: so many impressions, of which the log's average share was clicked. */
const priorWorth = 100
const floor = 0.001
const draws = 20_000

type Row = {
  readonly policy: string
  readonly judgedOn: string
  readonly rows: number
  readonly clicks: number
  readonly effective: number
  readonly inverse: Estimate
  readonly selfNormalised: Estimate
}

/** The result, or null when there are no data: then it has said where they are to be had. */
export async function benchOffPolicy(): Promise<BenchResult | null> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      data: { type: 'string' },
      campaign: { type: 'string', default: 'men' },
      segment: { type: 'string', default: 'none' },
      resamples: { type: 'string', default: '2000' },
      prior: { type: 'string', default: 'average' },
    },
    allowPositionals: true,
  })
  const data = values.data === undefined ? null : await readOpenBandit(values.data, values.campaign)
  if (data?.kind !== 'found') {
    const looked = data === null ? '' : `None of these is there:\n  ${data.looked.join('\n  ')}\n`
    process.stderr.write(`${looked}${whereFrom}\nNothing was measured.\n`)
    return null
  }
  const rows = judge(data.logs, {
    byPosition: values.segment === 'position',
    resamples: Number(values.resamples),
    prior: priorFrom(values.prior),
  })
  process.stdout.write(`\n${tableOf(rows)}\n`)
  return resultOf(rows, { campaign: values.campaign, segment: values.segment, prior: values.prior })
}

export type JudgeOptions = {
  /** Whether the learner learns each position apart. */
  readonly byPosition: boolean
  /** Of the bootstrap. */
  readonly resamples: number
  /** Clicks and missed clicks before any are known; null: as the log it learns from has them on the average. */
  readonly prior: readonly [number, number] | null
}

/** Judges every policy on every log that may judge it. */
export function judge(
  { random, bts }: { readonly random: readonly Impression[]; readonly bts: readonly Impression[] },
  { byPosition, resamples, prior }: JudgeOptions,
): readonly Row[] {
  const all = [...random, ...bts]
  const items = 1 + all.reduce((most, { item }) => Math.max(most, item), 0)
  const positions = [...new Set(all.map(({ position }) => position))].sort((a, b) => a - b)
  const learner = (seen: readonly Impression[]): ItemPolicy => {
    const guess = prior ?? averagePrior(seen)
    return learnerPolicy(seen, { items, positions, prior: guess, floor, byPosition, draws })
  }
  const row = (policy: string, judgedOn: string, log: readonly Impression[], of: ItemPolicy | null): Row => {
    const weights = weighted(log, of)
    const within = (estimator: Estimator): Estimate => estimateWithin(weights, estimator, { resamples })
    return {
      policy,
      judgedOn,
      rows: log.length,
      clicks: log.filter(({ clicked }) => clicked).length,
      effective: effectiveRows(weights),
      inverse: within('inverse'),
      selfNormalised: within('selfNormalised'),
    }
  }
  return [
    row('random', 'its own log', random, null),
    row('bts', 'its own log', bts, null),
    row('bts', 'the log of random', random, shownPolicy(bts, items)),
    row('learner, having seen bts', 'the log of random', random, learner(bts)),
    row('learner, having seen random', 'the log of bts', bts, learner(random)),
  ]
}

function averagePrior(seen: readonly Impression[]): readonly [number, number] {
  const rate = seen.filter(({ clicked }) => clicked).length / Math.max(1, seen.length)
  // Not below what a pack may say.
  return [Math.max(0.1, priorWorth * rate), Math.max(0.1, priorWorth * (1 - rate))]
}

function priorFrom(text: string): JudgeOptions['prior'] {
  if (text === 'average') return null
  const [a = Number.NaN, b = Number.NaN] = text.split(',').map(Number)
  if (!(a >= 0.1 && b >= 0.1)) throw new Error('--prior is average, or two numbers from 0.1 on, such as 1,99')
  return [a, b]
}

function tableOf(rows: readonly Row[]): string {
  const words = ({ value, low, high }: Estimate): string => `${percent(value)} (${percent(low)} to ${percent(high)})`
  return table(
    ['policy', 'judged on', 'rows', 'clicks', 'worth rows', 'inverse propensity', 'self-normalised'],
    rows.map(({ policy, judgedOn, rows: count, clicks, effective, inverse, selfNormalised }) => [
      policy,
      judgedOn,
      count,
      clicks,
      Math.round(effective),
      words(inverse),
      words(selfNormalised),
    ]),
  )
}

function resultOf(rows: readonly Row[], figures: Readonly<Record<string, string>>): BenchResult {
  const [random, bts, check, first, second] = rows
  if (!random || !bts || !check || !first || !second) throw new Error('five rows are judged')
  const over = (row: Row, base: Row): number => row.selfNormalised.value / base.selfNormalised.value
  return {
    name: 'off-policy',
    verdicts: [holds(check, bts), better(first, random, 'random'), better(second, bts, 'bts')],
    ratios: {
      'clicks of the learner that saw bts, of random': over(first, random),
      'clicks of the learner that saw random, of random': over(second, random),
      'clicks of the learner that saw random, of bts': over(second, bts),
      'clicks of bts, of random': over(bts, random),
    },
    figures: {
      ...figures,
      interval: '95 %, bootstrap of rows, percentile',
      ...Object.fromEntries(
        rows.flatMap(({ policy, judgedOn, effective, inverse, selfNormalised }) => [
          ...numbers(`${policy}, ${judgedOn}, inverse`, inverse),
          ...numbers(`${policy}, ${judgedOn}, self-normalised`, selfNormalised),
          [`${policy}, ${judgedOn}, worth rows`, Math.round(effective)],
        ]),
      ),
    },
    machine: machine(),
  }
}

function numbers(name: string, { value, low, high }: Estimate): readonly (readonly [string, number])[] {
  const shares = { clicks: value, 'at least': low, 'at most': high }
  return Object.entries(shares).map(([what, share]) => [`${name} ${what} %`, Number((share * 100).toFixed(4))] as const)
}

function holds(check: Row, truth: Row): Verdict {
  const { low, high } = check.selfNormalised
  const right = truth.selfNormalised.value
  return {
    aim: 'judged from the log of random, bts is worth what its own log says',
    reached: low <= right && right <= high,
    measured: `${percent(low)} to ${percent(high)}, its own log says ${percent(right)}`,
    bound: `${check.clicks} clicks`,
  }
}

function better(learner: Row, base: Row, name: string): Verdict {
  const { value, low, high } = learner.selfNormalised
  const logged = base.selfNormalised.value
  return {
    aim: `the interval of the ${learner.policy} lies above the click rate of ${name}`,
    reached: low > logged,
    measured: `${percent(value)} (${percent(low)} to ${percent(high)}) against ${percent(logged)}`,
    bound: `${learner.clicks} clicks to judge by, worth ${Math.round(learner.effective)} rows of ${learner.rows}`,
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(2)} %`
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  const result = await benchOffPolicy()
  if (result === null) process.exitCode = 1
  else printResult(result)
}
