/** Ratios and figures of a latency measurement. */
import { type BenchResult, machine, median } from '../report.ts'
import { summarise } from './gc-watch.ts'
import type { EngineRun, Measured, RateResult, Round } from './measure.ts'
import { quantile } from './recorder.ts'
import type { Quantiles, Run } from './run.ts'

/** At most so many times the echo's p99, by place in the list of rates. */
const goals = [3, 4]

export function latencyResult(measured: Measured): BenchResult {
  const ratios: Record<string, number> = {}
  const figures: Record<string, number | string> = {}
  for (const [i, result] of measured.rates.entries()) {
    const at = `${result.rate.toLocaleString('en-US')}/s`
    const valid = validRounds(result)
    const goal = goals[i] ?? goals.at(-1) ?? 1
    const over = (pick: (round: Round) => number): number => median(valid.map(pick))
    ratios[`${at}: p99 over the echo (goal <= ${goal})`] = over((round) => p99(round.engine) / p99(round.echo))
    ratios[`${at}: p99 over log append alone`] = over((round) => p99(round.engine) / p99(round.append))
    ratios[`${at}: p99 from durable in the log over the echo`] = over(
      (round) => round.engine.stages.shard.p99 / p99(round.echo),
    )
    const engines = valid.map(({ engine }) => engine)
    const minutes = engines.reduce((sum, { seconds }) => sum + seconds, 0) / 60
    const own = engines.flatMap(({ line }) => line.collections.filter(({ thread }) => thread !== 0))
    const longest = Math.max(0, ...own.filter(({ kind }) => kind === 'scavenge').map(({ ms }) => ms))
    ratios[`${at}: mark-compacts of the worker a minute (goal 0)`] =
      own.filter(({ kind }) => kind === 'mark-compact').length / minutes
    ratios[`${at}: longest scavenge of the worker over 2 ms (goal <= 1)`] = longest / 2
    Object.assign(figures, figuresAt(at, result, valid))
  }
  figures['rates tried and not sustained'] = measured.refused.join(', ') || 'none'
  figures['closed loop while warming up, events/s'] = measured.closedLoopPerSecond
  return { name: 'latency', ratios, figures, machine: machine() }
}

/** A round whose echo was far worse than usual says more about the machine than about the engine. */
function validRounds({ rounds }: RateResult): readonly Round[] {
  const usual = median(rounds.map(({ echo }) => p99(echo)))
  return rounds.filter(({ echo }) => p99(echo) <= 2 * usual)
}

function figuresAt(at: string, { rounds }: RateResult, valid: readonly Round[]): Record<string, number | string> {
  const figures: Record<string, number | string> = {}
  const engines = valid.map(({ engine }) => engine)
  put(
    figures,
    `${at}, echo`,
    valid.map(({ echo }) => echo.stages.total),
  )
  put(
    figures,
    `${at}, log append alone`,
    valid.map(({ append }) => append.stages.total),
  )
  put(
    figures,
    `${at}, engine`,
    engines.map(({ stages }) => stages.total),
  )
  put(
    figures,
    `${at}, engine, until main has it`,
    engines.map(({ stages }) => stages.arrival),
  )
  put(
    figures,
    `${at}, engine, log append`,
    engines.map(({ stages }) => stages.append),
  )
  put(
    figures,
    `${at}, engine, shard and commit`,
    engines.map(({ stages }) => stages.shard),
  )
  figures[`${at}, rounds void (echo p99 over twice the usual)`] = rounds.length - valid.length
  figures[`${at}, sustained in every round`] = engines.every(({ sustained }) => sustained) ? 'yes' : 'no'
  figures[`${at}, generator lateness p99 ms`] = median(engines.map(({ lateness }) => lateness.p99))
  figures[`${at}, generator lateness max ms`] = Math.max(...engines.map(({ lateness }) => lateness.max))
  Object.assign(figures, batchFigures(at, engines))
  for (const [i, { stallCount, stalls }] of engines.entries()) {
    figures[`${at}, round ${i + 1}: separate stalls behind the p99`] = stallCount
    for (const [j, text] of stalls.entries()) figures[`${at}, round ${i + 1}: stall ${j + 1}`] = text
  }
  return figures
}

function batchFigures(at: string, engines: readonly EngineRun[]): Record<string, number> {
  const commits: number[] = []
  const sizes: number[] = []
  for (const { line } of engines) {
    for (let i = 0; i < line.batchCount; i++) {
      const { commitMs, events } = line.batchAt(i)
      commits.push(commitMs)
      sizes.push(events)
    }
  }
  const commit = Float32Array.from(commits).sort()
  const size = Float32Array.from(sizes).sort()
  const store = engines.flatMap(({ line }) => line.store)
  const transactions = store.reduce((sum, one) => sum + one.transactions, 0)
  const mean = (pick: (sample: (typeof store)[number]) => number): number =>
    store.reduce((sum, one) => sum + pick(one) * one.transactions, 0) / transactions
  const seconds = engines.reduce((sum, one) => sum + one.seconds, 0)
  return {
    [`${at}, commit as the worker sees it, p50 ms`]: quantile(commit, 0.5),
    [`${at}, commit as the worker sees it, p99 ms`]: quantile(commit, 0.99),
    [`${at}, commit as the worker sees it, max ms`]: quantile(commit, 1),
    [`${at}, transaction in the store, mean ms`]: mean((one) => one.transactionMs),
    [`${at}, transaction in the store, worst mean of 100 ms`]: Math.max(0, ...store.map((one) => one.transactionMs)),
    [`${at}, of it handing pages to the system, mean ms`]: mean((one) => one.flushMs),
    [`${at}, pages a transaction`]: mean((one) => one.pagesWritten),
    [`${at}, transactions a second`]: transactions / seconds,
    [`${at}, events a batch, mean`]: sizes.reduce((sum, one) => sum + one, 0) / sizes.length,
    [`${at}, events a batch, max`]: quantile(size, 1),
    ...prefixed(at, summarise('worker', collectionsOf(engines, 'worker'))),
    ...prefixed(at, summarise('main', collectionsOf(engines, 'main'))),
  }
}

function collectionsOf(engines: readonly EngineRun[], where: 'main' | 'worker'): EngineRun['line']['collections'] {
  return engines.flatMap(({ line }) => line.collections.filter(({ thread }) => (thread === 0) === (where === 'main')))
}

function prefixed(at: string, figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [`${at}, ${name}`, value]))
}

/** Medians over the rounds, and the worst of all. */
function put(figures: Record<string, number | string>, name: string, rounds: readonly Quantiles[]): void {
  const of = (pick: (one: Quantiles) => number): string => median(rounds.map(pick)).toFixed(2)
  const max = Math.max(...rounds.map((one) => one.max)).toFixed(1)
  figures[`${name}: p50 / p99 / p99.9 / max ms`] =
    `${of((one) => one.p50)} / ${of((one) => one.p99)} / ${of((one) => one.p999)} / ${max}`
}

function p99(run: Run): number {
  return run.stages.total.p99
}
