/**
 * Lives a simulated day at a fixed pace. The plan is open: each slice of the day has an intended instant of wall time, whatever
 * the engine does. A slice that the engine is too slow for begins late, and the lateness is part of every latency measured.
 */
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventClock } from '../../engine/clock.ts'
import type { Engine } from '../../engine/compose.ts'
import type { Applied, DecisionAnswer } from '../../engine/shard/shards.ts'
import type { EventMoment, Moment, RawMoment, RequestMoment } from '../workload/moment.ts'
import { planDay, type Slice, slicesOf } from './day-plan.ts'
import type { LatencyMeter } from './latency.ts'
import { type Handed, submitMoments } from './submit-moments.ts'

export type DayOptions = {
  readonly engine: Pick<Engine, 'intake' | 'shards'>
  readonly clock: EventClock
  readonly moments: Iterable<Moment>
  readonly startMs: number
  /** Wall time of the whole day, milliseconds. */
  readonly wallMs: number
  readonly meter: LatencyMeter
  readonly signal: AbortSignal
  /** The moments whose fate is told one by one. */
  readonly isFollowed: (moment: Moment) => boolean
  readonly onSlice: (slice: Slice) => void
  /** A followed event or broken bytes: what became of it. Called before the requests of its slice are answered. */
  readonly onArrived: (moment: EventMoment | RawMoment, handed: Handed, applied: Applied) => void
  /** Any request: its answer. */
  readonly onAnswered: (moment: RequestMoment, answer: DecisionAnswer) => void
}

/** So long a commit or an answer may take before the engine counts as stuck, wall milliseconds. */
const stuckAfterMs = 60_000

/** The engine did not commit what was appended. */
export class DemoStuckError extends Error {
  readonly code = 'demo_stuck'
}

/**
 * Lives the day: in each slice everything that arrives is sent at once at the intended instant of the slice and is committed
 * before its requests are asked, half its wall time later; these are answered before the next slice begins. So the decisions do not
 * depend on how fast the machine is. Ends early, between two slices, when the signal aborts.
 *
 * Measured: an event until the last event of its slice and partition is known to be committed (never less than its own
 * commit), a request until its answer, both from their intended instant.
 * @throws DemoStuckError, LogError
 */
export async function liveDay(options: DayOptions): Promise<void> {
  const { moments, startMs, wallMs, signal } = options
  const began = performance.now()
  for (const slice of slicesOf(moments, planDay(startMs, wallMs))) {
    const intended = began + slice.wallAtMs
    await until(intended, signal)
    if (signal.aborted) return
    options.clock.advance(slice.startMs)
    options.onSlice(slice)
    await arrive(options, slice, intended)
    options.clock.advance(slice.endMs)
    const intendedAsk = intended + slice.wallMs / 2
    if (slice.requests.length > 0) await until(intendedAsk, signal)
    if (signal.aborted) return
    await ask(options, slice, intendedAsk)
  }
  await until(began + wallMs, signal)
}

async function until(instant: number, signal: AbortSignal): Promise<void> {
  const left = instant - performance.now()
  if (left > 0.5) await sleep(left, undefined, { signal }).catch(() => undefined)
}

async function arrive(options: DayOptions, slice: Slice, intended: number): Promise<void> {
  const { engine, meter, clock, isFollowed } = options
  const handed = await submitMoments(engine, slice.arriving)
  const last = new Map<number, { offset: number; count: number }>()
  for (const one of handed) {
    if (one.kind === 'rejected') continue
    const { partition, offset } = one.position
    const known = last.get(partition)
    if (known === undefined) last.set(partition, { offset, count: 1 })
    else {
      known.offset = Math.max(known.offset, offset)
      known.count++
    }
  }
  const deadlineAt = clock.now() + stuckAfterMs
  const commits = Array.from(last, async ([partition, { offset, count }]) => {
    if ((await engine.shards.applied({ partition, offset }, deadlineAt)) === null) throw stuck('an event')
    meter.events(performance.now() - intended, count)
  })
  const followed = slice.arriving.flatMap((moment, i) => {
    const fate = handed[i]
    assert(fate !== undefined, 'one answer for each moment')
    return isFollowed(moment) ? [{ moment, fate, applied: appliedOf(options, fate, deadlineAt) }] : []
  })
  await Promise.all(commits)
  for (const { moment, fate, applied } of followed) options.onArrived(moment, fate, await applied)
}

async function appliedOf({ engine }: DayOptions, fate: Handed, deadlineAt: number): Promise<Applied> {
  if (fate.kind === 'rejected') return fate.reason
  const applied = await engine.shards.applied(fate.position, deadlineAt)
  if (applied === null) throw stuck('an event')
  return applied
}

async function ask({ engine, clock, meter, onAnswered }: DayOptions, slice: Slice, intended: number): Promise<void> {
  const deadlineAt = clock.now() + stuckAfterMs
  const answers = slice.requests.map(async ({ customerId, placement, requestId, count }) => {
    const answer = await engine.shards.decide({ customerId, placement, requestId, count, deadlineAt, after: null })
    meter.request(performance.now() - intended)
    return answer
  })
  const given = await Promise.all(answers)
  slice.requests.forEach((moment, i) => {
    const answer = given[i]
    assert(answer !== undefined, 'one answer for each request')
    onAnswered(moment, answer)
  })
}

function stuck(what: string): DemoStuckError {
  return new DemoStuckError(`The engine did not commit ${what} within ${stuckAfterMs / 1000} seconds.`)
}
