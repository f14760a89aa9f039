/** The separate stalls behind a tail: a p99 that rests on three of them is not a distribution. */
import type { Recorder, Sample } from './recorder.ts'
import type { TimeLine } from './time-line.ts'

export type Stall = {
  /** From the oldest schedule to the last release of its slow events, ms of the shared clock. */
  readonly from: number
  readonly to: number
  readonly events: number
  readonly worst: Sample
}

/** Slow events that lie further apart than this are of different stalls. */
const gapMs = 5

/**
 * Groups the events slower than `thresholdMs`.
 * @param share part of the run, by order of release, that is left out at its start
 */
export function findStalls(recorder: Recorder, thresholdMs: number, share: number): readonly Stall[] {
  const stalls: Stall[] = []
  let open: Stall | null = null
  for (let n = Math.floor(recorder.count * share); n < recorder.count; n++) {
    const sample = recorder.sample(n)
    if (sample.total <= thresholdMs) continue
    const to = sample.scheduledAt + sample.total
    if (open !== null && sample.scheduledAt <= open.to + gapMs) {
      open = {
        from: Math.min(open.from, sample.scheduledAt),
        to: Math.max(open.to, to),
        events: open.events + 1,
        worst: sample.total > open.worst.total ? sample : open.worst,
      }
    } else {
      if (open !== null) stalls.push(open)
      open = { from: sample.scheduledAt, to, events: 1, worst: sample }
    }
  }
  if (open !== null) stalls.push(open)
  return stalls
}

/** A stall in words: where its worst event waited, and what happened meanwhile. */
export function describeStall(stall: Stall, line: TimeLine): string {
  const { worst, events, from, to } = stall
  const stages = [
    { name: 'before the main thread had it', ms: worst.arrival },
    { name: 'in the log append', ms: worst.append },
    { name: 'in the shard', ms: worst.shard },
  ].sort((a, b) => b.ms - a.ms)
  const longest = stages[0]
  const parts = [`${worst.total.toFixed(1)} ms, ${events} slow events`]
  if (longest !== undefined) parts.push(`${longest.ms.toFixed(1)} ms ${longest.name}`)
  for (const where of ['main', 'worker'] as const) {
    const pauses = line.collections.filter(
      ({ at, ms, thread }) => at < to && at + ms > from && (thread === 0) === (where === 'main'),
    )
    const sum = pauses.reduce((total, { ms }) => total + ms, 0)
    if (sum < 0.5) continue
    const kinds = [...new Set(pauses.map(({ kind }) => kind))].join(' and ')
    parts.push(`${where} collected ${sum.toFixed(1)} ms (${kinds})`)
  }
  const batches = batchesBetween(line, from, to)
  if (batches.commitMs > 0) {
    parts.push(
      `longest commit ${batches.commitMs.toFixed(1)} ms, step ${batches.stepMs.toFixed(1)} ms, batch ${batches.events}`,
    )
  }
  return parts.join('; ')
}

function batchesBetween(
  line: TimeLine,
  from: number,
  to: number,
): { commitMs: number; stepMs: number; events: number } {
  const most = { commitMs: 0, stepMs: 0, events: 0 }
  for (let i = 0; i < line.batchCount; i++) {
    const { at, commitMs, stepMs, events } = line.batchAt(i)
    if (at < from || at > to + 1) continue
    most.commitMs = Math.max(most.commitMs, commitMs)
    most.stepMs = Math.max(most.stepMs, stepMs)
    most.events = Math.max(most.events, events)
  }
  return most
}
