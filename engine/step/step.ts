/**
 * What the pure step takes and gives. See `README.md` in this folder for the contract.
 */
import type { Event, RejectReason } from '../../ingest/event.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Slot, States } from '../state/states.ts'

/** Everything a step may look at besides its input. No clock, no randomness, no I/O. */
export type StepContext = {
  readonly pack: CompiledPack
  readonly states: States
  /** Secret of the installation that makes decision ids unguessable. */
  readonly salt: string
  readonly lo: Float64Array
  readonly hi: Float64Array
}

/** An event from the log, with its three times. */
export type EventInput = {
  readonly event: Event
  /** Instant of the log's append, Unix milliseconds. */
  readonly acceptedAt: number
  /** The partition's clock: contact policy, expiry, freshness. Never runs backwards. */
  readonly now: number
}

export type EventOutcome = {
  /** `accepted`, `duplicate`, or why it is dead-lettered. */
  readonly status: 'accepted' | 'duplicate' | RejectReason
  readonly decisions: readonly Decision[]
}

/** A live request for offers. */
export type RequestInput = {
  readonly customerId: string
  readonly requestId: string
  readonly placement: string
  /** How many offers are wanted, 1 to the placement's slots. */
  readonly count: number
  readonly now: number
}

export type RequestOutcome = {
  readonly decision: Decision
  /** Whether it changed the state (reserved a contact) and must wait for its commit. */
  readonly reserves: boolean
}

export type StepEvent = (context: StepContext, slot: Slot, input: EventInput) => EventOutcome
export type StepRequest = (context: StepContext, slot: Slot, input: RequestInput) => RequestOutcome
