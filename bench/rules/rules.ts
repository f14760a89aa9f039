/**
 * How fast rules are evaluated, against the engines that teams reach for, in one process, rounds interleaved.
 *
 * Every engine gets the same object for an event and answers with the ids of the rules that hold; answers are compared
 * with the plainest code there is before anything is timed.
 */
import { type BenchResult, machine, median, printResult } from '../report.ts'
import { fillFrame, jsonRulesEngine, ourEngine, ruleSet, zenEngine } from './rule-engines.ts'
import {
  type BenchRule,
  celOf,
  channelWorkload,
  codeWorkload,
  type Facts,
  frameNames,
  referenceIds,
  type Workload,
} from './rule-workload.ts'

const rounds = 7

/** Measures all of it, in about 20 seconds. Throws when an engine's answers differ from the reference. */
export async function benchRules(): Promise<BenchResult> {
  const peers = await comparePeers(channelWorkload(20))
  const sizes = compareSizes()
  const types = compareTypes()
  return {
    name: 'rules',
    ratios: { ...peers.ratios, ...sizes.ratios, ...types.ratios },
    figures: { ...peers.figures, ...sizes.figures, ...types.figures },
    machine: machine(),
  }
}

type Part = Pick<BenchResult, 'ratios' | 'figures'>
type Contender = { readonly name: string; readonly run: () => Promise<number> | number }

async function comparePeers(workload: Workload): Promise<Part> {
  const { rules, events } = workload
  const ours = ourEngine(rules)
  const zen = zenEngine(rules, 'no trace')
  const zenTrace = zenEngine(rules, 'trace')
  const peer = jsonRulesEngine(rules)
  const hit = (facts: Facts) => ours.reasons(facts).flatMap((reason) => (reason.hit ? [`rule-${reason.rule}`] : []))
  for (const [name, engine] of Object.entries({ ours: ours.ids, trace: hit, zen, zenTrace, peer })) {
    await checkAnswers(name, rules, events, engine)
  }
  const frames = events.map((facts) => frameOf(facts))
  const ns = await interleaved([
    { name: 'ours', run: () => timed(events, 300_000, ours.ids) },
    { name: 'frame', run: () => timedFrames(events, frames, 1_000_000, ours.count) },
    { name: 'reasons', run: () => timed(events, 60_000, ours.reasons) },
    { name: 'zen', run: () => timedAsync(events, 3_000, 1, zen) },
    { name: 'zen64', run: () => timedAsync(events, 3_072, 64, zen) },
    { name: 'zenTrace', run: () => timedAsync(events, 1_536, 64, zenTrace) },
    { name: 'peer', run: () => timedAsync(events, 1_000, 1, peer) },
  ])
  const best = (round: Times) => Math.min(round['zen'] ?? 0, round['zen64'] ?? 0)
  return {
    ratios: {
      'rule ids: times faster than zen-engine (goal >= 100)': ratio(ns, best, 'ours'),
      'rule ids: times faster than json-rules-engine (goal >= 500)': ratio(ns, (round) => round['peer'] ?? 0, 'ours'),
      'all reasons: times faster than zen-engine without (goal >= 20)': ratio(ns, best, 'reasons'),
      'all reasons: times faster than zen-engine with its trace': ratio(
        ns,
        (round) => round['zenTrace'] ?? 0,
        'reasons',
      ),
    },
    figures: {
      '20 rules, object to rule ids, ns': figure(ns, 'ours'),
      '20 rules, frame to hits, ns': figure(ns, 'frame'),
      '20 rules, object to reasons of all rules, ns': figure(ns, 'reasons'),
      'zen-engine, awaited, ns': figure(ns, 'zen'),
      'zen-engine, 64 in flight, ns': figure(ns, 'zen64'),
      'zen-engine with trace, 64 in flight, ns': figure(ns, 'zenTrace'),
      'json-rules-engine, ns': figure(ns, 'peer'),
    },
  }
}

function compareSizes(): Part {
  const measured = [20, 200, 2_500].map((count) => {
    const workload = codeWorkload(count)
    const started = performance.now()
    const ours = ourEngine(workload.rules)
    const compileMs = performance.now() - started
    for (const facts of workload.events.slice(0, 256)) {
      same(`${count} rules`, ours.ids(facts), referenceIds(workload.rules, facts))
    }
    const frames = workload.events.map((facts) => frameOf(facts))
    return { count, compileMs, run: () => timedFrames(workload.events, frames, 300_000, ours.count) }
  })
  const times = interleavedSync(measured.map(({ count, run }) => ({ name: String(count), run })))
  const figures = measured.map(({ count, compileMs }) => [
    [`${count} indexed rules, frame to hits, ns`, figure(times, String(count))],
    [`${count} indexed rules, compiled with traces in, ms`, compileMs],
  ])
  return {
    ratios: {
      '2,500 indexed rules: cost over 20 rules (goal <= 200)': ratio(times, (round) => round['2500'] ?? 0, '20'),
    },
    figures: Object.fromEntries(figures.flat()),
  }
}

