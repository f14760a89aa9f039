/**
 * What the funnel looks up, worked out once for a pack: scopes of caps over stored keys, the final gate's own lists of
 * guardrails and allows, ranks of classes.
 */
import { hash32 } from '../../../ingest/hash.ts'
import { overrideType } from '../../../ingest/override.ts'
import type {
  CompiledGuardrail,
  CompiledOffer,
  CompiledPack,
  CompiledPlacement,
  CompiledTrigger,
} from '../../../rules/compiled.ts'
import type { LearnedTable } from '../../../rules/learned-table.ts'
import type { Scope, SourceModel } from '../../../rules/model.ts'
import { heldBackBy, offersNamed } from '../../../rules/scope.ts'
import { atOnce, eachInSlices, type Slices } from '../../../rules/slices.ts'
import { sourceKey } from '../../../rules/source-table.ts'
import { consentType } from '../origins.ts'
import { type ContactRules, contactRules } from './contact-rules.ts'
import { type TiredChannel, tiredChannels } from './fatigue.ts'
import { classCodes } from './key-scope.ts'
import { type LearnedArms, learnedArms } from './learned-arms.ts'

/** Which guardrails and allows the final gate asks about an offer on a placement, and what they read. */
export type GateRules = {
  readonly guardrails: readonly number[]
  readonly allows: readonly number[]
  readonly reads: readonly number[]
}

export type PlacementTable = {
  readonly channelKey: number
  /** Whether a decision on its channel is a contact. */
  readonly contact: boolean
  /** Whether its gateway reports what it sent. */
  readonly receipts: boolean
  /** By offer index: why the offer cannot be shown there; null: it can. */
  readonly misfits: readonly ('channel_mismatch' | 'content_type_mismatch' | null)[]
  /** By offer index: the holdouts that keep the offer back from their members there, a bit each. Null: none does anything there. */
  readonly holdouts: readonly number[] | null
  /** Offers a live request asks about: those that fit, without the fallback. */
  readonly candidates: readonly CompiledOffer[]
  /** By offer index. */
  readonly gate: readonly GateRules[]
  /** By offer index: frame indexes that its condition, guardrails, suitability, score and prices read; empty for misfits. */
  readonly offerReads: readonly (readonly number[])[]
  /** The same for all candidates of a live request together. */
  readonly reads: readonly number[]
}

export type FunnelTables = {
  readonly placements: readonly PlacementTable[]
  readonly placementById: ReadonlyMap<string, CompiledPlacement>
  /** By the keys that what is held names them by. */
  readonly placementByKey: ReadonlyMap<number, CompiledPlacement>
  /** A placement of each channel, the outbound one first, by the channel's key in stored contacts. */
  readonly placementByChannel: ReadonlyMap<number, CompiledPlacement>
  /** Types of events that may close something: they set suppressions, or what the final gate reads. */
  readonly closingTypes: ReadonlySet<string>
  readonly triggerByKey: ReadonlyMap<number, CompiledTrigger>
  /** Placements that quiet hours switch to, by index: they are filled after the others. */
  readonly switchTargets: ReadonlySet<number>
  readonly offerByKey: ReadonlyMap<number, CompiledOffer>
  /** Guardrails beside which a customer gets an answer that reads nothing personal. */
  readonly impersonal: readonly CompiledGuardrail[]
  /** By the keys that stored states name them by. */
  readonly sourceByKey: ReadonlyMap<number, SourceModel>
  /**
   * By offer index: which offers are alike for scopes, having the same categories and class and no name there; 0 to `kindCount` - 1. What rules by scope say of one of
   * them on a channel they say of all.
   */
  readonly kinds: readonly number[]
  readonly kindCount: number
  /** By offer index. */
  readonly categoryKeys: readonly number[]
  readonly classCodes: readonly number[]
  /** Lower wins. */
  readonly classRanks: readonly number[]
  readonly contact: ContactRules
  /** Channels of which only a share of marketing goes out. */
  readonly tired: ReadonlyMap<string, TiredChannel>
  /** By offer index: what was learned of it; null: nothing is. */
  readonly arms: readonly (LearnedArms | null)[]
  /** Frame index of the customer's risk grade, -1 when the pack keeps none. */
  readonly gradeVariable: number
  /** Frame indexes of what every decision records, read by a rule or not. */
  readonly fairness: readonly number[]
  /** Whether any offer takes of a resource. */
  readonly takesAny: boolean
  /** Whether any offer has a price. */
  readonly pricesAny: boolean
  /** Every attribute and feature. */
  readonly allVariables: readonly number[]
}

/** Works the tables out; cost: offers x placements x guardrails, once for a pack. */
export function createTables(pack: CompiledPack, learned: LearnedTable | null = null): FunnelTables {
  return atOnce(tablesInSlices(pack, learned))
}

