import { encodeDecision } from '../../sinks/decision-codec.ts'
import type { Slot } from '../state/states.ts'
import type { StepContext } from '../step/step.ts'
import { stepEvent } from '../step/step-event.ts'
import { stepRequest } from '../step/step-request.ts'
import type { BatchTally } from './batch-tally.ts'
import type { CollectedBatch } from './collect-batch.ts'
import type { OutboxDeadLetter, OutboxDecision } from './outbox.ts'
import type { LiveAnswer, LiveInput } from './shard-port.ts'

/** What the steps of one batch gave, nothing of it committed yet. */
export type SteppedBatch = {
  readonly answers: readonly LiveAnswer[]
  readonly decisions: readonly OutboxDecision[]
  /** Ascending by offset. */
  readonly deadLetters: readonly OutboxDeadLetter[]
  readonly duplicates: readonly number[]
  readonly accepted: number
  /** Whether an answer reserved something, so that it may leave only behind its commit. */
  readonly reserves: boolean
  /** The partition's clock after the batch. */
  readonly clock: number
}

/**
 * Steps the inputs of a batch, live requests first, then events in the order of the log. Changes the states in place.
 *
 * @param clocks `clock` is the partition's last `now`, behind which it never runs. `wallNow` is the clock's instant for the
 *   whole batch; null on an event clock, where each event has its append time
 */
export function stepBatch(
  context: StepContext,
  slots: ReadonlyMap<string, Slot>,
  requests: readonly LiveInput[],
  batch: CollectedBatch,
  clocks: { readonly clock: number; readonly wallNow: number | null },
  tally: BatchTally,
): SteppedBatch {
  const { clock, wallNow } = clocks
  const answers: LiveAnswer[] = []
  const decisions: OutboxDecision[] = []
  const deadLetters = [...batch.deadLetters]
  const duplicates: number[] = []
  let accepted = 0
  let reserves = false
  let now = wallNow === null ? clock : Math.max(clock, wallNow)
  for (const { index, customerId, requestId, placement, count } of requests) {
    const outcome = stepRequest(context, slotOf(slots, customerId), { customerId, requestId, placement, count, now })
    if (outcome.reserves) reserves = true
    const bytes = encodeDecision(outcome.decision)
    answers.push({ index, decision: outcome.decision, bytes, committed: outcome.reserves })
    // The first answer left under this id already; a repeat with other instants would be a second content.
    if (outcome.repeats) continue
    decisions.push({ customerId, bytes })
    tally.add(outcome.decision)
  }
  for (const { event, offset, appendTime, bytes } of batch.events) {
    if (wallNow === null) now = Math.max(now, appendTime)
    const slot = slotOf(slots, event.customerId)
    const outcome = stepEvent(context, slot, { event, acceptedAt: appendTime, now })
    const { customerId } = event
    if (outcome.status === 'accepted') accepted++
    else if (outcome.status === 'duplicate') duplicates.push(offset)
    else {
      const { via } = event.provenance
      deadLetters.push({ offset, appendTime, reason: outcome.status, field: null, via, customerId, bytes })
    }
    for (const decision of outcome.decisions) {
      decisions.push({ customerId, bytes: encodeDecision(decision) })
      tally.add(decision)
    }
  }
  deadLetters.sort((a, b) => a.offset - b.offset)
  return { answers, decisions, deadLetters, duplicates, accepted, reserves, clock: now }
}

function slotOf(slots: ReadonlyMap<string, Slot>, customerId: string): Slot {
  const slot = slots.get(customerId)
  if (slot === undefined) throw new Error('every customer of a batch is loaded before it is stepped')
  return slot
}
