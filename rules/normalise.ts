/** From the files of a pack to its model: defaults, units, places. What it is given has passed the schemas. */

import { strict as assert } from 'node:assert'
import { Temporal } from 'temporal-polyfill'
import { effectiveOf } from './effective-file.ts'
import type {
  BandsModel,
  ContactScope,
  FeatureModel,
  GuardrailModel,
  Model,
  OfferModel,
  Place,
  Scope,
} from './model.ts'
import type { PackContents, PackFileName } from './pack-files.ts'
import { priceOf } from './price-file.ts'
import { durationMs, moneyMinor, windowOf } from './quantities.ts'
import type { Path } from './yaml-source.ts'
import { isZone } from './zones.ts'

/** Where a value of a file stands. */
export type PlaceOf = (file: PackFileName, path: Path) => Place

/**
 * The model of a pack. The n-th rule of a kind is the n-th of its list in the file, so that a path into the model is
 * also a path into the file.
 */
export function normalise(contents: PackContents, placeOf: PlaceOf): Model {
  const pack = contents['pack.yaml']
  const { suitability, arbitration, holdouts, models, fatigue } = contents['arbitration.yaml']
  const contact = contents['contact.yaml']
  return {
    name: pack.name,
    description: pack.description,
    zone: pack.zone,
    currency: pack.currency,
    latenessMs: milliseconds(pack.lateness),
    categories: pack.categories.map((category) => category.id),
    guardedBy: Object.fromEntries(pack.categories.map((category) => [category.id, category.guardedBy])),
    ...(pack.fairness === undefined ? {} : { fairness: pack.fairness }),
    ...(pack.pricing === undefined ? {} : { pricing: pack.pricing }),
    sources: contents['sources.yaml'].sources.map(({ authorisation, ...source }, i) => ({
      ...source,
      authorisation:
        authorisation === null ? null : { id: authorisation.id, untilMs: endOfDay(authorisation.until, pack.zone) },
      place: placeOf('sources.yaml', ['sources', i]),
    })),
    attributes: contents['profile.yaml'].attributes.map(({ validFor, ...attribute }, i) => ({
      ...attribute,
      validForMs: validFor === null ? null : milliseconds(validFor),
      place: placeOf('profile.yaml', ['attributes', i]),
    })),
    features: contents['features.yaml'].features.map((feature, i) =>
      featureOf(feature, placeOf('features.yaml', ['features', i])),
    ),
    guardrails: contents['guardrails.yaml'].guardrails.map((guardrail, i) =>
      guardrailOf(guardrail, pack.zone, placeOf('guardrails.yaml', ['guardrails', i])),
    ),
    allows: contents['guardrails.yaml'].allows.map(({ opens, effective, ...allow }, i) => ({
      ...allow,
      ...effectiveOf(effective, pack.zone),
      opens: scopeOf(opens),
      place: placeOf('guardrails.yaml', ['allows', i]),
    })),
    offers: contents['offers.yaml'].offers.map((offer, i) =>
      offerOf(offer, pack.zone, placeOf('offers.yaml', ['offers', i])),
    ),
    resources: contents['offers.yaml'].resources.map(({ grace, ...resource }, i) => ({
      ...resource,
      graceMs: milliseconds(grace),
      place: placeOf('offers.yaml', ['resources', i]),
    })),
    bands: contents['offers.yaml'].bands.map((bands, i) => bandsOf(bands, placeOf('offers.yaml', ['bands', i]))),
    triggers: contents['triggers.yaml'].triggers.map(({ freshness, effective, ...trigger }, i) => ({
      ...trigger,
      ...effectiveOf(effective, pack.zone),
      freshnessMs: milliseconds(freshness),
      place: placeOf('triggers.yaml', ['triggers', i]),
    })),
    placements: contents['placements.yaml'].placements.map((placement, i) => ({
      ...placement,
      place: placeOf('placements.yaml', ['placements', i]),
    })),
    channels: contents['placements.yaml'].channels.map((channel, i) => ({
      ...channel,
      place: placeOf('placements.yaml', ['channels', i]),
    })),
    caps: contact.caps.map(({ per, applies, effective, ...cap }, i) => ({
      ...cap,
      ...effectiveOf(effective, pack.zone),
      perMs: milliseconds(per),
      applies: contactScopeOf(applies),
      place: placeOf('contact.yaml', ['caps', i]),
    })),
    gaps: contact.gaps.map(({ least, after, applies, ...gap }, i) => ({
      ...gap,
      leastMs: milliseconds(least),
      after: contactScopeOf(after ?? applies),
      applies: contactScopeOf(applies),
      place: placeOf('contact.yaml', ['gaps', i]),
    })),
    pauses: contact.pauses.map((pause, i) => ({
      id: pause.id,
      times: pause.ignored,
      withinMs: milliseconds(pause.within),
      answerMs: milliseconds(pause.answer),
      forMs: milliseconds(pause.for),
      applies: contactScopeOf(pause.applies),
      text: pause.text,
      place: placeOf('contact.yaml', ['pauses', i]),
    })),
    quietHours: contact.quietHours.map(({ from, to, instead, applies, ...hours }, i) => ({
      ...hours,
      from: minuteOfDay(from),
      to: minuteOfDay(to),
      instead: typeof instead === 'string' ? { kind: instead } : { kind: 'switch', placement: instead.switch },
      applies: contactScopeOf(applies),
      place: placeOf('contact.yaml', ['quietHours', i]),
    })),
    releaseSpreadMs: milliseconds(contact.releaseSpread),
    zones: contact.zones,
    suitability,
    arbitration,
    holdouts: holdouts.map(({ applies, ...holdout }, i) => ({
      ...holdout,
      applies: contactScopeOf({ ...applies, classes: ['marketing'] }),
      place: placeOf('arbitration.yaml', ['holdouts', i]),
    })),
    models: models.map(({ window, ...outcomeModel }, i) => ({
      ...outcomeModel,
      windowMs: milliseconds(window),
      place: placeOf('arbitration.yaml', ['models', i]),
    })),
    fatigue: fatigue.map(({ within, recent, baseline, ...rule }, i) => ({
      ...rule,
      withinMs: milliseconds(within),
      recentMs: milliseconds(recent),
      baselineMs: milliseconds(baseline),
      place: placeOf('arbitration.yaml', ['fatigue', i]),
    })),
  }
}

