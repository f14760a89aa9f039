/** The demo from an empty directory to the last check. */
import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { eventClock } from '../../engine/clock.ts'
import { type Engine, startEngine } from '../../engine/compose.ts'
import { type Config, readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'
import { type Bank, createBank } from '../workload/bank.ts'
import { askHistory, type HistoryAnswers } from './history-answers.ts'
import { type Lived, liveBank } from './live-bank.ts'
import type { DemoOptions } from './options.ts'
import type { Findings } from './report.ts'
import { summary } from './summary.ts'
import type { Terminal } from './terminal.ts'
import { wrap } from './text-lines.ts'

/** A Tuesday, pay day; midnight in the zone of the sample pack. */
const dayStartMs = Date.parse('2026-03-10T00:00:00+08:00')
/** Customers without a story. */
const customersOf = (events: number): number => Math.min(1_000_000, Math.max(100, Math.round(events / 8)))
/** How long the history may take to catch up at the end. */
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
    const lived = await liveBank({ engine, bank, clock, dayStartMs, seconds, terminal, signal })
    if (lived === null) return null
    const history = await asked(engine, options, terminal)
    const found = await findings(lived, { engine, bank, seed, history, began })
    terminal.print(summary(found, engine.installation.pack.loaded.model, terminal.width(), terminal.paint))
    return signal.aborted ? null : found
  } finally {
    await engine.stop()
  }
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
  { tally, book, meter, daySeconds, requests, example }: Lived,
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
    latency: meter.figures(),
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
