/** From a checked pack to the functions, tables and layout that run it. */
import { strict as assert } from 'node:assert'
import { eventTypes, schemaCatalogue } from '../ingest/event-types.ts'
import { hash32 } from '../ingest/hash.ts'
import { compileCondition, compileNumber } from './cel/compile.ts'
import { type Guard, type Guards, unguarded } from './cel/guard.ts'
import type { CelResult } from './cel/problem.ts'
import { compileLayout, seriesTable } from './compile-layout.ts'
import { compilePrices } from './compile-prices.ts'
import { compileSegments } from './compile-segment.ts'
import { compileTypes } from './compile-types.ts'
import type {
  CompiledAllow,
  CompiledGuardrail,
  CompiledLearned,
  CompiledOffer,
  CompiledPack,
  CompiledPlacement,
  CompiledTakes,
  CompiledTrigger,
  Condition,
  NumberExpression,
} from './compiled.ts'
import { windowOfRule } from './effective.ts'
import { fits } from './fits.ts'
import type {
  LearnedPropensity,
  LoadedPack,
  Model,
  OfferModel,
  PlacementModel,
  Scope,
  Selector,
  Term,
} from './model.ts'
import { onceKey, overrideKey } from './override-key.ts'
import { variablesOf, vocabulariesOf } from './pack-vocabulary.ts'
import { ruleName } from './rule-names.ts'
import { holdsOffer, isAbout, offersNamed, opensOffer } from './scope.ts'
import { atOnce, eachInSlices, type Slices } from './slices.ts'
import { purposeBit, purposeBits, sourceKey, sourceTable } from './source-table.ts'
import { isLearned } from './terms.ts'
import type { Vocabulary } from './vocabulary.ts'

/**
 * Compiles a pack that `loadPack` accepted. Pure: from plain JSON, so each worker thread does it for itself; the same
 * pack gives the same behaviour everywhere. Throws (an assertion) when the pack was never checked.
 * @param guards what each rule runs under, see `cel/guard.ts`
 */
export function compilePack(loaded: LoadedPack, guards: Guards = unguarded): CompiledPack {
  return atOnce(compileInSlices(loaded, guards))
}

/** The same for a thread that must not stand still. */
export function* compileInSlices(loaded: LoadedPack, guards: Guards = unguarded): Slices<CompiledPack> {
  const { model } = loaded
  const variables = variablesOf(model, eventTypes)
  const vocabularies = vocabulariesOf(variables, eventTypes)
  const table = seriesTable(model.features)
  const guardrails = yield* compileGuardrails(model, vocabularies.plain, guards)
  const offers = yield* compileOffers(model, vocabularies.plain, guards)
  const allows = yield* compileAllows(model, vocabularies.plain, guards)
  const allowsOf = yield* scopeTable(model, (allow) => allow.opens, model.allows, opensOffer)
  const guardrailsOf = yield* scopeTable(model, (guardrail) => guardrail.closes, model.guardrails, holdsOffer)
  const gradeVariable = model.attributes.findIndex((attribute) => attribute.id === model.suitability.attribute)
  const lawfulVariable = variables.length - 1
  return {
    loaded,
    layout: yield* compileLayout(model, variables, table, eventTypes, isNonNegative),
    types: yield* compileTypes(model, table, eventTypes, vocabularies.on, guards),
    guardrails,
    allows,
    offers,
    triggers: yield* compileTriggers(model, vocabularies.on, guards),
    placements: yield* compilePlacements(model, (placement, offer) => {
      const closing = guardrailsOf(offer, placement.channel).map((index) => guardrails[index]?.condition)
      const opening = allowsOf(offer, placement.channel).map((index) => allows[index]?.condition)
      const own = offers[offer]
      const terms = own === undefined ? [] : Object.values(own.terms)
      const prices = own?.prices ?? []
      const reads = [own?.eligible, ...terms, own?.learned?.segments, ...prices, ...closing, ...opening].flatMap(
        (part) => part?.reads ?? [],
      )
      return own?.model.riskGrade == null || gradeVariable < 0 ? reads : [...reads, gradeVariable]
    }),
    guardrailsOf,
    allowsOf,
    overridable: new Map(guardrails.flatMap((one) => (one.override === null ? [] : [[one.id, one] as const]))),
    capsOf: yield* scopeTable(model, (cap) => cap.applies, model.caps, isAbout),
    gapsOf: yield* scopeTable(model, (gap) => gap.applies, model.gaps, isAbout),
    pausesOf: yield* scopeTable(model, (pause) => pause.applies, model.pauses, isAbout),
    quietHoursOf: yield* scopeTable(model, (hours) => hours.applies, model.quietHours, isAbout),
    lawfulSources: new Map(
      model.sources
        .filter((source) => source.lawfulBasis !== 'none')
        .map((source) => [source.id, source.authorisation?.untilMs ?? Number.POSITIVE_INFINITY]),
    ),
    sources: new Map(
      model.sources.map((source) => [
        source.id,
        { key: sourceKey(source.id), basis: source.lawfulBasis, purposes: purposeBits(source) },
      ]),
    ),
    sourceTable: sourceTable(model.sources),
    lawfulVariable,
    variables: variables.map(({ name, type, values }) => ({ name, type, values })),
    gradeAllowed: gradeFunction(model, gradeVariable),
  }
}

