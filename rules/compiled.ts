/**
 * A pack ready to run: conditions as functions over a frame, rules indexed, the state layout they need.
 *
 * The frame is two Float64Arrays, `lo` and `hi`, one index a variable: first the profile attributes, then the features,
 * then `source.lawful`. A value is known when lo == hi; unknown is [-Infinity, +Infinity]; NaN never occurs. Booleans are
 * 0 and 1, enums their code, money minor units, instants and durations milliseconds.
 */
import type { EventTypeDef } from '../ingest/event.ts'
import type { EffectiveWindow } from './effective.ts'
import type { FeatureModel, LoadedPack, OfferModel, Scope } from './model.ts'
import type { PriceKind } from './price-model.ts'
import type { SourceTable } from './source-table.ts'

/**
 * How far ahead of its arrival an event's time may lie: a device in another zone with its clock set wrong, no more. Ids are
 * remembered for the lateness and this long besides, so that an old duplicate can never count.
 */
export const clockAheadMaxMs = 14 * 3_600_000

/** A contact may be confirmed this long after its message could leave at the latest: receipts travel too, milliseconds. */
export const receiptMs = 300_000

/** The decoded data of the event at hand; null when there is none (live request). */
export type EventData = Readonly<Record<string, unknown>>

/** One condition with its two answers (see "unknown is not false" in ARCHITECTURE.md). Both are pure. */
export type Condition = {
  /** True whatever the unknowns are. */
  readonly must: (lo: Float64Array, hi: Float64Array, event: EventData | null) => boolean
  /** True for at least one value of the unknowns. */
  readonly may: (lo: Float64Array, hi: Float64Array, event: EventData | null) => boolean
  /** Frame indexes it reads. */
  readonly reads: readonly number[]
  /** The CEL text it came from. */
  readonly source: string
}

/** A score term within the pack's bounds, or a number of a condition: its guaranteed (lowest) value; NaN never. */
export type NumberExpression = {
  readonly low: (lo: Float64Array, hi: Float64Array, event: EventData | null) => number
  readonly reads: readonly number[]
  readonly source: string
}

/** A price of an offer, ready to be told. */
export type CompiledPrice = {
  readonly id: string
  readonly kind: PriceKind
  /** Its number: known while everything that it reads is exact and it lies within the limits of its kind; NaN otherwise. */
  readonly value: (lo: Float64Array, hi: Float64Array) => number
  /** What holds otherwise; of a constant the constant. */
  readonly otherwise: number
  readonly reads: readonly number[]
}

/** The segments of a learned propensity. */
export type CompiledSegments = {
  readonly names: readonly string[]
  /** Index into `names` of the one the frame's customer is in. */
  readonly of: (lo: Float64Array, hi: Float64Array) => number
  readonly reads: readonly number[]
}

/** A propensity that is learned from outcomes. */
export type CompiledLearned = {
  readonly model: string
  /** It is never below this. */
  readonly floor: number
  /** Successes and failures that count before anything is known. */
  readonly prior: readonly [number, number]
  readonly segments: CompiledSegments
}

/** Many conditions that ask `must`, evaluated at once. */
export type RuleSet = {
  readonly size: number
  /** Writes the indexes of the rules that hit, ascending, to `hits` (at least `size` long); returns how many. */
  readonly evaluate: (lo: Float64Array, hi: Float64Array, event: EventData | null, hits: Int32Array) => number
  /** Frame indexes any of its rules reads. */
  readonly reads: readonly number[]
  /** The same rules, of which these, by index, are never asked and never hit. */
  readonly without: (rules: ReadonlySet<number>) => RuleSet
}

/** One series of the customer's state: instants, and values where a feature reads them, of one (event type, filter, value). */
export type SeriesDef = {
  /** Hash of the definition (event type, filter, value field): 13 hex digits, so that it is also exact as a number. */
  readonly key: string
  readonly event: string
  readonly valued: boolean
  /** Whether its values are known never to be negative: then a sum over an unknown past has a floor. Default: not known. */
  readonly nonNegative?: boolean
  /** Most exact entries kept: 256 where a value, distinct or growth is read, else the largest constant compared + 1. */
  readonly bound: number
  /** How far back any of its features looks; Infinity never: lifetime features use running totals. */
  readonly retentionMs: number
  /** The distinct rolling window lengths its features use, ascending; panes are cut for them. */
  readonly windowsMs: readonly number[]
}

/** A feature as the state evaluates it. */
export type FeatureDef = {
  readonly model: FeatureModel
  /** Index into `Layout.series`. */
  readonly series: number
  /** Index into the frame. */
  readonly variable: number
}

