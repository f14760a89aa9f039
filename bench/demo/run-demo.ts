/** The demo from an empty directory to the last check. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { type EventClock, eventClock } from '../../engine/clock.ts'
import { type Engine, startEngine } from '../../engine/compose.ts'
import { type Config, readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'
import { type Bank, createBank } from '../workload/bank.ts'
import { openStoryBook, type StoryBook } from '../workload/story-book.ts'
import { followDecisions } from './follow-decisions.ts'
import { askHistory, type HistoryAnswers } from './history-answers.ts'
import { createLatencyMeter } from './latency.ts'
import { liveDay } from './live-day.ts'
import type { DemoOptions } from './options.ts'
import type { Findings } from './report.ts'
import { createStoryTeller } from './story-teller.ts'
import { playHistory } from './submit-moments.ts'
import { summary } from './summary.ts'
import { createTally, type Tally } from './tally.ts'
import type { Terminal } from './terminal.ts'
import { whole, wrap } from './text-lines.ts'
import { watch } from './watch.ts'

/** A Tuesday, pay day; midnight in the zone of the sample pack. */
const dayStartMs = Date.parse('2026-03-10T00:00:00+08:00')
/** Customers without a story. */
const customersOf = (events: number): number => Math.min(1_000_000, Math.max(100, Math.round(events / 8)))
/** How long the history may take to catch up before the day, and after it. */
const historyFirstWithinMs = 5_000
const historyWithinMs = 15_000

/**
 * Lives the day in an empty data directory, tells the stories on the terminal and ends with the summary.
 * @returns what was found; null when the signal ended it early
 * @throws errors with a `code` when the engine cannot start or run
 */
