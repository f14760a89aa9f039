import type { Decoded } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import type { TakenUnits } from '../../sinks/batch.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Slot } from '../state/states.ts'
import { beginStock } from '../step/funnel/stock.ts'
import type { Settlement, StockInput } from '../step/funnel/stock-view.ts'
import type { StepContext } from '../step/step.ts'
import { stepEvent } from '../step/step-event.ts'
import { stepRequest } from '../step/step-request.ts'
import { stepTimer } from '../step/step-timer.ts'
import type { BatchTally } from './batch-tally.ts'
import { EventCursor } from './event-frame.ts'
import type { OutboxDeadLetter, OutboxDecision } from './outbox.ts'
import { recordRefusal } from './record-refusal.ts'
import type { WorkMark } from './rule-board.ts'
import type { BatchTask, LiveAnswer } from './shard-port.ts'
import { UnitsTaken } from './units-taken.ts'

/** What the steps of one batch gave, nothing of it committed yet. */
export type SteppedBatch = {
  readonly answers: LiveAnswer[]
  readonly decisions: OutboxDecision[]
  /** Ascending by offset. */
  readonly deadLetters: OutboxDeadLetter[]
  readonly duplicates: number[]
  /** What its decisions take of resources: to be reserved before the commit. */
  readonly claims: Claim[]
  /** What has to become of reserved units once the commit is applied. */
  readonly settlements: Settlement[]
  /** What its inputs took off what was left of resources, by place. */
  readonly taken: readonly TakenUnits[]
  accepted: number
  /** Records taken, whatever became of them. Offsets between them may be no records. */
  events: number
  /** Whether an answer reserved something, so that it may leave only behind its commit. */
  reserves: boolean
  /** The partition's clock after the batch. */
  clock: number
  /** The offset behind the last record taken. */
  next: number
  /** Append time of the last record taken. */
  appendTime: number
  /** The last event that was stepped and is no poison; the frame is as it left it. */
  lastEvent: Event | null
}

/** Units that a decision takes of a resource. Rows of one `id` go together. */
export type Claim = {
  readonly resource: string
  readonly id: string
  readonly amount: number
  /** When it was decided, by the partition's clock, and how long it is kept from then on. */
  readonly at: number
  readonly leaseUntil: number
  /** Of a live request: its id is of this batch alone. An event's comes again with the event. */
  readonly asked: boolean
}

/** What every batch of a shard is stepped with. */
export type BatchTools = {
  readonly context: StepContext
  readonly codecs: Pick<Codecs, 'events' | 'decisions'>
  readonly tally: BatchTally
  /** Where each input is said before it is stepped. */
  readonly mark: Pick<WorkMark, 'event' | 'other'>
}

/** Where the partition stands before the batch. */
export type BatchStart = {
  readonly seq: number
  /** Of its first live request, which has had none since that commit. */
  readonly turn: number
  readonly next: number
  readonly appendTime: number
  /** Last `now`; behind it `now` never runs. */
  readonly clock: number
  /** The clock's instant for the whole batch; null on an event clock, where each event has its append time. */
  readonly wallNow: number | null
  /** Customers of whom something is due at the end of the batch. */
  readonly due: readonly string[]
  /** Offsets of events that are not taken, as they stopped the shard before; null or absent: there are none. */
  readonly poisoned?: ReadonlySet<number> | null
  /** What is known of resources. */
  readonly stock: StockInput
  /** Partitions of the log, to check that a record is in the right one. */
  readonly partitions: number
  /** Absent: the inputs are all of the batch. */
  readonly part?: BatchPart
}

/** Which of a batch's inputs are stepped when they are not all of them, as a replay of one customer does. */
export type BatchPart = {
  /** Places of its requests in the batch, ascending, and how many requests the batch had. */
  readonly places: readonly number[]
  readonly requests: number
  /** Places of who is due among all that were, and how many events the batch took. */
  readonly dues: readonly number[]
  readonly events: number
  /** The partition's clock when the batch came to who was due. */
  readonly clock: number
  /** What the other inputs took of resources, by place. */
  readonly taken: readonly TakenUnits[]
}

/**
 * Steps the inputs of a batch, live requests first, then events in the order of the log, each decoded when its turn comes, and what
 * is due last: it is looked at with everything that is known by then.
 * Changes the states in place. Records below `next` are skipped; a record whose customer has no slot ends the batch.
 */
