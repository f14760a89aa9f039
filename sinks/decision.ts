/**
 * The decision record: what leaves, and why. One for each outbound placement an event's triggers asked for, and for each
 * live request; refusals and "nothing" are records too. Stable: the id derives from the cause, so a repeat has the same id
 * and the same content.
 */

/** The stages in the order of the funnel. `wire-fate.ts` says how they stand in the Avro schema. */
export const stages = [
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
  'offered',
] as const

/** The last stage a candidate reached. `final_gate` is the guardrail check that nothing goes around. */
export type Stage = (typeof stages)[number]

/** What became of one candidate (an offer on a channel). */
export type Fate = {
  readonly offer: string
  /** The trigger that proposed it; null for live requests. */
  readonly trigger: string | null
  readonly stage: Stage
  /** Code of the closed list in `rules/reasons.ts`. */
  readonly reason: string
  /** Which guardrail, cap, resource or holdout, when the reason names a kind of rule; else null. */
  readonly rule: string | null
  /** Terms of the score; 0 when the candidate was dropped before scoring. score = propensity x context x value x lever. */
  readonly propensity: number
  readonly context: number
  readonly value: number
  readonly lever: number
  readonly score: number
  /** When it is possible again if nothing else changes, Unix milliseconds; 0: no passing of time makes it so. */
  readonly possibleAt: number
  /** What a learned propensity was drawn for, `model/segment`; null: it was not learned. */
  readonly learned: string | null
}

/** A feature or attribute that was read, as it stood. `lo == hi`: known. -Infinity / +Infinity: no bound on that side. */
export type FeatureUsed = {
  readonly name: string
  readonly lo: number
  readonly hi: number
  readonly class: 'exact' | 'bounded' | 'unknown'
}

/** The two groups of the measurement of a holdout, in the order of the symbols of the Avro schema. */
export const trialGroups = ['treated', 'held_out'] as const

/**
 * A customer who came to an offer that a holdout keeps back from its members. `treated`: no member, the offer was made.
 * `held_out`: a member, who would have got it but for this holdout.
 */
export type HoldoutTrial = {
  readonly holdout: string
  readonly offer: string
  readonly group: (typeof trialGroups)[number]
}

/** The class of a message, in the order of the symbols of the Avro schema. */
export const messageClasses = ['regulatory', 'service', 'marketing'] as const

/** A contact that a decision took of the customer's caps: what has to be adopted when the store lost its commit. */
export type ContactTaken = {
  readonly offer: string
  readonly category: string
  readonly class: (typeof messageClasses)[number]
}

/** What waits for quiet hours to end: the offers of a trigger are looked at again then, and may leave as another decision. */
export type HeldOffers = {
  readonly trigger: string
  /** When they are due, and from when on they are not worth sending any more; Unix milliseconds. */
  readonly at: number
  readonly expiresAt: number
}

/**
 * What an offer would take of a resource, where it was short of it or took it. Several rows have one offer when it takes of several.
 */
export type StockAsked = {
  readonly offer: string
  readonly resource: string
  /** Units it takes. */
  readonly amount: number
  /** Units that were left as far as was known, a moment ago; null: nothing was known. Of what was taken: before it was. */
  readonly left: number | null
  /** What is reserved for the customer has this name in the store, 32 hex digits; null: nothing is, the offer was not made. */
  readonly claim: string | null
  /** Until when it is kept without an acceptance, Unix milliseconds; 0 when nothing is. */
  readonly until: number
}

/**
 * Where data came from that a decision was made with, in the order of the names that `Origin.kind` has. `before`: taken before origins were
 * kept. `others`: of more sources than are told apart for one customer.
 */
export const originKinds = ['source', 'consent', 'before', 'others'] as const

/** Where some of the features read came from. One feature may have several origins, and each has several features. */
export type Origin = {
  readonly kind: (typeof originKinds)[number]
  /** Of a source: its id. Of a consent: 8 hex digits of a hash of its id (`consentName`). Else empty. */
  readonly id: string
  /** Ground on which the bank may use it, as the pack in force says; empty: not known. */
  readonly basis: string
  /** Positions in `features` of what it fed; empty: only the event that caused the decision came from it. */
  readonly features: readonly number[]
}

/** The kinds of prices: `fee` is an amount in minor units of the pack's currency, the others are decimal numbers (0.0185 is 1.85 %). */
export const priceKinds = ['rate', 'multiplier', 'discount', 'fee'] as const

/** A price of an offer of the decision, as it was told with it. */
export type PriceGiven = {
  readonly offer: string
  /** Its name within the offer. */
  readonly price: string
  readonly kind: (typeof priceKinds)[number]
  readonly value: number
  /** Whether all it depends on was known; false: it is what the pack states for everybody of whom something is not. */
  readonly known: boolean
}

export type OfferedItem = { readonly offer: string; readonly score: number }

/** Hex digits that name a recalled decision: no two of one customer begin with the same. States keep no more of an id. */
export const recallDigits = 13

/** Source and type of the cause of a decision on offers that waited and are due. No system sends such events. */
export const released = { source: 'proffer', type: 'hold.released' } as const

export type Decision = {
  /** 32 hex digits: hash of salt, kind and cause. */
  readonly id: string
  readonly customerId: string
  readonly cause: {
    readonly kind: 'event' | 'request'
    /** Event id or request id. Of `released`: the decision that let its offers wait first. */
    readonly id: string
    /** Event source; empty for requests. */
    readonly source: string
    /** Event type; empty for requests. */
    readonly type: string
  }
  readonly placement: string
  readonly channel: string
  readonly packHash: string
  /** The three times of the input, Unix milliseconds. */
  readonly eventTime: number
  readonly acceptedAt: number
  readonly now: number
  /** Not to be sent or shown later than this; 0 when nothing is offered. */
  readonly notAfter: number
  /** `offered`: chosen by the funnel. `fallback`: the placement's safe offer. `none`: nothing, on purpose. */
  readonly outcome: 'offered' | 'fallback' | 'none'
  /** Why a fallback or nothing; `offered` otherwise. Code of the closed list. */
  readonly reason: string
  readonly offers: readonly OfferedItem[]
  readonly fates: readonly Fate[]
  readonly features: readonly FeatureUsed[]
  /** Contacts taken, on `channel` at `now`; empty when nothing was offered or the channel counts none. */
  readonly contacts: readonly ContactTaken[]
  /**
   * The contacts count until this instant, and for good once the gateway confirms that the message went out; 0: for good at once.
   * Later than `notAfter`, so that a message that may still leave is counted.
   */
  readonly confirmBy: number
  readonly held: readonly HeldOffers[]
  /** What was asked of resources; empty: no offer came so far that takes of any. */
  readonly stock: readonly StockAsked[]
  /** Score of doing nothing, which marketing had to reach. */
  readonly nothing: number
  /** Hash of the learned propensities in force, 64 hex digits; empty: there were none. */
  readonly modelHash: string
  /** What it is worth to the measurement of holdouts, a row for each holdout and offer. */
  readonly holdouts: readonly HoldoutTrial[]
  /**
   * Earlier decisions for the customer that it is about, each by the first `recallDigits` hex digits of its id: with reason `recalled`
   * their messages are not to be sent any more, with `sent_after_recall` one was sent all the same, with
   * `accepted_after_expiry` one was accepted when its offers were not valid any more. Empty in all others.
   */
  readonly recalls: readonly string[]
  /** Where the data of known features came from, and that of the event that caused it. At most 64. */
  readonly origins: readonly Origin[]
  /** The prices of `offers`, in their order; offers without prices have none. */
  readonly prices: readonly PriceGiven[]
}
