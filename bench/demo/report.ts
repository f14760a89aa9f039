/** What the demo came to: figures, checks and stories; the object that `--json` prints. */
import type { StoryBook } from '../workload/story-book.ts'
import type { HistoryAnswers } from './history-answers.ts'
import type { LatencyMs } from './latency.ts'
import type { Counts, TallyView } from './tally.ts'

/** A statement about the run that has to hold. */
export type Check = { readonly text: string; readonly holds: boolean }

/** Everything that was counted, by whom it was counted. */
export type Findings = {
  readonly seed: number
  /** Wall seconds of the whole run and of the day. */
  readonly seconds: { readonly total: number; readonly day: number }
  readonly sent: number
  /** By the intake: what it took in, and what it refused at the door. */
  readonly received: number
  readonly refusedAtTheDoor: number
  /** By the shards, committed. */
  readonly totals: {
    readonly accepted: number
    readonly duplicates: number
    readonly deadLettered: number
    readonly decisions: number
  }
  /** Kept with their bytes, by reason. */
  readonly deadLetters: Counts
  readonly requests: { readonly asked: number; readonly answered: number }
  /** From the decisions log. */
  readonly tally: TallyView
  readonly decisionsHash: string
  readonly packHash: string
  readonly latency: { readonly all: LatencyMs; readonly events: LatencyMs; readonly requests: LatencyMs }
  readonly history: HistoryAnswers
  readonly verdicts: ReturnType<StoryBook['verdicts']>
  /** Id of a decision in which a guardrail stopped an offer to a customer of a story, to explore; null: there is none. */
  readonly example: string | null
}

/** The checks of a run. All hold when nothing was lost and nothing counted twice. */
export function checksOf(found: Findings): readonly Check[] {
  const { totals, tally, history } = found
  const deadLettered = found.refusedAtTheDoor + totals.deadLettered
  const kept = found.deadLetters.reduce((sum, [, count]) => sum + count, 0)
  const checks = [
    { text: 'all that was sent was received', holds: found.sent === found.received },
    {
      text: 'received = accepted + duplicates + dead letters',
      holds: found.received === totals.accepted + totals.duplicates + deadLettered,
    },
    { text: 'every dead letter is kept with its bytes', holds: kept === deadLettered },
    { text: 'every decision that was committed was published', holds: tally.decisions === totals.decisions },
    { text: 'every request was answered', holds: found.requests.asked === found.requests.answered },
  ]
  if (history.kind === 'absent') return checks
  const same = JSON.stringify(history.stops) === JSON.stringify(tally.byGuardrail.slice(0, history.stops.length))
  return [
    ...checks,
    { text: 'SQL counts the same decisions', holds: history.decisions === tally.decisions },
    { text: 'SQL counts the same stops', holds: same },
    { text: 'SQL finds no decision that the rules forbade', holds: history.forbidden === 0 },
  ]
}

/** Whether every check holds and every story ended as told. */
export function isGood(found: Findings): boolean {
  return checksOf(found).every((check) => check.holds) && found.verdicts.every(({ flaws }) => flaws.length === 0)
}

/** The object for machines. Latencies are wall milliseconds from the intended start; counts are of the whole run. */
export function reportJson(found: Findings): Readonly<Record<string, unknown>> {
  const { totals, tally, latency, history } = found
  return {
    name: 'demo',
    seed: found.seed,
    seconds: found.seconds,
    sent: found.sent,
    received: found.received,
    accepted: totals.accepted,
    duplicates: totals.duplicates,
    deadLettered: found.refusedAtTheDoor + totals.deadLettered,
    deadLetters: Object.fromEntries(found.deadLetters),
    requests: found.requests.answered,
    decisions: tally.decisions,
    byOutcome: tally.byOutcome,
    byOffer: Object.fromEntries(tally.byOffer),
    stoppedBy: Object.fromEntries(tally.byGuardrail),
    stoppedByCap: Object.fromEntries(tally.byCap),
    takenBack: Object.fromEntries(tally.byRecall),
    quietHours: tally.quiet,
    latencyMs: latency.all,
    eventLatencyMs: latency.events,
    requestLatencyMs: latency.requests,
    packHash: found.packHash,
    decisionsHash: found.decisionsHash,
    history:
      history.kind === 'answered'
        ? { decisions: history.decisions, forbidden: history.forbidden }
        : { absent: history.why },
    stories: Object.fromEntries(found.verdicts.map(({ story, flaws }) => [story.id, flaws])),
    checks: Object.fromEntries(checksOf(found).map(({ text, holds }) => [text, holds])),
    ok: isGood(found),
  }
}
