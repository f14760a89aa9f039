/**
 * What does the whole funnel cost for one event, stage by stage? `npm run bench -- stages [--json] [--offers=50] [--guardrails=30] [--caps=20]`.
 *
 * A generated pack through the real loader; one trigger proposes every offer for one placement, so that each triggered event takes all offers
 * through all stages and leaves a record with a fate for each. In the same rounds: the same events with nothing kept but what is
 * offered, and the encoding of the record.
 */
import { hash } from 'node:crypto'
import { parseArgs } from 'node:util'
import type { StepContext } from '../../engine/step/step.ts'
import { stepEvent } from '../../engine/step/step-event.ts'
import type { Decision } from '../../sinks/decision.ts'
import { encodeDecision } from '../../sinks/decision-codec.ts'
import { type BenchResult, machine, shown } from '../report.ts'
import { guardedPack } from '../step/guarded-pack.ts'
import { buyUntil, customerOf, inBatch, journeyOf, openContext } from './event-load.ts'
import { loadGeneratedPack, type PackSize } from './generated-pack.ts'
import { StageClock, type Times } from './stage-clock.ts'
import { stagedStep, timedStages } from './staged-step.ts'

/** What the median of an event is to stay under, microseconds. */
const goalUs = 25
/** How often as dear an event with all its reasons may be as one without. */
const goalRatio = 2
const batchCustomers = 100

export type StagesOptions = PackSize & {
  readonly customers: number
  /** Triggered events of each customer in a round. */
  readonly journeys: number
  readonly rounds: number
}

export type StagesFigures = {
  readonly step: Times
  readonly withoutReasons: Times
  readonly encode: Times
  /** Medians, in the order of `timedStages`. */
  readonly stages: readonly number[]
  readonly recordBytes: number
  /** How many candidates ended at each stage, of an average event. */
  readonly fates: Readonly<Record<string, number>>
}

/** The benchmark. */
export async function benchStages(): Promise<BenchResult> {
  const { values } = parseArgs({
    options: {
      json: { type: 'boolean' },
      offers: { type: 'string', default: '50' },
      guardrails: { type: 'string', default: '30' },
      caps: { type: 'string', default: '20' },
      customers: { type: 'string', default: '200' },
      journeys: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '15' },
    },
    allowPositionals: true,
  })
  const options = {
    offers: Number(values.offers),
    guardrails: Number(values.guardrails),
    caps: Number(values.caps),
    customers: Number(values.customers),
    journeys: Number(values.journeys),
    rounds: Number(values.rounds),
  }
  return resultOf(options, await measureStages(options))
}

/**
 * Measures a round that is left out and `rounds` more; of each figure the best round counts, since what else the machine does only
 * adds. @throws Error when the stages written out decide otherwise than `stepEvent`
 */
export async function measureStages(options: StagesOptions): Promise<StagesFigures> {
  const compiled = guardedPack(await loadGeneratedPack(options))
  const open = () => openContext(compiled, options.customers)
  const whole = { context: open(), clock: new StageClock(0) }
  const bare = { context: open(), clock: new StageClock(0) }
  const staged = { context: open(), clock: new StageClock(timedStages.length) }
  const encoding = new StageClock(0)
  const best = new Map<string, number>()
  const fates: Record<string, number> = {}
  let bytes = 0
  let events = 0
  const least = (name: string, value: number): void => void best.set(name, Math.min(best.get(name) ?? value, value))
  for (let round = 0; round <= options.rounds; round++) {
    const from = 1 + round * options.journeys
    // Only digests are kept: records that pile up would be collected at the cost of the events behind them.
    const digests: string[] = []
    runWhole(whole, options, from, (decision) => {
      encoding.start()
      const encoded = encodeDecision(decision)
      encoding.stop()
      bytes += encoded.length
      events++
      for (const { stage } of decision.fates) fates[stage] = (fates[stage] ?? 0) + 1
      digests.push(hash('sha256', encoded))
    })
    runStaged(bare, options, from, 'offers', () => {})
    let at = 0
    runStaged(staged, options, from, 'reasons', (made) => {
      if (!('fates' in made) || hash('sha256', encodeDecision(made)) !== digests[at++])
        throw new Error('the stages decide otherwise than the step')
    })
    for (const [name, clock] of Object.entries({ whole: whole.clock, bare: bare.clock, encode: encoding })) {
      const times = clock.take()
      if (round === 0) continue
      for (const kind of ['median', 'p99'] as const) least(`${name} ${kind}`, times[kind])
    }
    const medians = staged.clock.takeStages()
    if (round === 0) continue
    for (const [i, median] of medians.entries()) least(`stage ${i}`, median)
  }
  const of = (name: string): number => best.get(name) ?? Number.NaN
  const times = (name: string): Times => ({ median: of(`${name} median`), p99: of(`${name} p99`) })
  return {
    step: times('whole'),
    withoutReasons: times('bare'),
    encode: times('encode'),
    stages: timedStages.map((_, i) => of(`stage ${i}`)),
    recordBytes: bytes / events,
    fates: Object.fromEntries(Object.entries(fates).map(([stage, count]) => [stage, count / events])),
  }
}