function compileGuardrails(model: Model, vocabulary: Vocabulary, guards: Guards): Slices<CompiledGuardrail[]> {
  return eachInSlices(model.guardrails, (guardrail, index) => ({
    id: guardrail.id,
    index,
    reason: guardrail.reason,
    closes: guardrail.closes,
    condition: condition(guardrail.when, vocabulary, guards(ruleName('guardrail', guardrail.id))),
    hasSuppression: guardrail.suppression !== null,
    key: hash32(guardrail.id),
    override: guardrail.override === 'never' ? null : { ...guardrail.override, key: overrideKey(guardrail.id) },
    window: windowOfRule(guardrail.effective),
  }))
}

function compileAllows(model: Model, vocabulary: Vocabulary, guards: Guards): Slices<CompiledAllow[]> {
  return eachInSlices(model.allows, (allow, index) => ({
    id: allow.id,
    index,
    opens: allow.opens,
    condition: condition(allow.when, vocabulary, guards(ruleName('allow', allow.id))),
    window: windowOfRule(allow.effective),
  }))
}

function compileOffers(model: Model, vocabulary: Vocabulary, guards: Guards): Slices<CompiledOffer[]> {
  const { bounds } = model.arbitration
  return eachInSlices(model.offers, (offer, index) => {
    const guard = guards(ruleName('offer', offer.id))
    const term = (source: Term, within: readonly [number, number]): NumberExpression =>
      compileTerm(source, within, vocabulary, guard)
    return {
      id: offer.id,
      index,
      key: hash32(offer.id),
      model: offer,
      eligible: condition(offer.eligible, vocabulary, guard),
      terms: {
        propensity: term(
          isLearned(offer.propensity) ? offer.propensity.learned.floor : offer.propensity,
          bounds.propensity,
        ),
        context: term(offer.context, bounds.context),
        value: term(offer.value, bounds.value),
        lever: term(offer.lever, bounds.lever),
      },
      learned: isLearned(offer.propensity) ? compileLearned(offer.propensity, vocabulary, guard) : null,
      prices: compilePrices(offer.prices ?? [], vocabulary, guard),
      takes: compileTakes(model, offer),
      onceKey: offer.oncePerMs === null ? 0 : onceKey(offer.id),
      window: windowOfRule(offer.effective),
      purposes: offer.class === 'marketing' ? purposeBit('marketing') : 0,
      quarantined: false,
    }
  })
}

/** A term within its bounds: what is not guaranteed counts as the lowest there is, or as what the pack says for unknown. */
function compileTerm(
  term: Term,
  [lowest, highest]: readonly [number, number],
  vocabulary: Vocabulary,
  guard: Guard | null,
): NumberExpression {
  const within = (value: number): number => Math.min(Math.max(value, lowest), highest)
  if (typeof term === 'number') {
    const constant = within(term)
    return { low: () => constant, reads: [], source: String(term) }
  }
  const { low, reads, source } = compiled(compileNumber(typeof term === 'string' ? term : term.from, vocabulary, guard))
  if (typeof term === 'string') return { low: (lo, hi, event) => within(low(lo, hi, event)), reads, source }
  const whenUnknown = within(term.whenUnknown)
  return {
    low: (lo, hi, event) => {
      const value = low(lo, hi, event)
      return value === Number.NEGATIVE_INFINITY ? whenUnknown : within(value)
    },
    reads,
    source,
  }
}

function compileTakes({ resources }: Model, { takes, validForMs }: OfferModel): CompiledTakes | null {
  if (takes.length === 0) return null
  const of = takes.map(({ resource: id, amount }) => {
    const resource = found(resources.findIndex((one) => one.id === id))
    const { kind, takenBy } = resources[resource] ?? { kind: 'stock', takenBy: 'accepting' }
    return { resource, id, kind, takenBy, amount }
  })
  const graceMs = of.reduce((most, { resource }) => Math.max(most, resources[resource]?.graceMs ?? 0), 0)
  return { of, leaseMs: validForMs + graceMs, graceMs }
}