/** A profile attribute as the state keeps it. */
export type AttributeDef = {
  readonly id: string
  /** 13 hex digits of the hash of its id and type: the name it has in stored states. */
  readonly key: string
  readonly validForMs: number | null
  /** What is stored is an instant, and what is read are the whole years since. Absent: read as stored. */
  readonly isAge?: boolean
  /** Types of the events that set it. Absent: not known, so that nothing says where it came from. */
  readonly setBy?: readonly string[]
  /** Index into the frame; equals its index in `Layout.attributes`. */
  readonly variable: number
}

/** The instant until which an attribute holds, as the event said that set it: stored like an attribute, not in the frame. */
export type ExpiryDef = {
  /** Index into `Layout.attributes`. */
  readonly attribute: number
  /** 13 hex digits: the name it has in stored states. */
  readonly key: string
}

/** What the customer's state must hold for a pack. */
export type Layout = {
  readonly attributes: readonly AttributeDef[]
  /** Of attributes whose events say how long they hold. Stored behind the attributes: the n-th has index `attributes.length + n`. */
  readonly expiries?: readonly ExpiryDef[]
  readonly series: readonly SeriesDef[]
  readonly features: readonly FeatureDef[]
  /** Length of the frame. */
  readonly variables: number
  readonly zone: string
  /** How long recent event ids are remembered: the lateness of the pack and `clockAheadMaxMs`. */
  readonly dedupeMs: number
  /** How far back any rule of the contact policy looks, and for how long a message may leave or be reported: contacts are kept that long. */
  readonly contactsMs: number
}

/** What an event of one type does to the state and which triggers it may fire. */
export type TypePlan = {
  readonly def: EventTypeDef
  /** Its name in stored states (`typeKey`). */
  readonly key: number
  /** Currency field to check against the pack's, when the type carries money. */
  readonly hasMoney: boolean
  /** Whether events of the type are not taken because the filter of a feature over them is quarantined. */
  readonly refused: boolean
  readonly series: readonly {
    readonly series: number
    readonly where: ((event: EventData) => boolean) | null
    /** The number to store with the instant: the field, or a 53-bit hash of it for distinct strings; null: no value. */
    readonly value: ((event: EventData) => number) | null
  }[]
  readonly attributes: readonly {
    readonly attribute: number
    readonly where: ((event: EventData) => boolean) | null
    /** Value for the frame; NaN: the event does not say, set nothing. */
    readonly read: (event: EventData) => number
    /**
     * The event says that the value is not known (any more): by naming the field in its `cleared` list, or by a text that is
     * no value of an enum, such as `unknown`. The attribute is to be cleared.
     */
    readonly clears: (event: EventData) => boolean
    /** Name of the field. */
    readonly field: string
    /** The attribute's expiry: its stored index, and the instant an event says; NaN: for as long as the pack says. Null: it has none. */
    readonly until: { readonly stored: number; readonly read: (event: EventData) => number } | null
  }[]
  readonly suppressions: readonly {
    readonly guardrail: number
    readonly where: ((event: EventData) => boolean) | null
    /** Milliseconds it runs from the event's time; 0 lifts it. */
    readonly forMs: number
  }[]
  readonly triggers: RuleSet
  /** Index into `CompiledPack.triggers` of each rule of `triggers`. */
  readonly triggerIndex: readonly number[]
}

export type CompiledGuardrail = {
  readonly id: string
  readonly index: number
  readonly reason: string
  readonly closes: Scope
  readonly condition: Condition | null
  readonly hasSuppression: boolean
  /** 32-bit hash of the id: its name in stored states. */
  readonly key: number
  /** Who may open it for one customer; null: nobody. */
  readonly override: CompiledOverride | null
  /** When it is in effect; null: always. */
  readonly window: EffectiveWindow | null
}

export type CompiledOverride = {
  readonly role: string
  readonly atMostMs: number
  /** Name in stored states of an override in force: kept like a suppression, under a hash of its own. */
  readonly key: number
}

/** Opens, while its condition must be true, the guardrails in its scope that a role could open. */
export type CompiledAllow = {
  readonly id: string
  readonly index: number
  readonly opens: Scope
  readonly condition: Condition | null
  /** When it is in effect; null: always. */
  readonly window: EffectiveWindow | null
}

/** What an offer takes of a resource. */
export type CompiledTake = {
  /** Index into `Model.resources`. */
  readonly resource: number
  readonly id: string
  readonly kind: 'stock' | 'budget'
  readonly takenBy: 'accepting' | 'offering'
  readonly amount: number
}

