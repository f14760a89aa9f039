import { setTimeout as sleep } from 'node:timers/promises'
import type { Lateness } from './generator.ts'
import type { Load } from './load.ts'
import { quantile, type Recorder, type Stage } from './recorder.ts'
import type { Receiver } from './wire.ts'

/** Share of a run, by order of release, that warms it in and is not counted. */
export const warmShare = 0.2

export type Quantiles = { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }

/** A finished run at a rate; milliseconds. */
export type Run = {
  readonly lateness: Lateness
  readonly released: number
  /** Whether everything was released soon after the last event was due, and the wait did not grow. */
  readonly sustained: boolean
  readonly stages: Readonly<Record<Stage, Quantiles>>
}

/** A backlog of so many seconds of the rate ends a run early: it will not catch up. */
const giveUpSeconds = 0.5
const settleMs = 20_000

/** Sends `seconds` at `rate` to a receiver and waits until everything is released. */
export async function runAtRate(
  load: Load,
  receiver: Receiver,
  recorder: Recorder,
  order: { readonly rate: number; readonly seconds: number; readonly giveUp: boolean },
): Promise<Run> {
  const { rate, seconds } = order
  const tooFar = (): boolean => order.giveUp && recorder.waiting > rate * giveUpSeconds
  const lateness = await load.run({ rate, events: Math.round(rate * seconds) }, receiver, tooFar)
  const whole = lateness.sent >= Math.round(rate * seconds)
  const sentAt = performance.now()
  while (recorder.count < lateness.sent && performance.now() - sentAt < settleMs) await sleep(2)
  const drainMs = performance.now() - sentAt
  const stages: Record<Stage, Quantiles> = {
    total: quantilesOf(recorder, 'total'),
    arrival: quantilesOf(recorder, 'arrival'),
    append: quantilesOf(recorder, 'append'),
    shard: quantilesOf(recorder, 'shard'),
  }
  const sustained = whole && recorder.count === lateness.sent && drainMs < 250 && !grows(recorder)
  return { lateness, released: recorder.count, sustained, stages }
}

function quantilesOf(recorder: Recorder, stage: Stage): Quantiles {
  const sorted = recorder.sorted(stage, warmShare)
  return {
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    p999: quantile(sorted, 0.999),
    max: quantile(sorted, 1),
  }
}

/** Whether the typical wait of the last third is far above that of the middle third. */
function grows(recorder: Recorder): boolean {
  const middle = quantile(recorder.sorted('total', 1 / 3, 2 / 3), 0.5)
  const last = quantile(recorder.sorted('total', 2 / 3, 1), 0.5)
  return last > 2 * middle + 5
}
