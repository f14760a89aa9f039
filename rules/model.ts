/**
 * A rule pack as data, after its YAML files were read, checked and normalised: durations in milliseconds, money in
 * minor units, defaults filled in, conditions still CEL text. Plain JSON: it crosses threads and is stored by hash.
 */
import type { CapModel, GapModel, PauseModel, QuietHoursModel, ZonesModel } from './contact-model.ts'
import type { EffectiveModel } from './effective.ts'
import type { Place, Text } from './model-words.ts'
import type { PriceModel, PricingModel } from './price-model.ts'
import type { GuardrailReason } from './reasons.ts'
import type { ResourceModel, TakesModel } from './resource-model.ts'
import type { TermName } from './terms.ts'

export type {
  CapModel,
  GapModel,
  PauseModel,
  QuietHoursModel,
  QuietInstead,
  ZonesModel,
} from './contact-model.ts'
export type { Place, Text } from './model-words.ts'

/** Message class: `regulatory` and `service` may skip caps, none skips guardrails. */
export type MessageClass = 'regulatory' | 'service' | 'marketing'

/** `'all'`, or the closed list of ids that match. */
export type Selector = 'all' | readonly string[]

/** A system data comes from, and the ground on which the bank may use it. A source that is not listed is unlawful. */
export type SourceModel = {
  readonly id: string
  readonly lawfulBasis: 'contract' | 'consent' | 'legal_obligation' | 'legitimate_interest' | 'none'
  readonly purposes: readonly string[]
  /** Types of events that it sends, for the check alone: others are taken all the same. Absent: it may send any. */
  readonly sends?: readonly string[] | undefined
  /** By which agreement it may be used, and before which instant; null: for as long as its basis holds. */
  readonly authorisation: { readonly id: string; readonly untilMs: number } | null
  readonly place: Place
}

/** A profile attribute, read in conditions as `profile.<id>`. */
export type AttributeModel = {
  readonly id: string
  /** `age`: set by an instant (a birth date), read as the whole years since, as of now; an `int` to conditions. */
  readonly type: 'enum' | 'int' | 'double' | 'money' | 'bool' | 'instant' | 'age'
  /** Values of an `enum`, in the order of their codes 0, 1, 2, ...; empty otherwise. */
  readonly values: readonly string[]
  /** Which events set it: the field is copied when `where` (CEL over `event`) is true; a null field sets nothing. */
  readonly setBy: readonly {
    readonly event: string
    readonly where: string | null
    readonly field: string
    /** The field of type instant that says until when the value holds; null: none does. */
    readonly until: string | null
  }[]
  /** After this long without being set again the value reads as unknown; null: never. */
  readonly validForMs: number | null
  readonly place: Place
}

export type FeatureKind =
  | 'count'
  | 'sum'
  | 'min'
  | 'max'
  | 'average'
  | 'first'
  | 'last'
  | 'time_since'
  | 'distinct'
  | 'growth'

/**
 * The stretch a feature looks at, ending at the instant of evaluation (closed at both ends: an event exactly
 * `ms` ago still counts). Calendar periods start at the bank's local midnight.
 */
export type Window =
  | { readonly kind: 'rolling'; readonly ms: number }
  | { readonly kind: 'calendar'; readonly period: 'day' | 'week' | 'month' }
  | { readonly kind: 'lifetime' }

/** A rolling feature, read in conditions by its id. */
export type FeatureModel = {
  readonly id: string
  readonly kind: FeatureKind
  readonly event: string
  /** CEL over required fields of `event` only, so that it is never unknown; null: every event of the type. */
  readonly where: string | null
  /** The event field that is summed, compared, or counted distinct; null for `count` and `time_since`. */
  readonly value: string | null
  readonly window: Window
  /**
   * Only for `growth`: (aggregate of the window) / (mean of the same aggregate over the `windows` windows before) - 1,
   * unknown while the mean is below `minimum`. The aggregate is a count when `value` is null, else a sum.
   */
  readonly baseline: { readonly windows: number; readonly minimum: number } | null
  readonly place: Place
}

/** What a guardrail or cap applies to: an offer matches when every selector holds it. */
export type Scope = {
  readonly categories: Selector
  readonly exceptCategories: readonly string[]
  readonly channels: Selector
  readonly classes: Selector
}

/** What a rule of the contact policy or a holdout is about: a scope, of it only the offers that are named, such as those of a campaign. */
export type ContactScope = Scope & { readonly offers: Selector }

/**
 * Who may open a guardrail for one customer. `never`: nobody, whatever happens. Else the role, and for how long at most.
 * The precedence of guardrails, overrides and allows stands in `rules/README.md`.
 */
export type OverrideModel = 'never' | { readonly role: string; readonly atMostMs: number }