export function stepBatch(
  tools: BatchTools,
  slots: ReadonlyMap<string, Slot>,
  task: BatchTask,
  start: BatchStart,
): SteppedBatch {
  const { context, codecs, tally, mark } = tools
  const { next, appendTime, clock, wallNow, part } = start
  beginStock(start.stock, context.run)
  const taken = new UnitsTaken(context.run.stock.left, part?.taken ?? [])
  context.run.settlements.length = 0
  const batch: SteppedBatch = {
    answers: [],
    decisions: [],
    deadLetters: [],
    duplicates: [],
    claims: [],
    settlements: [],
    taken: taken.units,
    accepted: 0,
    events: 0,
    reserves: false,
    clock: wallNow === null ? clock : Math.max(clock, wallNow),
    next,
    appendTime,
    lastEvent: null,
  }
  const requests = part?.requests ?? task.requests.length
  for (const [i, { index, customerId, requestId, placement, count, personalised = true }] of task.requests.entries()) {
    const place = part?.places[i] ?? i
    const slot = slots.get(customerId)
    if (slot === undefined) throw new Error('the customers of live requests are loaded before they are stepped')
    mark.other()
    taken.begin(place)
    const outcome = stepRequest(context, slot, {
      customerId,
      requestId,
      placement,
      count,
      personalised,
      now: batch.clock,
      turn: `${start.seq}.${start.turn + place}`,
    })
    taken.end(place)
    if (outcome.reserves) batch.reserves = true
    const bytes = codecs.decisions.encode(outcome.decision)
    batch.answers.push({ index, decision: outcome.decision, bytes, committed: outcome.reserves })
    // The first answer left under this id already; a repeat with other instants would be a second content.
    // And of an erased customer nothing is written down any more.
    if (outcome.repeats || context.states.erasedAt(slot) > 0) continue
    tally.add(outcome.decision)
    batch.decisions.push({ customerId, bytes })
    claim(batch, outcome.decision)
  }
  stepEvents(tools, slots, task, start, batch, taken, requests - next)
  const events = part?.events ?? batch.next - next
  if (part !== undefined) batch.clock = Math.max(batch.clock, part.clock)
  for (const [i, customerId] of start.due.entries()) {
    const slot = slots.get(customerId)
    if (slot === undefined) continue
    const place = requests + events + (part?.dues[i] ?? i)
    mark.other()
    taken.begin(place)
    stepDue(tools, slot, batch, customerId)
    taken.end(place)
  }
  batch.settlements.push(...context.run.settlements)
  return batch
}

function stepEvents(
  tools: BatchTools,
  slots: ReadonlyMap<string, Slot>,
  task: BatchTask,
  { wallNow, partitions, poisoned }: BatchStart,
  batch: SteppedBatch,
  taken: UnitsTaken,
  /** Added to its offset, the place of an event in the batch. */
  firstPlace: number,
): void {
  if (task.events === null) return
  const { context, codecs, mark } = tools
  const record = new EventCursor(task.events)
  while (record.next()) {
    if (record.offset < batch.next) continue
    mark.event(record.offset)
    const decoded = codecs.events.decode(record.value)
    if (decoded.kind === 'dead_letter') {
      refuse(batch, record, decoded)
    } else {
      const { event } = decoded
      const reason = recordRefusal(event, record.isTrusted, task.partition, partitions)
      if (reason !== null) {
        refuse(batch, record, { reason, field: null }, event)
      } else {
        const slot = slots.get(event.customerId)
        if (slot === undefined) return
        taken.begin(firstPlace + record.offset)
        if (wallNow === null) {
          batch.clock = Math.max(batch.clock, record.appendTime)
          // What was due before the event comes before it, as the clock moves with the events.
          const dueAt = context.states.nextDue(slot)
          if (dueAt > 0 && dueAt <= batch.clock) stepDue(tools, slot, batch, event.customerId)
        }
        stepRecord(tools, slot, batch, record, event, poisoned?.has(record.offset) === true)
        taken.end(firstPlace + record.offset)
      }
    }
    batch.events++
    batch.next = record.offset + 1
    batch.appendTime = record.appendTime
  }
}

/** Takes up what is due of a customer. */
function stepDue(tools: BatchTools, slot: Slot, batch: SteppedBatch, customerId: string): void {
  const decisions = stepTimer(tools.context, slot, { customerId, now: batch.clock })
  for (const decision of decisions) decided(tools, batch, customerId, decision)
}

/** A decision of the batch that is not an answer. */
function decided({ codecs, tally }: BatchTools, batch: SteppedBatch, customerId: string, decision: Decision): void {
  tally.add(decision)
  batch.decisions.push({ customerId, bytes: codecs.decisions.encode(decision) })
  claim(batch, decision)
}

/** Notes what a decision takes of resources. */
function claim(batch: SteppedBatch, { stock, now, cause }: Decision): void {
  for (const { resource, claim: id, amount, until } of stock)
    if (id !== null)
      batch.claims.push({ resource, id, amount, at: now, leaseUntil: until, asked: cause.kind === 'request' })
}

function stepRecord(
  tools: BatchTools,
  slot: Slot,
  batch: SteppedBatch,
  record: EventCursor,
  event: Event,
  isPoison: boolean,
): void {
  const { context } = tools
  const outcome = stepEvent(context, slot, { event, acceptedAt: record.appendTime, now: batch.clock, isPoison })
  if (outcome.status === 'accepted') batch.accepted++
  else if (outcome.status === 'duplicate') batch.duplicates.push(record.offset)
  else if (outcome.status === 'erased') refuseErased(batch, record)
  else refuse(batch, record, { reason: outcome.status, field: null }, event)
  if (outcome.status !== 'poison') batch.lastEvent = event
  for (const decision of outcome.decisions) decided(tools, batch, event.customerId, decision)
}

/** That it came is kept, nothing of what it says. */
function refuseErased(batch: SteppedBatch, record: EventCursor): void {
  batch.deadLetters.push({
    offset: record.offset,
    appendTime: record.appendTime,
    reason: 'erased',
    field: null,
    via: 'stream',
    customerId: '',
    bytes: new Uint8Array(0),
  })
}

/** The record becomes a dead letter. */
function refuse(
  batch: SteppedBatch,
  record: EventCursor,
  why: Pick<Extract<Decoded, { kind: 'dead_letter' }>, 'reason' | 'field'>,
  event?: Event,
): void {
  batch.deadLetters.push({
    offset: record.offset,
    appendTime: record.appendTime,
    reason: why.reason,
    field: why.field,
    // What a record says of how it came in is believed only when we wrote it.
    via: record.isTrusted ? (event?.provenance.via ?? 'stream') : 'stream',
    customerId: record.key,
    bytes: record.value,
  })
}
