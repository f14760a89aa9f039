/**
 * What the funnel looks up, worked out once for a pack: scopes of caps over stored keys, the final gate's own lists of
 * guardrails and allows, ranks of classes.
 */
import { hash32 } from '../../../ingest/hash.ts'
import type { CompiledOffer, CompiledPack, CompiledPlacement } from '../../../rules/compiled.ts'
import type { CapModel, MessageClass, Scope } from '../../../rules/model.ts'

/** Code of a message class in stored contacts. */
export const classCodes: Readonly<Record<MessageClass, number>> = { regulatory: 0, service: 1, marketing: 2 }

/** A cap over the keys that contacts carry. `null`: every key. */
export type CapTable = {
  readonly model: CapModel
  readonly categories: ReadonlySet<number> | null
  readonly exceptCategories: ReadonlySet<number>
  readonly channels: ReadonlySet<number> | null
  /** For each class code, whether contacts of the class are counted. */
  readonly counts: readonly boolean[]
  /** For each class code, whether candidates of the class are stopped. */
  readonly stops: readonly boolean[]
}

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
  /** By offer index: why the offer cannot be shown there; null: it can. */
  readonly misfits: readonly ('channel_mismatch' | 'content_type_mismatch' | null)[]
  /** Offers a live request asks about: those that fit, without the fallback. */
  readonly candidates: readonly CompiledOffer[]
  /** By offer index. */
  readonly gate: readonly GateRules[]
  /** By offer index: frame indexes that its condition, guardrails, suitability and score read; empty for misfits. */
  readonly offerReads: readonly (readonly number[])[]
  /** The same for all candidates of a live request together. */
  readonly reads: readonly number[]
}

export type FunnelTables = {
  readonly placements: readonly PlacementTable[]
  readonly placementById: ReadonlyMap<string, CompiledPlacement>
  readonly offerByKey: ReadonlyMap<number, CompiledOffer>
  /** By offer index. */
  readonly categoryKeys: readonly number[]
  readonly classCodes: readonly number[]
  /** Lower wins. */
  readonly classRanks: readonly number[]
  readonly caps: readonly CapTable[]
  /** Frame index of the customer's risk grade, -1 when the pack keeps none. */
  readonly gradeVariable: number
  /** Every attribute and feature. */
  readonly allVariables: readonly number[]
}

/** Works the tables out; cost: offers x placements x guardrails, once for a pack. */
export function createTables(pack: CompiledPack): FunnelTables {
  const model = pack.loaded.model
  const gradeVariable = pack.layout.attributes.findIndex((attribute) => attribute.id === model.suitability.attribute)
  const ranks = new Map(model.arbitration.classes.map((name, rank) => [name, rank]))
  return {
    placements: pack.placements.map((placement) => placementTable(pack, placement, gradeVariable)),
    placementById: new Map(pack.placements.map((placement) => [placement.id, placement])),
    offerByKey: new Map(pack.offers.map((offer) => [offer.key, offer])),
    categoryKeys: pack.offers.map((offer) => hash32(offer.model.category)),
    classCodes: pack.offers.map((offer) => classCodes[offer.model.class]),
    classRanks: pack.offers.map((offer) => ranks.get(offer.model.class) ?? ranks.size),
    caps: model.caps.map(capTable),
    gradeVariable,
    allVariables: [...pack.layout.attributes, ...pack.layout.features].map((definition) => definition.variable),
  }
}

function placementTable(pack: CompiledPack, placement: CompiledPlacement, gradeVariable: number): PlacementTable {
  const model = pack.loaded.model
  const misfits = misfitsOf(pack, placement)
  const gateOf = gateTable(pack, placement.channel, gradeVariable)
  const gate = pack.offers.map((offer) => gateOf(offer))
  const offerReads = pack.offers.map((offer, i) =>
    misfits[i] === null ? ascending([...ownReads(offer), ...(gate[i]?.reads ?? [])]) : [],
  )
  const fitting = new Set(placement.offers)
  const candidates = pack.offers.filter(({ index }) => fitting.has(index) && index !== placement.fallback)
  return {
    channelKey: hash32(placement.channel),
    contact: model.channels.some((channel) => channel.id === placement.channel && channel.contact),
    misfits,
    candidates,
    gate,
    offerReads,
    reads: ascending(candidates.flatMap((offer) => offerReads[offer.index] ?? [])),
  }
}

function misfitsOf(pack: CompiledPack, placement: CompiledPlacement): PlacementTable['misfits'] {
  const found = pack.loaded.model.placements.find((candidate) => candidate.id === placement.id)
  const contentTypes = new Set(found?.contentTypes ?? [])
  return pack.offers.map(({ model }) => {
    if (!model.channels.includes(placement.channel)) return 'channel_mismatch'
    return contentTypes.has(model.contentType) ? null : 'content_type_mismatch'
  })
}

function ownReads(offer: CompiledOffer): readonly number[] {
  const { propensity, context, value, lever } = offer.terms
  const parts = [propensity, context, value, lever].flatMap((term) => term.reads)
  return [...(offer.eligible?.reads ?? []), ...parts]
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
    const kind = `${offer.model.category}\0${offer.model.class}\0${graded}`
    const shared = known.get(kind)
    if (shared !== undefined) return shared
    const guardrails = pack.guardrails.filter((guardrail) => holds(guardrail.closes, offer, channel))
    const allows = pack.allows.filter((allow) => holds(allow.opens, offer, channel))
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

function holds(scope: Scope, offer: CompiledOffer, channel: string): boolean {
  const { category, class: messageClass } = offer.model
  return (
    (scope.categories === 'all' || scope.categories.includes(category)) &&
    !scope.exceptCategories.includes(category) &&
    (scope.channels === 'all' || scope.channels.includes(channel)) &&
    (scope.classes === 'all' || scope.classes.includes(messageClass))
  )
}

function capTable(model: CapModel): CapTable {
  const { categories, exceptCategories, channels, classes } = model.applies
  const named = (name: MessageClass): boolean => classes !== 'all' && classes.includes(name)
  const all = classes === 'all'
  return {
    model,
    categories: categories === 'all' ? null : new Set(categories.map(hash32)),
    exceptCategories: new Set(exceptCategories.map(hash32)),
    channels: channels === 'all' ? null : new Set(channels.map(hash32)),
    counts: [all || named('regulatory'), all || named('service'), all || named('marketing')],
    stops: [false, named('service'), all || named('marketing')],
  }
}
