/** What commits were made from, as records of the batches log. */

import type { Batch, BatchSeries, BatchStep } from '../../sinks/batch.ts'
import { encodeBatch } from '../../sinks/batch-codec.ts'
import type { Owned } from './owned-partition.ts'
import type { FillPlan } from './shard-fills.ts'
import type { BatchTask, FillStep } from './shard-port.ts'
import type { SteppedBatch } from './step-batch.ts'

/** Bytes of waiting steps that make the batch that meets them commit, so that a record fits a message of a broker. */
export const stepBytesMax = 384 * 1024
/** Most bytes of a step and of a request of it beside their texts. */
const stepHeadBytes = 48
const requestHeadBytes = 8

/** What a commit outside of a step did. */
export type Changed = Pick<Batch, 'kind'> & Partial<Pick<Batch, 'adopted' | 'filled'>>

type FillPlanned = Extract<FillPlan, { kind: 'planned' }>

/** Keeps a step that changed nothing until a commit tells it. */
export function keepStep(part: Owned, step: BatchStep, series: BatchSeries): void {
  if (step.requests.length === 0) return
  part.steps.push(toldStep(part, step, series))
  part.stepBytes += stepHeadBytes
  for (const { customerId, requestId, placement } of step.requests)
    part.stepBytes += requestHeadBytes + customerId.length + requestId.length + placement.length
}

/** The step, with what is known of series when that was not said before. */
function toldStep(part: Owned, step: BatchStep, series: BatchSeries): BatchStep {
  if (part.toldSeries === series) return step
  part.toldSeries = series
  return { ...step, series }
}

/** A step of a backfill: which events of the log had entries to add, and to which series. */
export function fillChange(step: FillStep, { found, limits, at }: FillPlanned, number: number): Changed {
  const from = step.kind === 'set' ? at : step.at
  const offsets = found.events.map(({ offset }) => offset)
  return { kind: 'fill', filled: { number, from, to: at, offsets, limits: [...limits] } }
}

/** The record of a stepped batch, with the steps that waited for it. */
export function batchRecord(
  part: Owned,
  parts: {
    readonly task: BatchTask
    readonly stepped: SteppedBatch
    readonly step: BatchStep
    readonly series: BatchSeries
    readonly customersDue: readonly string[]
    readonly poisoned: ReadonlySet<number> | null
    readonly clock: 'wall' | 'event'
    /** The partition's clock behind the commit. */
    readonly now: number
  },
): Uint8Array {
  const { task, stepped, customersDue: due, poisoned, clock, now } = parts
  const { seq, next: from } = part.meta
  const { next, events } = stepped
  const isEmpty = task.requests.length + due.length === 0 && next === from
  const steps = withoutRepeats(isEmpty ? part.steps : [...part.steps, toldStep(part, parts.step, parts.series)])
  const fallbacks = [...part.waitingFallbacks, ...task.records.map((_, i) => part.waiting.length + i)]
  const decisions = part.waiting.length + task.records.length + stepped.decisions.length
  return encodeBatch({
    partition: task.partition,
    seq: seq + 1,
    prev: seq,
    kind: steps.length + decisions === 0 ? 'quiet' : 'step',
    clock,
    now,
    from,
    next,
    events,
    steps,
    due,
    poisoned: [...(poisoned ?? [])].filter((offset) => offset >= from && offset < next).sort((a, b) => a - b),
    decisions,
    fallbacks,
    adopted: [],
    filled: null,
  })
}

/** The record of a commit outside of a step, with the steps that waited for it: they were before it. */
export function changeRecord(
  part: Owned,
  parts: {
    readonly partition: number
    readonly to: number
    readonly clock: 'wall' | 'event'
    readonly now: number
    readonly next: number
    readonly changed: Changed
  },
): Uint8Array {
  const { partition, to, clock, now, next, changed } = parts
  return encodeBatch({
    ...{ partition, seq: to, prev: part.meta.seq, clock, now, from: part.meta.next, next, events: 0 },
    ...{ steps: withoutRepeats(part.steps), due: [], poisoned: [], adopted: [], filled: null, ...changed },
    ...{ decisions: part.waiting.length, fallbacks: part.waitingFallbacks },
  })
}

/** A form is said once in a record, where it begins. */
function withoutRepeats(steps: readonly BatchStep[]): readonly BatchStep[] {
  return steps.map((step, i) => (i > 0 && step.form === steps[i - 1]?.form ? { ...step, form: null } : step))
}