/** The same for a thread that must not stand still. */
export function* tablesInSlices(pack: CompiledPack, learned: LearnedTable | null): Slices<FunnelTables> {
  const model = pack.loaded.model
  const gradeVariable = pack.layout.attributes.findIndex((attribute) => attribute.id === model.suitability.attribute)
  const ranks = new Map(model.arbitration.classes.map((name, rank) => [name, rank]))
  const contact = contactRules(pack)
  yield
  const kinds = kindsOf(pack)
  const placements: PlacementTable[] = []
  for (const placement of pack.placements)
    placements.push(yield* placementTable(pack, placement, gradeVariable, contact.clocks.reads))
  return {
    placements,
    placementById: new Map(pack.placements.map((placement) => [placement.id, placement])),
    placementByKey: new Map(pack.placements.map((placement) => [hash32(placement.id), placement])),
    placementByChannel: placementByChannel(pack),
    closingTypes: closingTypes(pack, gradeVariable),
    triggerByKey: new Map(pack.triggers.map((trigger) => [hash32(trigger.id), trigger])),
    switchTargets: switchTargets(pack),
    impersonal: pack.guardrails.filter((_, i) => model.guardrails[i]?.instead === 'non_personal'),
    sourceByKey: new Map(model.sources.map((source) => [sourceKey(source.id), source])),
    offerByKey: new Map(pack.offers.map((offer) => [offer.key, offer])),
    kinds,
    kindCount: new Set(kinds).size,
    categoryKeys: pack.offers.map((offer) => hash32(offer.model.category)),
    classCodes: pack.offers.map((offer) => classCodes[offer.model.class]),
    classRanks: pack.offers.map((offer) => ranks.get(offer.model.class) ?? ranks.size),
    contact,
    tired: tiredChannels(pack, learned),
    arms: learnedArms(pack, learned),
    gradeVariable,
    fairness: fairnessOf(pack),
    takesAny: pack.offers.some(({ takes }) => takes !== null),
    pricesAny: pack.offers.some(({ prices }) => prices.length > 0),
    allVariables: [...pack.layout.attributes, ...pack.layout.features].map((definition) => definition.variable),
  }
}

function* placementTable(
  pack: CompiledPack,
  placement: CompiledPlacement,
  gradeVariable: number,
  clockReads: readonly number[],
): Slices<PlacementTable> {
  const model = pack.loaded.model
  const channel = model.channels.find(({ id }) => id === placement.channel)
  const misfits = misfitsOf(pack, placement)
  const gateOf = gateTable(pack, placement.channel, gradeVariable)
  const gate = yield* eachInSlices(pack.offers, gateOf)
  const quietReads = (offer: number): readonly number[] =>
    pack.quietHoursOf(offer, placement.channel).length > 0 ? clockReads : []
  const offerReads = yield* eachInSlices(pack.offers, (offer, i) =>
    misfits[i] === null ? ascending([...ownReads(offer), ...(gate[i]?.reads ?? []), ...quietReads(i)]) : [],
  )
  const fitting = new Set(placement.offers)
  const candidates = pack.offers.filter(({ index }) => fitting.has(index) && index !== placement.fallback)
  return {
    channelKey: hash32(placement.channel),
    contact: channel?.contact === true,
    receipts: channel?.receipts === true,
    misfits,
    holdouts: holdoutMasks(pack, placement, misfits),
    candidates,
    gate,
    offerReads,
    reads: ascending([...candidates.flatMap((offer) => offerReads[offer.index] ?? []), ...fairnessOf(pack)]),
  }
}

function fairnessOf({ layout, loaded }: CompiledPack): readonly number[] {
  const declared = loaded.model.fairness?.attributes ?? []
  return layout.attributes.flatMap(({ id, variable }) => (declared.includes(id) ? [variable] : []))
}

function kindsOf({ offers, loaded }: CompiledPack): readonly number[] {
  const { caps, gaps, pauses } = loaded.model
  const named = offersNamed([...caps, ...gaps, ...pauses].map(({ applies }) => applies))
  const known = new Map<string, number>()
  return offers.map(({ id, model }) => {
    const name = [model.category, model.class, ...model.categories, named.has(id) ? id : ''].join('\0')
    const kind = known.get(name) ?? known.size
    known.set(name, kind)
    return kind
  })
}

function placementByChannel({ placements }: CompiledPack): ReadonlyMap<number, CompiledPlacement> {
  const found = new Map<number, CompiledPlacement>()
  for (const placement of placements) {
    const key = hash32(placement.channel)
    if (placement.direction === 'outbound' ? found.get(key)?.direction !== 'outbound' : !found.has(key))
      found.set(key, placement)
  }
  return found
}