function featureOf(feature: PackContents['features.yaml']['features'][number], place: Place): FeatureModel {
  const window = windowOf(feature.window)
  assert(window !== null, 'the schema lets only windows pass')
  const baseline =
    feature.baseline === null
      ? null
      : { windows: feature.baseline.windows, minimum: numberOrMoney(feature.baseline.minimum) }
  return { ...feature, window, baseline, place }
}

function guardrailOf(
  { closes, suppression, override, effective, ...guardrail }: PackContents['guardrails.yaml']['guardrails'][number],
  zone: string,
  place: Place,
): GuardrailModel {
  return {
    ...guardrail,
    ...effectiveOf(effective, zone),
    closes: scopeOf(closes),
    suppression:
      suppression === null
        ? null
        : {
            event: suppression.event,
            where: suppression.where,
            forMs: milliseconds(suppression.for),
            liftedBy: suppression.liftedBy,
          },
    override: override === 'never' ? override : { role: override.role, atMostMs: milliseconds(override.atMost) },
    place,
  }
}

/** An offer counts as all of its parts: it is in each of their categories and as risky as the riskiest. */
function offerOf(
  { validFor, oncePer, effective, prices, ...offer }: PackContents['offers.yaml']['offers'][number],
  zone: string,
  place: Place,
): OfferModel {
  const categories = [offer.category, ...offer.parts.flatMap(({ category }) => category ?? [])]
  const grades = [offer.riskGrade, ...offer.parts.map((part) => part.riskGrade)].filter((grade) => grade !== null)
  return {
    ...offer,
    ...effectiveOf(effective, zone),
    ...(prices.length === 0 ? {} : { prices: prices.map(priceOf) }),
    categories: [...new Set(categories)],
    riskGrade: grades.length === 0 ? null : Math.max(...grades),
    oncePerMs: oncePer === null ? null : milliseconds(oncePer),
    validForMs: milliseconds(validFor),
    place,
  }
}

function bandsOf(bands: PackContents['offers.yaml']['bands'][number], place: Place): BandsModel {
  return {
    ...bands,
    from: numberOrMoney(bands.from),
    to: bands.to === null ? null : numberOrMoney(bands.to),
    place,
  }
}

function contactScopeOf(scope: ContactScope): ContactScope {
  return { ...scopeOf(scope), offers: scope.offers }
}

function scopeOf(scope: Scope): Scope {
  return {
    categories: scope.categories,
    exceptCategories: scope.exceptCategories,
    channels: scope.channels,
    classes: scope.classes,
  }
}

function minuteOfDay(text: string): number {
  return Number(text.slice(0, 2)) * 60 + Number(text.slice(3))
}

/** The first instant behind a day; a zone that there is none of is refused elsewhere. */
function endOfDay(day: string, zone: string): number {
  const next = Temporal.PlainDate.from(day).add({ days: 1 })
  return next.toZonedDateTime(isZone(zone) ? zone : 'UTC').epochMilliseconds
}

function milliseconds(text: string): number {
  const ms = durationMs(text)
  assert(ms !== null, 'the schema lets only durations pass')
  return ms
}

function numberOrMoney(value: number | string): number {
  if (typeof value === 'number') return value
  const minor = moneyMinor(value)
  assert(minor !== null, 'the schema lets only amounts pass')
  return minor
}
