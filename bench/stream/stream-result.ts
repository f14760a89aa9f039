/** Ratios and figures of the comparison. */
import { type BenchResult, machine, median, shown, type Verdict } from '../report.ts'
import { boundOf, rateOf } from '../servers/bound-by.ts'
import type { Span } from '../servers/measure-span.ts'
import { callsBetween } from '../servers/redis-usage.ts'
import { type ContenderName, contenderNames } from './contenders.ts'

export type Round = {
  readonly spans: ReadonlyMap<ContenderName, Span>
  /** Pairs of event and rule that each let out. */
  readonly hits: ReadonlyMap<ContenderName, number>
  readonly bank: Span
}

export function streamResult(rounds: readonly Round[], about: Readonly<Record<string, string | number>>): BenchResult {
  const over = (pick: (round: Round) => number) => median(rounds.map(pick))
  const rateRatio = (peer: ContenderName) =>
    over((round) => rateOf(spanOf(round, 'ours')) / rateOf(spanOf(round, peer)))
  const cpuRatio = (peer: ContenderName) =>
    over((round) => spanOf(round, peer).cpuUs.contender / spanOf(round, 'ours').cpuUs.contender)
  const redis = (span: Span) => redisUs(span)
  return {
    name: 'stream',
    verdicts: verdictsOf(rounds),
    ratios: {
      'events/s over zen-engine with HINCRBY, an event at a time (goal >= 10)': rateRatio('zen-engine'),
      'events/s over json-rules-engine with HINCRBY (goal >= 50)': rateRatio('json-rules-engine'),
      'events/s over the best case, batched with zen-engine': rateRatio('zen-engine, batched'),
      'events/s over the best case in two processes': rateRatio('zen-engine, batched, two processes'),
      'CPU of the process: zen-engine, an event at a time, over ours': cpuRatio('zen-engine'),
      'CPU of the process: best case over ours': cpuRatio('zen-engine, batched'),
      'Redis CPU an event over 8 HINCRBY, batched (goal <= 0.33)': over(
        (round) => redis(spanOf(round, 'ours')) / redis(spanOf(round, 'zen-engine, batched')),
      ),
      'retail-bank: events/s over the aim of 60,000': over(({ bank }) => rateOf(bank) / 60_000),
      'retail-bank: Redis CPU an event over 8 HINCRBY, batched': over(
        (round) => redis(round.bank) / redis(spanOf(round, 'zen-engine, batched')),
      ),
      'retail-bank: round trips to Redis a batch (goal <= 2)': over(({ bank }) => trips(bank)),
    },
    figures: {
      ...Object.assign({}, ...contenderNames.map((name) => figuresOf(name, rounds, (round) => spanOf(round, name)))),
      ...figuresOf('retail-bank', rounds, ({ bank }) => bank),
      ...batchFigures('ours', rounds, (round) => spanOf(round, 'ours')),
      ...batchFigures('retail-bank', rounds, ({ bank }) => bank),
      'hits per 1,000 events, ours': over(
        (round) => (1_000 * (round.hits.get('ours') ?? 0)) / Object.values(spanOf(round, 'ours').next).reduce(sum, 0),
      ),
      'hits compared with the reference, all contenders and rounds': rounds
        .flatMap(({ hits }) => [...hits.values()])
        .reduce(sum, 0),
      ...about,
    },
    machine: machine(),
  }
}

