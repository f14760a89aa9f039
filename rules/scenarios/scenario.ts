/**
 * A scenario as it is played: plain inputs at instants, and what is expected of them. One case of a file's table is one
 * scenario. Everything in it was checked against the pack.
 */
import type { Event, RejectReason } from '../../ingest/event.ts'
import type { ReasonCode } from '../reasons.ts'

/** Something that reaches the bank at an instant (Unix milliseconds). */
export type ScenarioInput =
  | {
      readonly kind: 'event'
      /** When the log takes it; `event.time` says when it happened. */
      readonly at: number
      readonly event: Event
      /** Fields of `event.data` that are those of the last decision that offered the customer something. */
      readonly fromDecision: readonly DecisionField[]
    }
  | {
      readonly kind: 'request'
      readonly at: number
      readonly customerId: string
      readonly requestId: string
      readonly placement: string
      /** Offers asked for, 1 or more. */
      readonly count: number
      /** False: the answer reads nothing of the customer. */
      readonly personalised: boolean
    }

/** What an event about a decision says of it. */
export const decisionFields = ['decisionId', 'offerId', 'placement', 'channel'] as const
export type DecisionField = (typeof decisionFields)[number]

/** A step with what is expected of it. Steps come in order of time. */
export type ScenarioStep = {
  /** As the file counts them, from 1; 0: what the file tells of the customer before. */
  readonly number: number
  readonly line: number
  /** Such as `card.purchase`, `request app_offers`, `wait`. */
  readonly label: string
  readonly customerId: string
  /** In order of time; empty for a wait. */
  readonly inputs: readonly ScenarioInput[]
  /** The clock behind the step, not before its last input. */
  readonly until: number
  readonly expectations: readonly Expectation[]
}

/** What is expected of one step: of all its repeats together, or only of the decisions for one placement. */
export type Expectation = {
  /** null: every decision of the step. */
  readonly placement: string | null
  readonly line: number
  readonly checks: readonly Check[]
}

/** One thing that has to be so. */
export type Check = { readonly line: number } & (
  | {
      /** No decision at all. */
      readonly kind: 'nothing'
    }
  /** Exactly these were offered, in this order. */
  | { readonly kind: 'offered'; readonly offers: readonly string[] }
  /** Not offered; with a reason, rule or stage it was a candidate and had this fate each time. */
  | {
      readonly kind: 'not offered'
      readonly offer: string
      readonly reason: ReasonCode | null
      readonly rule: string | null
      /** How far it came. */
      readonly stage: FateStage | null
    }
  /** Exactly these wait for quiet hours to end, in this order. */
  | { readonly kind: 'held'; readonly offers: readonly string[] }
  /** The messages of exactly these were taken back, in this order. */
  | { readonly kind: 'recalled'; readonly offers: readonly string[] }
  /** Whether the last message that offered it to the customer may leave now; `answer` null: it may not, for whatever reason. */
  | { readonly kind: 'permit'; readonly offer: string; readonly answer: PermitAnswer | null }
  /** A price that every decision with the offer told, a fee in minor units; there is at least one. */
  | { readonly kind: 'price'; readonly offer: string; readonly price: string; readonly value: number }
  /** The placement's safe offer was the answer, each time. */
  | { readonly kind: 'fallback'; readonly offer: string }
  /** Outcome and reason of every decision; there is at least one. */
  | { readonly kind: 'outcome'; readonly outcome: Outcome }
  | { readonly kind: 'reason'; readonly reason: ReasonCode }
  /** Every event of the step was refused like this. */
  | { readonly kind: 'refused'; readonly status: Refusal }
  /** A feature or attribute of the customer behind the step; null: unknown. */
  | { readonly kind: 'feature'; readonly name: string; readonly value: number | null }
)

/** How far a candidate may come that is not offered, in the order of the funnel. */
export const fateStages = [
  'trigger',
  'eligibility',
  'suitability',
  'guardrail',
  'contact',
  'stock',
  'holdout',
  'arbitration',
  'placement',
  'final_gate',
] as const
export type FateStage = (typeof fateStages)[number]

/** What a gateway is answered that asks whether a message may leave. */
export const permitAnswers = [
  'permitted',
  'recalled',
  'already_sent',
  'lapsed',
  'final_gate',
  'decision_unknown',
] as const
export type PermitAnswer = (typeof permitAnswers)[number]

/** How a decision may end. */
export const outcomes = ['offered', 'fallback', 'none'] as const
export type Outcome = (typeof outcomes)[number]
/** What became of an event that did not count. */
export type Refusal = 'duplicate' | RejectReason

/** A story, ready to be played. */
export type Scenario = {
  /** `scenarios/<file>`. */
  readonly file: string
  /** Name of the file's story, with the case in brackets. */
  readonly name: string
  readonly startAt: number
  /** Since when the log is complete, Unix milliseconds; 0: always. Before it the past is unknown. */
  readonly completeSince: number
  /** Whether the gateway reports each message as sent, where its channel has receipts. */
  readonly gateway: 'reports' | 'silent'
  /** Units left of resources at the start, null: not known. Of what is not named there is what the pack says. */
  readonly stock: Readonly<Record<string, number | null>>
  readonly steps: readonly ScenarioStep[]
}