function compileLearned({ learned }: LearnedPropensity, vocabulary: Vocabulary, guard: Guard | null): CompiledLearned {
  const { model, floor, prior, segment } = learned
  return { model, floor, prior, segments: compiled(compileSegments(segment, vocabulary, guard)) }
}

function compileTriggers(
  model: Model,
  vocabularyOn: (event: string) => Vocabulary,
  guards: Guards,
): Slices<CompiledTrigger[]> {
  const offerIndex = new Map(model.offers.map((offer, index) => [offer.id, index]))
  return eachInSlices(model.triggers, (trigger, index) => ({
    id: trigger.id,
    index,
    condition: condition(trigger.when, vocabularyOn(trigger.on), guards(ruleName('trigger', trigger.id))),
    offers: trigger.offers.map((offer) => found(offerIndex.get(offer))),
    placement: found(model.placements.findIndex((placement) => placement.id === trigger.placement)),
    freshnessMs: trigger.freshnessMs,
    window: windowOfRule(trigger.effective),
    quarantined: false,
  }))
}

/**
 * Placements with the offers that fit them. A fallback is no candidate: it is what is shown when no candidate is left, and
 * as a service message it would win against every offer. Its reads are counted all the same, for the final gate.
 */
function compilePlacements(
  model: Model,
  readsOf: (placement: PlacementModel, offer: number) => readonly number[],
): Slices<CompiledPlacement[]> {
  const fallbacks = new Set(model.placements.map((placement) => placement.fallback))
  return eachInSlices(model.placements, (placement, index) => {
    const fallback = placement.fallback === null ? -1 : model.offers.findIndex((o) => o.id === placement.fallback)
    const offers = model.offers.flatMap((offer, i) =>
      fits(offer, placement) && (placement.direction === 'outbound' || !fallbacks.has(offer.id)) ? [i] : [],
    )
    const readers = fallback < 0 ? offers : [...offers, fallback]
    return {
      id: placement.id,
      index,
      channel: placement.channel,
      direction: placement.direction,
      slots: placement.slots,
      fallback,
      offers,
      reads: [...new Set(readers.flatMap((offer) => readsOf(placement, offer)))].sort((a, b) => a - b),
    }
  })
}

/** Rules whose scope holds an offer on a channel, worked out once; the same list is kept once. */
function* scopeTable<T, S extends Scope & { readonly offers?: Selector }>(
  model: Model,
  scopeOf: (rule: T) => S,
  rules: readonly T[],
  holds: (scope: S, offer: OfferModel, channel: string) => boolean,
): Slices<(offer: number, channel: string) => readonly number[]> {
  const lists = new Map<string, readonly number[]>()
  const tables = new Map<string, readonly (readonly number[])[]>()
  const named = offersNamed(rules.map(scopeOf))
  for (const { id: channel } of model.channels) {
    const perKind = new Map<string, readonly number[]>()
    const rows = yield* eachInSlices(model.offers, (offer) => {
      const kind = `${offer.categories.join('\0')}\0${offer.class}\0${named.has(offer.id) ? offer.id : ''}`
      const known = perKind.get(kind)
      if (known !== undefined) return known
      const row = rules.flatMap((rule, i) => (holds(scopeOf(rule), offer, channel) ? [i] : []))
      const shared = lists.get(row.join()) ?? row
      lists.set(row.join(), shared)
      perKind.set(kind, shared)
      return shared
    })
    tables.set(channel, rows)
  }
  return (offer, channel) => {
    const row = tables.get(channel)?.[offer]
    assert(row !== undefined, 'asked about an offer or a channel that the pack does not have')
    return row
  }
}

function gradeFunction(model: Model, variable: number): CompiledPack['gradeAllowed'] {
  const { allows, whenUnknown } = model.suitability
  const grades = (model.attributes[variable]?.values ?? []).map((value) => allows[value] ?? whenUnknown)
  return (lo, hi) => {
    const code = lo[variable]
    if (code === undefined || code !== hi[variable]) return whenUnknown
    return grades[code] ?? whenUnknown
  }
}

function isNonNegative(event: string, field: string): boolean {
  const minimum = schemaCatalogue.types.get(event)?.rules.find((rule) => rule.name === field)?.minimum
  return minimum !== undefined && minimum >= 0
}

function condition(source: string | null, vocabulary: Vocabulary, guard: Guard | null): Condition | null {
  return source === null ? null : compiled(compileCondition(source, vocabulary, guard))
}

function compiled<T>(result: CelResult<T>): T {
  assert(result.kind === 'ok', 'the conditions of a checked pack compile')
  return result.value
}

function found(index: number | undefined): number {
  assert(index !== undefined && index >= 0, 'a checked pack names only rules that exist')
  return index
}
