/**
 * What the pure step takes and gives. See `README.md` in this folder for the contract.
 */
import type { Event, RejectReason } from '../../ingest/event.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { Slot, States } from '../state/states.ts'
import type { Filters, FunnelRun } from './funnel/run.ts'

/**
 * Everything a step may look at besides its input. No clock, no randomness, no I/O. Made by `createStepContext`; one
 * for each thread, since the scratch memory in it is overwritten by every step.
 */
export type StepContext = {
  readonly pack: CompiledPack
  readonly states: States
  /** Secret of the installation that makes decision ids unguessable. */
  readonly salt: string
  /** Hash of the learned propensities in force; empty: none. */
  readonly modelHash: string
  /** The frame conditions read. */
  readonly lo: Float64Array
  readonly hi: Float64Array
  /** The stages before the final gate. A parameter so that a test can show what the gate alone stops. */
  readonly filters: Filters
  readonly run: FunnelRun
  /** Where a rule set writes the triggers that hit. */
  readonly hits: Int32Array
}

/** An event from the log, with its three times. */
export type EventInput = {
  readonly event: Event
  /** Instant of the log's append, Unix milliseconds. */
  readonly acceptedAt: number
  /** The partition's clock: contact policy, expiry, freshness. Never runs backwards. */
  readonly now: number
  /** Whether it stopped the shard before, so that it is not taken; absent: no. */
  readonly isPoison?: boolean
}

export type EventOutcome = {
  /** `accepted`, `duplicate`, or why it is dead-lettered. */
  readonly status: 'accepted' | 'duplicate' | RejectReason
  /** Whether the event claimed a time after its arrival and was counted at its arrival instead. */
  readonly clamped: boolean
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
  /** Tells this answer from others to the same request, which may be computed again: never the same for two of them. */
  readonly turn: string
  /** False: nothing of the customer is to be read. Absent: it may be. */
  readonly personalised?: boolean
}

/** Something of a customer is due. */
export type TimerInput = {
  readonly customerId: string
  /** The partition's clock. */
  readonly now: number
}

export type RequestOutcome = {
  readonly decision: Decision
  /** Whether it changed the state (reserved a contact, took of resources, showed what is kept elsewhere) and must wait for its commit. */
  readonly reserves: boolean
  /** Whether it is the answer given before: its record has left under this id already and is not to leave again. */
  readonly repeats: boolean
}

export type StepEvent = (context: StepContext, slot: Slot, input: EventInput) => EventOutcome
export type StepRequest = (context: StepContext, slot: Slot, input: RequestInput) => RequestOutcome