type Runner = { readonly context: StepContext; readonly clock: StageClock }

/** Calls `step` for each journey of each customer, after what was bought on the days before. */
function runJourneys(
  { context }: Runner,
  { customers, journeys }: StagesOptions,
  from: number,
  step: (customer: number, journey: number) => void,
): void {
  for (let journey = from; journey < from + journeys; journey++) {
    for (let first = 0; first < customers; first += batchCustomers) {
      const last = Math.min(customers, first + batchCustomers)
      inBatch(context, () => {
        for (let n = first; n < last; n++) buyUntil(context, n, journey)
      })
      inBatch(context, () => {
        for (let n = first; n < last; n++) step(n, journey)
      })
    }
  }
}

/** Steps by `stepEvent`. */
function runWhole(runner: Runner, options: StagesOptions, from: number, made: (decision: Decision) => void): void {
  const { context, clock } = runner
  runJourneys(runner, options, from, (customer, journey) => {
    const event = journeyOf(customer, journey)
    const slot = context.states.find(customerOf(customer))
    clock.start()
    const { decisions } = stepEvent(context, slot, { event, acceptedAt: event.time, now: event.time })
    clock.stop()
    const [decision] = decisions
    if (decision === undefined) throw new Error('a journey left no decision')
    made(decision)
  })
}

function runStaged(
  runner: Runner,
  options: StagesOptions,
  from: number,
  keeps: 'reasons' | 'offers',
  made: (outcome: ReturnType<typeof stagedStep>) => void,
): void {
  const { context, clock } = runner
  const mark = keeps === 'reasons' ? (stage: number) => clock.mark(stage) : () => {}
  runJourneys(runner, options, from, (customer, journey) => {
    const event = journeyOf(customer, journey)
    const slot = context.states.find(customerOf(customer))
    clock.start()
    const outcome = stagedStep(context, slot, { event, acceptedAt: event.time, now: event.time }, mark, keeps)
    clock.stop()
    made(outcome)
  })
}

function resultOf(options: StagesOptions, figures: StagesFigures): BenchResult {
  const { step, withoutReasons, encode, stages } = figures
  const ratio = step.median / withoutReasons.median
  const inOrder = timedStages
    .map((name, i) => ({ name, us: stages[i] ?? 0 }))
    .toSorted((a, b) => b.us - a.us)
    .slice(0, 3)
  const dearest = inOrder.map(({ name, us }) => `${name} ${shown(us)} us`).join(', ')
  const size = `${options.offers} offers, ${options.guardrails} guardrails, ${options.caps} caps`
  return {
    name: 'stages',
    verdicts: [
      {
        aim: `an event with ${size} takes at most ${goalUs} us at the median`,
        reached: step.median <= goalUs,
        measured: `${shown(step.median)} us at the median, ${shown(step.p99)} us at p99`,
        bound: `the dearest stages: ${dearest}`,
      },
      {
        aim: 'keeping all reasons costs at most as much again as not keeping them',
        reached: ratio <= goalRatio,
        measured: `${shown(ratio)} times an event without (${shown(withoutReasons.median)} us)`,
        bound: `a record of ${options.offers} fates; encoded behind the step: ${shown(encode.median)} us more`,
      },
    ],
    ratios: {
      [`time over the goal of ${goalUs} us`]: step.median / goalUs,
      'with all reasons over without': ratio,
      'with all reasons, encoded, over without': (step.median + encode.median) / withoutReasons.median,
    },
    figures: {
      'stepEvent us, median': step.median,
      'stepEvent us, p99': step.p99,
      'without reasons us, median': withoutReasons.median,
      'without reasons us, p99': withoutReasons.p99,
      'encode the record us, median': encode.median,
      'encode the record us, p99': encode.p99,
      'bytes of a record': figures.recordBytes,
      ...Object.fromEntries(timedStages.map((name, i) => [`  stage us, median: ${name}`, stages[i] ?? Number.NaN])),
      ...Object.fromEntries(
        Object.entries(figures.fates).map(([stage, count]) => [`  candidates that end at ${stage}`, count]),
      ),
      'events a round': options.customers * options.journeys,
      rounds: options.rounds,
    },
    machine: machine(),
  }
}