/** What an offer takes of resources, and for how long it is kept for a customer. */
export type CompiledTakes = {
  /** In the order of the pack. */
  readonly of: readonly CompiledTake[]
  /** From the decision to the end of the lease: how long the offer holds and the longest grace of its resources. */
  readonly leaseMs: number
  readonly graceMs: number
}

export type CompiledOffer = {
  readonly id: string
  readonly index: number
  /** 32-bit hash of the id: its name in stored states. */
  readonly key: number
  readonly model: OfferModel
  readonly eligible: Condition | null
  readonly terms: {
    readonly propensity: NumberExpression
    readonly context: NumberExpression
    readonly value: NumberExpression
    readonly lever: NumberExpression
  }
  /** Null: the propensity is `terms.propensity`. Else that is only its floor. */
  readonly learned: CompiledLearned | null
  /** What has to be allowed of data that opens it: bits of `purposes`. Marketing needs data that may be used for marketing. */
  readonly purposes: number
  /** Whether it is not eligible because a rule of its own is quarantined. */
  readonly quarantined: boolean
  /** Empty: it has none. */
  readonly prices: readonly CompiledPrice[]
  /** Null: it takes nothing of any resource. */
  readonly takes: CompiledTakes | null
  /** Name in stored states of what says that the customer has had it: kept like a suppression. 0: nothing is kept. */
  readonly onceKey: number
  /** When it is in effect; null: always. */
  readonly window: EffectiveWindow | null
}

export type CompiledTrigger = {
  readonly id: string
  readonly index: number
  readonly condition: Condition | null
  readonly offers: readonly number[]
  readonly placement: number
  readonly freshnessMs: number
  /** When it is in effect; null: always. */
  readonly window: EffectiveWindow | null
  /** Whether it proposes nothing because it is quarantined. */
  readonly quarantined: boolean
}

export type CompiledPlacement = {
  readonly id: string
  readonly index: number
  readonly channel: string
  readonly direction: 'inbound' | 'outbound'
  readonly slots: number
  /** Index of the fallback offer; -1 for outbound placements. */
  readonly fallback: number
  /** Offers that fit its channel and content types, by index. */
  readonly offers: readonly number[]
  /** Frame indexes that its offers, their guardrails and terms read. */
  readonly reads: readonly number[]
}

/** A source of data. */
export type CompiledSource = {
  /** Its name in stored states (`sourceKey`). */
  readonly key: number
  readonly basis: string
  /** Bits of `purposes` that its data may be used for. */
  readonly purposes: number
}

export type CompiledPack = {
  readonly loaded: LoadedPack
  readonly layout: Layout
  readonly types: ReadonlyMap<string, TypePlan>
  readonly guardrails: readonly CompiledGuardrail[]
  readonly allows: readonly CompiledAllow[]
  readonly offers: readonly CompiledOffer[]
  readonly triggers: readonly CompiledTrigger[]
  readonly placements: readonly CompiledPlacement[]
  /** Guardrails whose scope holds offer o on channel c: `guardrailsOf(o, c)`, by index, computed once at compile time. */
  readonly guardrailsOf: (offer: number, channel: string) => readonly number[]
  /** Allows whose scope holds offer o on channel c, by index. */
  readonly allowsOf: (offer: number, channel: string) => readonly number[]
  /** The guardrails that a role may open, by id. */
  readonly overridable: ReadonlyMap<string, CompiledGuardrail>
  /** Caps whose scope holds offer o on channel c, by index into `model.caps`; and so on. */
  readonly capsOf: (offer: number, channel: string) => readonly number[]
  readonly gapsOf: (offer: number, channel: string) => readonly number[]
  readonly pausesOf: (offer: number, channel: string) => readonly number[]
  readonly quietHoursOf: (offer: number, channel: string) => readonly number[]
  /** The lawful sources by id, each with the instant from which on it is not, Unix milliseconds; Infinity: none. See `isLawful`. */
  readonly lawfulSources: ReadonlyMap<string, number>
  /** The sources by id, those that may not be used included. */
  readonly sources: ReadonlyMap<string, CompiledSource>
  /** The sources as states judge what came from them. */
  readonly sourceTable: SourceTable
  /** Frame index of `source.lawful`. */
  readonly lawfulVariable: number
  /** Name, type and how to print it, for each frame index; `null` code prints as unknown. */
  readonly variables: readonly { readonly name: string; readonly type: string; readonly values: readonly string[] }[]
  /** Highest product grade allowed given the frame. */
  readonly gradeAllowed: (lo: Float64Array, hi: Float64Array) => number
}
