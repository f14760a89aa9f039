/** Verdicts, ratios and figures of a latency measurement on servers. */
import type { Quantiles } from '../latency/run.ts'
import { type BenchResult, machine, median, shown, type Verdict } from '../report.ts'
import type { Run } from './run-at-rate.ts'

export type Round = { readonly echo: Run; readonly engine: Run }
export type RateResult = { readonly rate: number; readonly rounds: readonly Round[] }

/** By place in the list of rates: the engine may add so many milliseconds, or take so many times the echo's whole way. */
const aims = [
  { at: '', ms: 6, times: 3 },
  { at: ', half the sustained rate', ms: 10, times: 4 },
] as const

export function serverLatencyResult(
  rates: readonly RateResult[],
  about: Readonly<Record<string, string | number>>,
): BenchResult {
  const ratios: Record<string, number> = {}
  const figures: Record<string, number | string> = {}
  for (const [i, result] of rates.entries()) {
    const at = nameOf(result, i)
    const over = overOf(result)
    ratios[`${at}: p99 over the echo, due to consumed (goal <= ${aims[i]?.times ?? 1})`] = over(wholeRatio)
    ratios[`${at}: p99 that the engine adds, over ${aims[i]?.ms ?? 1} ms (goal <= 1)`] =
      over(({ engine }) => engine.added.p99) / (aims[i]?.ms ?? 1)
    Object.assign(figures, figuresAt(at, result))
  }
  return {
    name: 'server-latency',
    verdicts: rates.map(verdictOf),
    ratios,
    figures: { ...figures, ...about },
    machine: machine(),
  }
}

function verdictOf(result: RateResult, i: number): Verdict {
  const { ms, times } = aims[i] ?? aims[0]
  const over = overOf(result)
  const added = over(({ engine }) => engine.added.p99)
  const ratio = over(wholeRatio)
  const batch = (pick: (run: Run) => number) => shown(over(({ engine }) => pick(engine)))
  return {
    aim: `${nameOf(result, i)}: the engine adds at most ${ms} ms at p99, or an event takes at most ${times} times the echo's p99 from due to consumed`,
    reached: added <= ms || ratio <= times,
    measured: `${shown(added)} ms added (fetched to handed to the producer); ${shown(ratio)} times the echo from due to consumed`,
    bound:
      `a batch of ${batch((run) => run.batch.events)} events: load ${batch((run) => run.batch.loadMs)} ms, ` +
      `step ${batch((run) => run.batch.stepMs)} ms, commit ${batch((run) => run.batch.commitMs)} ms on average, and the wait for the batch before; ` +
      `the rest of the machine took ${batch((run) => run.othersCores)} cores meanwhile`,
  }
}

/** Medians over the rounds whose echo was not far worse than usual: that says more about the machine than about the engine. */
function overOf({ rounds }: RateResult): (pick: (round: Round) => number) => number {
  const valid = validOf(rounds)
  return (pick) => median(valid.map(pick))
}

function validOf(rounds: readonly Round[]): readonly Round[] {
  const usual = median(rounds.map(({ echo }) => echo.whole.p99))
  return rounds.filter(({ echo }) => echo.whole.p99 <= 2 * usual)
}

function wholeRatio({ engine, echo }: Round): number {
  return engine.whole.p99 / echo.whole.p99
}

function nameOf({ rate }: RateResult, i: number): string {
  return `${rate.toLocaleString('en-US')}/s${aims[i]?.at ?? ''}`
}

function figuresAt(at: string, { rounds }: RateResult): Record<string, number | string> {
  const valid = validOf(rounds)
  const runs = (name: keyof Round) => valid.map((round) => round[name])
  const figures: Record<string, number | string> = {}
  for (const name of ['echo', 'engine'] as const) {
    figures[`${at}, ${name}, due to consumed: p50 / p99 / p99.9 / max ms`] = told(runs(name).map((run) => run.whole))
    figures[`${at}, ${name}, fetched to handed over: p50 / p99 / p99.9 / max ms`] = told(
      runs(name).map((run) => run.added),
    )
  }
  const engines = runs('engine')
  return {
    ...figures,
    [`${at}, records heard a round, engine`]: median(engines.map(({ heard }) => heard)),
    [`${at}, sustained in every round`]: engines.every(({ sustained }) => sustained) ? 'yes' : 'no',
    [`${at}, generator lateness p99 ms`]: median(engines.map(({ lateP99 }) => lateP99)),
    [`${at}, generator lateness max ms`]: Math.max(...engines.map(({ lateMax }) => lateMax)),
    [`${at}, events a batch`]: median(engines.map(({ batch }) => batch.events)),
    [`${at}, cores that the rest of the machine took`]: median(engines.map(({ othersCores }) => othersCores)),
    [`${at}, rounds void (echo p99 over twice the usual)`]: rounds.length - valid.length,
  }
}

/** Medians over the rounds, and the worst of all. */
function told(rounds: readonly Quantiles[]): string {
  const of = (pick: (one: Quantiles) => number) => median(rounds.map(pick)).toFixed(2)
  const max = Math.max(...rounds.map((one) => one.max)).toFixed(1)
  return `${of((one) => one.p50)} / ${of((one) => one.p99)} / ${of((one) => one.p999)} / ${max}`
}