function closingTypes(pack: CompiledPack, gradeVariable: number): ReadonlySet<string> {
  const read = new Set([...pack.guardrails, ...pack.allows].flatMap(({ condition }) => condition?.reads ?? []))
  if (gradeVariable >= 0) read.add(gradeVariable)
  const series = new Set(pack.layout.features.flatMap((one) => (read.has(one.variable) ? [one.series] : [])))
  const closing = new Set([overrideType, consentType])
  for (const [type, plan] of pack.types) {
    const closes =
      plan.suppressions.some(({ forMs }) => forMs > 0) ||
      plan.attributes.some(({ attribute }) => read.has(attribute)) ||
      plan.series.some((rule) => series.has(rule.series))
    if (closes) closing.add(type)
  }
  return closing
}

function switchTargets({ placements, loaded }: CompiledPack): ReadonlySet<number> {
  const ids = loaded.model.quietHours.flatMap(({ instead }) => (instead.kind === 'switch' ? [instead.placement] : []))
  return new Set(placements.filter(({ id }) => ids.includes(id)).map(({ index }) => index))
}

function misfitsOf(pack: CompiledPack, placement: CompiledPlacement): PlacementTable['misfits'] {
  const found = pack.loaded.model.placements.find((candidate) => candidate.id === placement.id)
  const contentTypes = new Set(found?.contentTypes ?? [])
  return pack.offers.map(({ model }) => {
    if (!model.channels.includes(placement.channel)) return 'channel_mismatch'
    return contentTypes.has(model.contentType) ? null : 'content_type_mismatch'
  })
}

function holdoutMasks(
  pack: CompiledPack,
  placement: CompiledPlacement,
  misfits: PlacementTable['misfits'],
): PlacementTable['holdouts'] {
  const masks = pack.offers.map(({ model: offer }, i) =>
    pack.loaded.model.holdouts.reduce(
      (mask, holdout, bit) => (misfits[i] === null && heldBackBy(holdout, offer, placement) ? mask | (1 << bit) : mask),
      0,
    ),
  )
  return masks.some((mask) => mask !== 0) ? masks : null
}

function ownReads(offer: CompiledOffer): readonly number[] {
  const { propensity, context, value, lever } = offer.terms
  const parts = [propensity, context, value, lever, ...offer.prices].flatMap((part) => part.reads)
  return [...(offer.eligible?.reads ?? []), ...parts, ...(offer.learned?.segments.reads ?? [])]
}

function ascending(indexes: readonly number[]): readonly number[] {
  return [...new Set(indexes)].sort((a, b) => a - b)
}

/**
 * Matches scopes itself, from the pack as data: the gate shares no index with the guardrail stage. Offers of one category
 * and class share one list.
 */
function gateTable(pack: CompiledPack, channel: string, gradeVariable: number): (offer: CompiledOffer) => GateRules {
  const known = new Map<string, GateRules>()
  return (offer) => {
    const graded = gradeVariable >= 0 && offer.model.riskGrade !== null
    const kind = `${offer.model.categories.join('\0')}\0${offer.model.class}\0${graded}`
    const shared = known.get(kind)
    if (shared !== undefined) return shared
    const guardrails = pack.guardrails.filter((guardrail) => holds(guardrail.closes, offer, channel))
    const allows = pack.allows.filter((allow) => opens(allow.opens, offer, channel))
    const reads = [...guardrails, ...allows].flatMap((rule) => rule.condition?.reads ?? [])
    if (graded) reads.push(gradeVariable)
    const rules = {
      guardrails: guardrails.map((guardrail) => guardrail.index),
      allows: allows.map((allow) => allow.index),
      reads: ascending(reads),
    }
    known.set(kind, rules)
    return rules
  }
}

/** Whether a guardrail's scope holds an offer: one of its categories is enough. */
function holds(scope: Scope, offer: CompiledOffer, channel: string): boolean {
  return offer.model.categories.some((category) => holdsCategory(scope, category)) && fitsElse(scope, offer, channel)
}

/** Whether an allow's scope opens an offer: all of its categories have to be in it. */
function opens(scope: Scope, offer: CompiledOffer, channel: string): boolean {
  return offer.model.categories.every((category) => holdsCategory(scope, category)) && fitsElse(scope, offer, channel)
}

function holdsCategory(scope: Scope, category: string): boolean {
  return (
    (scope.categories === 'all' || scope.categories.includes(category)) && !scope.exceptCategories.includes(category)
  )
}

function fitsElse(scope: Scope, offer: CompiledOffer, channel: string): boolean {
  const { class: messageClass } = offer.model
  return (
    (scope.channels === 'all' || scope.channels.includes(channel)) &&
    (scope.classes === 'all' || scope.classes.includes(messageClass))
  )
}