/** The aims, each judged by the median of the rounds. */
function verdictsOf(rounds: readonly Round[]): readonly Verdict[] {
  const over = (pick: (round: Round) => number) => median(rounds.map(pick))
  const ours = (round: Round) => spanOf(round, 'ours')
  const last = rounds.at(-1)
  const bound = last === undefined ? '' : boundOf(ours(last))
  const times = (peer: ContenderName, aim: number): Verdict => {
    const ratio = over((round) => rateOf(ours(round)) / rateOf(spanOf(round, peer)))
    const rates = `${shown(over((round) => rateOf(ours(round))))} events/s to ${shown(over((round) => rateOf(spanOf(round, peer))))}`
    return {
      aim: `${aim} times the events/s of kafkajs eachMessage + ioredis (8 HINCRBY in a pipeline) + ${peer}`,
      reached: ratio >= aim,
      measured: `${shown(ratio)} times, ${rates}`,
      bound,
    }
  }
  const bank = over((round) => rateOf(round.bank))
  const share = (peer: ContenderName, pick: (round: Round) => Span) =>
    over((round) => redisUs(pick(round)) / redisUs(spanOf(round, peer)))
  const pipelined = share('zen-engine', ours)
  const batched = share('zen-engine, batched', ours)
  const bankBatched = share('zen-engine, batched', (round) => round.bank)
  const roundTrips = { ours: over((round) => trips(ours(round))), bank: over((round) => trips(round.bank)) }
  return [
    times('zen-engine', 10),
    times('json-rules-engine', 50),
    {
      aim: 'retail-bank on Redis and Kafka: 60,000 events/s on the two cores that also run both servers',
      reached: bank >= 60_000,
      measured: `${shown(bank)} events/s`,
      bound: last === undefined ? '' : boundOf(last.bank),
    },
    {
      aim: "Redis CPU an event at most a third of the HINCRBY design's, also of its best case (pipelines over 256 events)",
      reached: batched <= 1 / 3,
      measured: `${shown(batched)} of the best case, ${shown(pipelined)} of a pipeline an event; retail-bank ${shown(bankBatched)} of the best case`,
      bound: `one script call a batch; ${shown(over((round) => redisUs(ours(round))))} us of Redis' main thread an event, larger batches take less`,
    },
    {
      aim: 'at most 2 round trips to the store a batch, counted by Redis (INFO commandstats)',
      reached: Math.max(roundTrips.ours, roundTrips.bank) <= 2,
      measured: `${shown(roundTrips.ours)} with the 20 rules, ${shown(roundTrips.bank)} with retail-bank`,
      bound: 'one script for the commit, one pipeline for the load where a customer is not cached',
    },
  ]
}

function figuresOf(name: string, rounds: readonly Round[], pick: (round: Round) => Span): Record<string, number> {
  const over = (of: (span: Span) => number) => median(rounds.map((round) => of(pick(round))))
  return {
    [`${name}: events/s`]: over(rateOf),
    [`${name}: CPU us an event, its processes`]: over((span) => span.cpuUs.contender),
    [`${name}: CPU us an event, Redis`]: over((span) => span.cpuUs.redis),
    [`${name}: CPU us an event, broker`]: over((span) => span.cpuUs.broker),
  }
}

function batchFigures(name: string, rounds: readonly Round[], pick: (round: Round) => Span): Record<string, number> {
  const over = (of: (span: Span) => number) => median(rounds.map((round) => of(pick(round))))
  const each = (what: string) => over((span) => (span.sums[what] ?? 0) / span.events)
  const batch = (what: string) => over((span) => (span.sums[what] ?? 0) / (span.sums['batches'] ?? 0))
  return {
    [`${name}: main thread, us an event`]: over((span) => span.threadsUs.main),
    [`${name}: worker thread, us an event`]: over((span) => span.threadsUs.worker),
    [`${name}: cores that the rest of the machine took`]: over((span) => span.othersCores),
    [`${name}: other threads, us an event`]: over((span) => span.threadsUs.rest),
    [`${name}: step, us an event`]: each('stepMs') * 1_000,
    [`${name}: events a batch`]: over((span) => span.events / (span.sums['batches'] ?? 0)),
    [`${name}: commit ms a batch, as the worker sees it`]: batch('commitMs'),
    [`${name}: load ms a batch`]: batch('loadMs'),
    [`${name}: customers loaded an event`]: each('loaded'),
    [`${name}: round trips to Redis a batch`]: over(trips),
    [`${name}: bytes to Redis an event`]: over(
      ({ redis, events }) => (redis.after.bytesIn - redis.before.bytesIn) / events,
    ),
  }
}

/** Requests Redis answered by themselves: a commit is one script, a load one pipeline with one MGET; WAIT rides on a commit. */
function trips({ redis: { before, after }, sums }: Span): number {
  return (callsBetween(before, after, 'evalsha') + callsBetween(before, after, 'mget')) / (sums['batches'] ?? 0)
}

/** CPU of Redis' main thread. */
function redisUs({ redis: { before, after }, events }: Span): number {
  return ((after.mainSeconds - before.mainSeconds) * 1e6) / events
}

function spanOf(round: Round, name: ContenderName): Span {
  const span = round.spans.get(name)
  if (span === undefined) throw new Error(`${name} ran in every round`)
  return span
}

function sum(a: number, b: number): number {
  return a + b
}