export async function runDemo(
  options: DemoOptions,
  dataDir: string,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<Findings | null> {
  const began = performance.now()
  const { seed, seconds } = options
  const { paint } = terminal
  terminal.print([
    paint('bold', "proffer: a synthetic bank's day through the real engine"),
    ...wrap(
      'Every event goes through the durable log, the features and rules of its customer, the guardrails and the commit before a decision leaves.',
      terminal.width(),
    ).map((line) => paint('dim', line)),
    '',
  ])
  const bank = createBank({ seed, customers: customersOf(options.events), dayStartMs, events: options.events })
  const clock = eventClock(bank.completeSinceMs)
  const engine = await startEngine({
    config: configOf(dataDir),
    clock,
    completeSince: bank.completeSinceMs,
    // So that the ids of decisions, which are hashed with it, repeat.
    salt: hash('sha256', `proffer demo ${seed}`).slice(0, 32),
    serve: null,
    history: options.history,
    logger: createLogger('silent', 'stderr'),
  })
  try {
    const lived = await live({ engine, bank, clock, seconds, terminal, signal })
    if (lived === null) return null
    const history = await asked(engine, options, terminal)
    const found = await findings(lived, { engine, bank, seed, history, began })
    terminal.print(summary(found, engine.installation.pack.loaded.model, terminal.width(), terminal.paint))
    return signal.aborted ? null : found
  } finally {
    await engine.stop()
  }
}

type Stage = {
  readonly engine: Engine
  readonly bank: Bank
  readonly clock: EventClock
  readonly seconds: number
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

type Lived = {
  readonly tally: Tally
  readonly book: StoryBook
  readonly latency: Findings['latency']
  readonly daySeconds: number
  readonly requests: { asked: number; answered: number }
  readonly example: string | null
}

/** What came before, then the day; null when the signal ended it early. */
async function live({ engine, bank, clock, seconds, terminal, signal }: Stage): Promise<Lived | null> {
  const { model } = engine.installation.pack.loaded
  const say = (text: string): void => terminal.print(wrap(text, terminal.width()))
  const tally = createTally()
  const meter = createLatencyMeter()
  const book = openStoryBook(bank.stories)
  const teller = createStoryTeller(bank.stories, model, terminal.paint)
  const requests = { asked: 0, answered: 0 }
  let example: string | null = null
  const follower = followDecisions(engine.decisions, (decision) => {
    const stopped = decision.outcome === 'none' && decision.fates.some((fate) => fate.stage === 'guardrail')
    if (stopped && book.storyOf(decision.customerId) !== undefined) example ??= decision.id
    tally.add(decision)
    book.decided(decision)
    teller.decided(decision)
  })

  terminal.panel([terminal.paint('dim', 'playing what happened before the day ...')])
  const played = performance.now()
  const told = await playHistory(engine, bank.history(), signal)
  if (signal.aborted) return null
  // The day begins when what came before is also in the history: catching up would take the cores from it.
  await engine.history?.flush(historyFirstWithinMs)
  terminal.panel([])
  const playedSeconds = ((performance.now() - played) / 1000).toFixed(1)
  say(
    `Before the day: ${whole(told)} events of the last months, who the customers are and what they did, in ${playedSeconds} s.`,
  )
  say(
    `The day: 24 hours in ${seconds} seconds. ${bank.stories.length} stories to follow among ${whole(bank.events - told)} events.`,
  )

  const { zone } = model
  const watching = watch({
    engine,
    clock,
    zone,
    dayStartMs,
    expected: bank.events,
    follower,
    tally,
    teller,
    meter,
    terminal,
  })
  const dayBegan = performance.now()
  const day = liveDay({
    engine,
    clock,
    moments: bank.day(),
    startMs: dayStartMs,
    wallMs: seconds * 1000,
    meter,
    signal,
    isFollowed: (moment) => teller.isTold(moment),
    onSlice: (slice) => {
      requests.asked += slice.requests.length
    },
    onArrived: (moment, handed, applied) => {
      teller.arrived(moment, handed, applied)
      if (moment.kind === 'event' && applied !== 'accepted' && applied !== 'duplicate')
        book.setAside(moment.event.id, applied)
    },
    onAnswered: (moment, { decision }) => {
      requests.answered++
      if (teller.isTold(moment)) teller.answered(moment, decision)
    },
  })
  await Promise.race([day, watching.running.then(() => day)])
  if (!signal.aborted) await engine.shards.drained()
  const daySeconds = (performance.now() - dayBegan) / 1000
  await watching.finish()
  return signal.aborted ? null : { tally, book, latency: meter.figures(), daySeconds, requests, example }
}

async function asked(engine: Engine, options: DemoOptions, terminal: Terminal): Promise<HistoryAnswers> {
  if (!options.history) return { kind: 'absent', why: 'History is off (--no-history).' }
  if (engine.history === null) return { kind: 'absent', why: engine.historyOff }
  terminal.panel([terminal.paint('dim', 'copying the last rows to ClickHouse ...')])
  const answers = await askHistory(engine.history, historyWithinMs)
  terminal.panel([])
  return answers
}

async function findings(
  { tally, book, latency, daySeconds, requests, example }: Lived,
  rest: { engine: Engine; bank: Bank; seed: number; history: HistoryAnswers; began: number },
): Promise<Findings> {
  const { engine, bank, seed, history, began } = rest
  const { received, rejected } = engine.intake.counters()
  const { byReason } = await engine.deadLetters.counts()
  return {
    seed,
    seconds: { total: rounded((performance.now() - began) / 1000), day: rounded(daySeconds) },
    sent: bank.events,
    received,
    refusedAtTheDoor: Object.values(rejected).reduce((sum, count) => sum + count, 0),
    totals: await engine.shards.totals(),
    deadLetters: Object.entries(byReason).toSorted(([a], [b]) => (a < b ? -1 : 1)),
    requests,
    tally: tally.view(),
    decisionsHash: tally.hash(),
    packHash: engine.installation.pack.loaded.hash,
    latency,
    history,
    verdicts: book.verdicts(),
    example,
  }
}

function rounded(seconds: number): number {
  return Math.round(seconds * 10) / 10
}

/** Settings of the demo's own, whatever the environment says. The log keeps a year: the stories reach back months. */
function configOf(dataDir: string): Config {
  const read = readConfig({
    DATA_DIR: dataDir,
    PACK: fileURLToPath(new URL('../../rules/packs/retail-bank', import.meta.url)),
    LOG_RETENTION_HOURS: '8760',
    LOG_LEVEL: 'silent',
  })
  assert(read.kind === 'ok', 'the settings of the demo are valid')
  return read.config
}