/** 834 event types of 12 rules, against the 12 rules of one type alone. */
function compareTypes(): Part {
  const { rules, events } = channelWorkload(12 * 834)
  const sets = new Map<string, ReturnType<typeof ruleSet>>()
  for (let type = 0; type < 834; type++) {
    sets.set(`type-${type}`, ruleSet(rules.slice(type * 12, type * 12 + 12).map(celOf)))
  }
  const alone = ruleSet(rules.slice(0, 12).map(celOf))
  const frames = events.map((facts) => frameOf(facts))
  const hits = new Int32Array(12)
  const one = (frame: Float64Array, facts: Facts) => alone.evaluate(frame, frame, facts, hits)
  const through = (type: string) => (frame: Float64Array, facts: Facts) =>
    sets.get(type)?.evaluate(frame, frame, facts, hits) ?? 0
  const types = [...sets.keys()]
  let turn = 0
  const rotating = (frame: Float64Array, facts: Facts) => {
    turn = turn === 833 ? 0 : turn + 1
    return sets.get(types[turn] ?? '')?.evaluate(frame, frame, facts, hits) ?? 0
  }
  const times = interleavedSync([
    { name: 'alone', run: () => timedFrames(events, frames, 500_000, one) },
    { name: 'typed', run: () => timedFrames(events, frames, 500_000, through('type-0')) },
    { name: 'rotating', run: () => timedFrames(events, frames, 500_000, rotating) },
  ])
  return {
    ratios: {
      '10,008 rules, 12 of the event type: cost over 12 rules (goal <= 2)': ratio(
        times,
        (t) => t['typed'] ?? 0,
        'alone',
      ),
    },
    figures: {
      '12 rules alone, ns': figure(times, 'alone'),
      '12 of 10,008 rules by event type, ns': figure(times, 'typed'),
      '12 of 10,008 rules, another type each time, ns': figure(times, 'rotating'),
    },
  }
}

type Times = Readonly<Record<string, number>>

/** Rounds of all contenders in turn, forwards and backwards; the first is warm-up and dropped. */
async function interleaved(contenders: readonly Contender[]): Promise<readonly Times[]> {
  const all: Times[] = []
  for (let round = 0; round <= rounds; round++) {
    const times: Record<string, number> = {}
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    for (const { name, run } of order) times[name] = await run()
    if (round > 0) all.push(times)
  }
  return all
}

function interleavedSync(
  contenders: readonly { readonly name: string; readonly run: () => number }[],
): readonly Times[] {
  const all: Times[] = []
  for (let round = 0; round <= rounds; round++) {
    const order = round % 2 === 0 ? contenders : contenders.toReversed()
    const times = Object.fromEntries(order.map(({ name, run }) => [name, run()]))
    if (round > 0) all.push(times)
  }
  return all
}

/** Median over the rounds of the ratio within each round. */
function ratio(times: readonly Times[], dividend: (round: Times) => number, divisor: string): number {
  return median(times.map((round) => dividend(round) / (round[divisor] ?? Number.NaN)))
}

function figure(times: readonly Times[], name: string): number {
  return median(times.map((round) => round[name] ?? Number.NaN))
}

let sink = 0

/** Nanoseconds a call, over the events in turn. */
function timed(events: readonly Facts[], calls: number, run: (facts: Facts) => { readonly length: number }): number {
  const started = performance.now()
  for (let i = 0; i < calls; i++) sink += run(events[i % events.length] ?? {}).length
  return ((performance.now() - started) * 1e6) / calls
}

function timedFrames(
  events: readonly Facts[],
  frames: readonly Float64Array[],
  calls: number,
  run: (frame: Float64Array, facts: Facts) => number,
): number {
  const empty = new Float64Array()
  const started = performance.now()
  for (let i = 0; i < calls; i++) {
    const at = i & (events.length - 1)
    sink += run(frames[at] ?? empty, events[at] ?? {})
  }
  return ((performance.now() - started) * 1e6) / calls
}

async function timedAsync(
  events: readonly Facts[],
  calls: number,
  inFlight: number,
  run: (facts: Facts) => Promise<readonly string[]>,
): Promise<number> {
  const started = performance.now()
  for (let i = 0; i < calls; i += inFlight) {
    const batch = Array.from({ length: inFlight }, (_, j) => run(events[(i + j) % events.length] ?? {}))
    for (const ids of await Promise.all(batch)) sink += ids.length
  }
  return ((performance.now() - started) * 1e6) / calls
}

async function checkAnswers(
  name: string,
  rules: readonly BenchRule[],
  events: readonly Facts[],
  engine: (facts: Facts) => Promise<readonly string[]> | readonly string[],
): Promise<void> {
  for (const facts of events.slice(0, 512)) same(name, await engine(facts), referenceIds(rules, facts))
}

function same(name: string, found: readonly string[], expected: readonly string[]): void {
  const sorted = (ids: readonly string[]) => [...ids].sort().join(' ')
  if (sorted(found) !== sorted(expected))
    throw new Error(`${name} answers ${sorted(found)} where ${sorted(expected)} hold`)
}

function frameOf(facts: Facts): Float64Array {
  const frame = new Float64Array(frameNames.length)
  fillFrame(frame, facts)
  return frame
}

if (process.argv[1] !== undefined && import.meta.filename === process.argv[1]) {
  printResult(await benchRules())
  // Keeps the timed calls from being optimised away.
  if (sink < 0) process.stdout.write(`${sink}\n`)
}