/** A rule that forbids. Closes its scope when `when` may be true, or while a suppression it sets is running. */
export type GuardrailModel = {
  readonly id: string
  readonly reason: GuardrailReason
  readonly text: Text
  readonly closes: Scope
  readonly when: string | null
  readonly suppression: {
    readonly event: string
    readonly where: string | null
    readonly forMs: number
    /** An event that ends it early. */
    readonly liftedBy: { readonly event: string; readonly where: string | null } | null
  } | null
  readonly override: OverrideModel
  /** `non_personal`: while it may close, an app is answered without anything that is known of the customer. Absent: as usual. */
  readonly instead?: 'non_personal' | undefined
  /** When it closes; absent: always. */
  readonly effective?: EffectiveModel | undefined
  readonly place: Place
}

/** A rule that allows: in its scope, while `when` must be true, guardrails that a role could open are open. */
export type AllowModel = {
  readonly id: string
  readonly text: Text
  readonly opens: Scope
  /** CEL; null: always. What is not known allows nothing. */
  readonly when: string | null
  /** When it is in effect; absent: always. */
  readonly effective?: EffectiveModel | undefined
  readonly place: Place
}

/**
 * A term of the score: a constant, a CEL expression of type double over features and profile (its guaranteed lowest value
 * counts), or one with a value of its own while it is unknown.
 */
export type Term = number | string | { readonly from: string; readonly whenUnknown: number }

/**
 * A propensity learned from what became of earlier offers: Thompson sampling over the successes and failures of the offer in the
 * customer's segment.
 */
export type LearnedPropensity = {
  readonly learned: {
    /** Id of the model: what counts as a success, and until when. */
    readonly model: string
    /** The propensity is never below this, so that an offer always has a chance. */
    readonly floor: number
    /** Successes and failures that are taken for granted before any are known. */
    readonly prior: readonly [number, number]
    /** An enum attribute (`profile.tier`), or a condition; null: all customers are one segment. */
    readonly segment: string | null
  }
}

/** What outcomes are learned from: an event that names the decision, within a time after it. */
export type OutcomeModel = {
  readonly id: string
  readonly outcome: string
  /** Without the outcome for so long, the offer was a failure. */
  readonly windowMs: number
  readonly place: Place
}

/**
 * When the customers of a channel stop opening its messages, only a share of its marketing goes out: the rate at which messages were
 * opened in the `recentMs` that are over is less than `collapse` of that in the `baselineMs` before, beyond chance.
 */
export type FatigueModel = {
  readonly id: string
  readonly channel: string
  /** The event that says a message was opened; it names the decision. */
  readonly opened: string
  /** A message that is not opened for so long was not opened. */
  readonly withinMs: number
  readonly recentMs: number
  readonly baselineMs: number
  readonly collapse: number
  /** Share of marketing that still goes out, 0 to 1. */
  readonly pass: number
  readonly place: Place
}

export type OfferModel = {
  readonly id: string
  readonly title: Text
  /** What a customer is told when it is not offered, whatever the reason; absent: the text that all offers have. */
  readonly unavailable?: Text | undefined
  readonly category: string
  /** Its category and those of its parts: what closes one of them closes the offer. */
  readonly categories: readonly string[]
  readonly class: MessageClass
  readonly contentType: string
  readonly channels: readonly string[]
  /** CEL; the offer is eligible when it must be true. null: always. */
  readonly eligible: string | null
  /** Risk grade of the product, 1 (lowest) to 5, of parts the highest; null: no investment product. */
  readonly riskGrade: number | null
  /** Higher wins within its class before scores are compared. */
  readonly priority: number
  readonly propensity: Term | LearnedPropensity
  readonly context: Term
  readonly value: Term
  readonly lever: Term
  /** Several things accepted or withheld together. */
  readonly parts: readonly {
    readonly id: string
    readonly title: Text
    readonly category: string | null
    readonly riskGrade: number | null
  }[]
  /** What it costs or gives; absent: it has no prices. */
  readonly prices?: readonly PriceModel[] | undefined
  /** What it takes of resources: all of it is there, or the offer is not made. Empty: nothing. */
  readonly takes: readonly TakesModel[]
  /** A customer who has accepted it is not offered it again for so long, milliseconds; null: that is no matter. */
  readonly oncePerMs: number | null
  /** Outbound: not to be sent later than this after the decision. Inbound: not to be shown later. */
  readonly validForMs: number
  /** When it is in effect; absent: always. */
  readonly effective?: EffectiveModel | undefined
  readonly place: Place
}

/** When `on` arrives and `when` must be true, the offers become candidates of the outbound placement. */
export type TriggerModel = {
  readonly id: string
  readonly on: string
  readonly when: string | null
  readonly offers: readonly string[]
  readonly placement: string
  /** An event older than this (at `now`) counts but does not send. */
  readonly freshnessMs: number
  /** When it is in effect; absent: always. */
  readonly effective?: EffectiveModel | undefined
  readonly place: Place
}

