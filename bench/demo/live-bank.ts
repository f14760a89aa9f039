/** Lives what came before and the day itself, with everybody who looks on. */
import { performance } from 'node:perf_hooks'
import type { EventClock } from '../../engine/clock.ts'
import type { Engine } from '../../engine/compose.ts'
import type { Bank } from '../workload/bank.ts'
import { openStoryBook, type StoryBook } from '../workload/story-book.ts'
import { followDecisions } from './follow-decisions.ts'
import { createLatencyMeter, type LatencyMeter } from './latency.ts'
import { liveDay } from './live-day.ts'
import { createStoryTeller, type StoryTeller } from './story-teller.ts'
import { playHistory } from './submit-moments.ts'
import { createTally, type Tally } from './tally.ts'
import type { Terminal } from './terminal.ts'
import { whole, wrap } from './text-lines.ts'
import { watch } from './watch.ts'

export type LiveOptions = {
  readonly engine: Engine
  readonly bank: Bank
  readonly clock: EventClock
  readonly dayStartMs: number
  /** Wall time of the day. */
  readonly seconds: number
  readonly terminal: Terminal
  readonly signal: AbortSignal
}

/** What was seen. */
export type Lived = {
  readonly tally: Tally
  readonly book: StoryBook
  readonly meter: LatencyMeter
  readonly requests: { asked: number; answered: number }
  /** Wall seconds from the first event of the day until its last decision was published. */
  readonly daySeconds: number
  /** A decision in which a guardrail stopped an offer to a customer of a story. */
  readonly example: string | null
}

type Onlookers = Omit<Lived, 'daySeconds' | 'example'> & { readonly teller: StoryTeller }

/** How long the history may take to catch up before the day begins. */
const historyWithinMs = 5_000

/**
 * Lives the bank from its history to midnight; everything is committed and published when it resolves.
 * @returns null when the signal ended it early
 * @throws errors with a `code` when the engine fails
 */
export async function liveBank(options: LiveOptions): Promise<Lived | null> {
  const { engine, bank, terminal, signal, seconds } = options
  const told = await livePast(options)
  if (signal.aborted) return null
  const stories = `${bank.stories.length} stories to follow among ${whole(bank.events - told)} events.`
  terminal.print(wrap(`The day: 24 hours in ${seconds} seconds. ${stories}`, terminal.width()))
  const onlookers: Onlookers = {
    tally: createTally(),
    book: openStoryBook(bank.stories),
    meter: createLatencyMeter(),
    requests: { asked: 0, answered: 0 },
    teller: createStoryTeller(bank.stories, engine.installation.pack.loaded.model, terminal.paint),
  }
  const seen = await liveWatched(options, onlookers)
  return signal.aborted ? null : { ...onlookers, ...seen }
}

/** Returns how many events there were. */
async function livePast({ engine, bank, terminal, signal }: LiveOptions): Promise<number> {
  const began = performance.now()
  terminal.panel([terminal.paint('dim', 'playing what happened before the day ...')])
  const told = await playHistory(engine, bank.history(), signal)
  // The day begins when this is also in the history: catching up would take the processor from it.
  if (!signal.aborted) await engine.history?.flush(historyWithinMs)
  terminal.panel([])
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const what = 'events of the last months, who the customers are and what they did'
  if (!signal.aborted)
    terminal.print(wrap(`Before the day: ${whole(told)} ${what}, in ${seconds} s.`, terminal.width()))
  return told
}

async function liveWatched(options: LiveOptions, onlookers: Onlookers): Promise<Pick<Lived, 'daySeconds' | 'example'>> {
  const { engine, bank, clock, dayStartMs } = options
  const { tally, book, teller } = onlookers
  let example: string | null = null
  const follower = followDecisions(engine.decisions, (decision) => {
    const stopped = decision.outcome === 'none' && decision.fates.some((fate) => fate.stage === 'guardrail')
    if (stopped && book.storyOf(decision.customerId) !== undefined) example ??= decision.id
    tally.add(decision)
    book.decided(decision)
    teller.decided(decision)
  })
  const { zone } = engine.installation.pack.loaded.model
  const { terminal } = options
  const began = performance.now()
  const watching = watch({ ...onlookers, engine, clock, zone, dayStartMs, expected: bank.events, follower, terminal })
  // A watch that fails ends the day, too.
  const failed = new AbortController()
  watching.running.catch(() => failed.abort())
  try {
    await liveAll({ ...options, signal: AbortSignal.any([options.signal, failed.signal]) }, onlookers)
  } catch (cause) {
    await watching.finish().catch(() => undefined)
    throw cause
  }
  const daySeconds = (performance.now() - began) / 1000
  await watching.finish()
  return { daySeconds, example }
}

async function liveAll(options: LiveOptions, { book, meter, teller, requests }: Onlookers): Promise<void> {
  const { engine, bank, clock, dayStartMs, seconds, signal } = options
  await liveDay({
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
  if (!signal.aborted) await engine.shards.drained()
}
