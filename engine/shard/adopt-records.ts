/** Adoption inside the shard: decisions that left although the store lost their commits, into their customers' states. */
import { type DecisionCodec, decisionIdOf } from '../../sinks/decision-codec.ts'
import type { FlatStates } from '../state/flat-states.ts'
import type { Slot } from '../state/states.ts'
import { adoptDecision } from '../step/adopt-decision.ts'
import { EventCursor, frameValues } from './event-frame.ts'

/** The customers whose decisions a frame holds; records are keyed by their customer. */
export function adoptedCustomers(records: ArrayBuffer): ReadonlySet<string> {
  const customers = new Set<string>()
  const record = new EventCursor(records)
  while (record.next()) customers.add(record.key)
  return customers
}

/** Ids of the decisions that a frame holds, in its order. */
export function adoptedIds(records: ArrayBuffer): readonly string[] {
  return Array.from(frameValues(records), decisionIdOf)
}

/**
 * Takes the effects of every decision of a frame, in its order, in the open batch.
 * @returns the latest `now` among them, 0 when there is none
 * @throws DecisionDecodeError when a record is not a decision
 */
export function adoptRecords(
  { states, codec }: { readonly states: FlatStates; readonly codec: DecisionCodec },
  slots: ReadonlyMap<string, Slot>,
  records: ArrayBuffer,
): number {
  let clock = 0
  const record = new EventCursor(records)
  while (record.next()) {
    const slot = slots.get(record.key)
    if (slot === undefined) throw new Error('the customers of adopted decisions are loaded first')
    const decision = codec.decode(record.value)
    clock = Math.max(clock, decision.now)
    adoptDecision(states, slot, decision)
  }
  return clock
}