export type PlacementModel = {
  readonly id: string
  readonly channel: string
  /** Inbound placements are asked by an app, outbound ones are filled by triggers. */
  readonly direction: 'inbound' | 'outbound'
  readonly slots: number
  readonly contentTypes: readonly string[]
  /** Inbound: the offer that is always safe. Outbound: null, silence is the fallback. */
  readonly fallback: string | null
  readonly place: Place
}

export type ChannelModel = {
  readonly id: string
  /** Whether a decision on this channel is a contact that caps count. */
  readonly contact: boolean
  /** Whether its gateway reports what it sent: then a contact that nobody confirmed stops counting when it has lapsed. */
  readonly receipts: boolean
  readonly place: Place
}

/**
 * A ladder of offers over one number: together they must fit every value from `from` to below `to`, and no value twice.
 * It decides nothing; it is what the author promises and the check of the pack proves.
 */
export type BandsModel = {
  readonly id: string
  /** A profile attribute (`profile.assets`) or a feature, as conditions name it. */
  readonly of: string
  /** First value covered: minor units for money, milliseconds for durations and instants. */
  readonly from: number
  /** First value no longer covered; null: no upper end. */
  readonly to: number | null
  readonly offers: readonly string[]
  readonly place: Place
}

/**
 * Customers who get no marketing of a scope. Members are drawn by a hash of the installation's salt, the id and the customer,
 * so that every node knows the same ones and another holdout has others. Service and regulatory messages are never held back.
 */
export type HoldoutModel = {
  readonly id: string
  /** Share of the customers that belong to it, above 0 and at most 50. */
  readonly percent: number
  /** Marketing offers that are held back; `classes` is always `marketing`. */
  readonly applies: ContactScope
  /** Whether inbound placements are closed to members too. Outbound ones always are. */
  readonly inbound: 'open' | 'closed'
  readonly place: Place
}

export type Model = {
  readonly name: string
  readonly description: string
  /** IANA zone of the bank: calendar windows, reports. */
  readonly zone: string
  /** ISO 4217 code; events with money in another currency are dead-lettered `wrong_currency`. */
  readonly currency: string
  /** Events older than this at arrival are dead-lettered `too_late`. */
  readonly latenessMs: number
  readonly categories: readonly string[]
  /**
   * For each category the reasons that must be able to close it: every offer of the category, on each of its channels,
   * has to be in the scope of a guardrail with each of these reasons, or the pack is refused.
   */
  readonly guardedBy: Readonly<Record<string, readonly GuardrailReason[]>>
  /** Attributes that every decision records, read by a rule or not, so that it can be seen who gets offers; absent: none. */
  readonly fairness?: { readonly attributes: readonly string[] } | undefined
  /** What prices may depend on; absent: on nothing. */
  readonly pricing?: PricingModel | undefined
  readonly sources: readonly SourceModel[]
  readonly attributes: readonly AttributeModel[]
  readonly features: readonly FeatureModel[]
  readonly guardrails: readonly GuardrailModel[]
  readonly allows: readonly AllowModel[]
  readonly offers: readonly OfferModel[]
  readonly resources: readonly ResourceModel[]
  readonly bands: readonly BandsModel[]
  readonly triggers: readonly TriggerModel[]
  readonly placements: readonly PlacementModel[]
  readonly channels: readonly ChannelModel[]
  readonly caps: readonly CapModel[]
  readonly gaps: readonly GapModel[]
  readonly pauses: readonly PauseModel[]
  readonly quietHours: readonly QuietHoursModel[]
  /** What was held for quiet hours is released over so many milliseconds, so that not everything leaves at once. */
  readonly releaseSpreadMs: number
  readonly zones: ZonesModel
  readonly suitability: {
    /** The enum attribute that holds the customer's risk grade. */
    readonly attribute: string
    /** Highest product grade allowed for each value of the attribute. */
    readonly allows: Readonly<Record<string, number>>
    /** Highest product grade when the customer's is unknown. */
    readonly whenUnknown: number
  }
  readonly arbitration: {
    /** Classes, strongest first. */
    readonly classes: readonly MessageClass[]
    /** Score of doing nothing: a candidate below it loses to silence. */
    readonly nothing: number
    /** Lowest and highest value of each term: beyond them it is cut off. */
    readonly bounds: { readonly [name in TermName]: readonly [number, number] }
  }
  /** In the order of the pack: a candidate that several hold back names the first. */
  readonly holdouts: readonly HoldoutModel[]
  /** What learned propensities are learned from. */
  readonly models: readonly OutcomeModel[]
  readonly fatigue: readonly FatigueModel[]
}

/** A checked pack with its identity: sha-256, in hex, of its canonical JSON without places. */
export type LoadedPack = { readonly model: Model; readonly hash: string }
