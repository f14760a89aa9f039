/** What is wrong with a rule taken alone: its fields, types, durations, and the basis of its data. */
import type { EventTypeDef, FieldDef } from '../../ingest/event.ts'
import { lookBackMs } from '../compile-layout.ts'
import { unknownValue } from '../compile-types.ts'
import type { AttributeModel, FeatureModel } from '../model.ts'
import { numericType } from '../pack-vocabulary.ts'
import { formatDuration } from '../quantities.ts'
import { isZone } from '../zones.ts'
import { type Checking, oneOf, type Spot } from './checking.ts'
import { checkEvent } from './names.ts'

const dayMs = 86_400_000
/** Longest a feature or a cap looks back; a leap year. */
export const lookBackMsMax = 366 * dayMs
/** Longest a suppression or the validity of an attribute lasts. */
export const standingMsMax = 3_660 * dayMs
const latenessMsMax = 7 * dayMs

export function checkDefinitions(checking: Checking): void {
  checkPackValues(checking)
  checkFairness(checking)
  checkSources(checking)
  for (const [i, attribute] of checking.model.attributes.entries()) checkAttribute(checking, attribute, i)
  for (const [i, feature] of checking.model.features.entries()) checkFeature(checking, feature, i)
  checkDurations(checking)
}

function checkPackValues({ model, refuse }: Checking): void {
  const spot = (key: string): Spot => ({ file: 'pack.yaml', path: [key], rule: model.name })
  if (!isZone(model.zone)) {
    refuse('timezone_unknown', spot('zone'), `"${model.zone}" is no time zone. Use an IANA name such as Asia/Shanghai.`)
  }
  if (!Intl.supportedValuesOf('currency').includes(model.currency)) {
    refuse('currency_unknown', spot('currency'), `"${model.currency}" is no currency of ISO 4217. Use one such as CNY.`)
  } else if (decimalsOf(model.currency) !== 2) {
    const message = `Amounts in ${model.currency} do not have two decimals, and amounts here do. Use another currency.`
    refuse('currency_unknown', spot('currency'), message)
  }
}

/** Groups are made by an attribute with few values. */
function checkFairness({ model, refuse }: Checking): void {
  const grouping = model.attributes.filter(({ type }) => type === 'enum' || type === 'bool').map(({ id }) => id)
  for (const [i, id] of (model.fairness?.attributes ?? []).entries()) {
    if (grouping.includes(id)) continue
    const spot: Spot = { file: 'pack.yaml', path: ['fairness', 'attributes', i], rule: 'fairness' }
    refuse('attribute_unknown', spot, `"${id}" is no enum or bool attribute. Use one of: ${oneOf(grouping)}.`)
  }
}

function decimalsOf(currency: string): number | undefined {
  return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits
}

function checkSources(checking: Checking): void {
  const { model, refuse } = checking
  for (const [i, source] of model.sources.entries()) {
    for (const [j, event] of (source.sends ?? []).entries())
      checkEvent(checking, { file: 'sources.yaml', path: ['sources', i, 'sends', j], rule: source.id }, event)
    const spot: Spot = { file: 'sources.yaml', path: ['sources', i, 'purposes'], rule: source.id }
    if (source.lawfulBasis === 'none' && source.purposes.length > 0) {
      const message = `"${source.id}" has no lawful basis, so its data may feed nothing. Empty its purposes, or name the basis.`
      refuse('source_unlawful', spot, message)
    } else if (source.lawfulBasis !== 'none' && source.purposes.length === 0) {
      refuse('source_unlawful', spot, `"${source.id}" states no purpose. Name what its data may be used for.`)
    }
    if (source.lawfulBasis === 'none' && source.authorisation !== null) {
      const message = `"${source.id}" has an agreement and no lawful basis. Name the basis, or take the agreement away.`
      refuse('source_unlawful', { ...spot, path: ['sources', i, 'authorisation'] }, message)
    }
  }
  const forMarketing = model.sources.some((s) => s.lawfulBasis !== 'none' && s.purposes.includes('marketing'))
  if (forMarketing || !model.offers.some((offer) => offer.class === 'marketing')) return
  const message = 'The pack has marketing offers, but no source whose data may be used for marketing. Name one.'
  refuse('source_unlawful', { file: 'sources.yaml', path: ['sources'], rule: 'sources' }, message)
}

/** What has run out by now: nothing is refused for the passing of time, or a pack in force could not start again. */
export function checkAgreements({ model, warn }: Checking, nowMs: number): void {
  for (const [i, { id, authorisation }] of model.sources.entries()) {
    if (authorisation === null || nowMs < authorisation.untilMs) continue
    const spot: Spot = { file: 'sources.yaml', path: ['sources', i, 'authorisation', 'until'], rule: id }
    const message = `The agreement "${authorisation.id}" is over, so what "${id}" sends feeds nothing any more. Renew it, or take the source away.`
    warn('agreement_over', spot, message)
  }
}

function checkAttribute(checking: Checking, attribute: AttributeModel, i: number): void {
  const { refuse } = checking
  const spot = (...keys: (string | number)[]): Spot => ({
    file: 'profile.yaml',
    path: ['attributes', i, ...keys],
    rule: attribute.id,
  })
  if (attribute.type === 'enum' && attribute.values.length === 0) {
    refuse('value_missing', spot('type'), 'An enum needs its list of values. Add "values".')
  }
  if (attribute.type !== 'enum' && attribute.values.length > 0) {
    refuse('value_unexpected', spot('values'), `Only an enum has values, and this is of type ${attribute.type}.`)
  }
  if (new Set(attribute.values).size < attribute.values.length) {
    refuse('id_duplicate', spot('values'), 'A value is listed twice. Take one away.')
  }
  const unknown = attribute.values.indexOf(unknownValue)
  if (unknown >= 0) {
    const message = `"${unknownValue}" is no value: an event that says so makes the attribute unknown. Take it away.`
    refuse('name_reserved', spot('values', unknown), message)
  }
  for (const [j, setter] of attribute.setBy.entries()) {
    if (!checkEvent(checking, spot('setBy', j, 'event'), setter.event)) continue
    const field = fieldOf(checking, spot('setBy', j, 'field'), setter.event, setter.field)
    if (field !== null) checkSetter(checking, spot('setBy', j, 'field'), attribute, field)
    if (setter.until === null) continue
    const until = fieldOf(checking, spot('setBy', j, 'until'), setter.event, setter.until)
    if (until === null || until.type === 'instant') continue
    const message = `The field "${until.name}" is of type ${until.type}. Name one that holds an instant.`
    refuse('field_type', spot('setBy', j, 'until'), message)
  }
}

/** The type a field must have to set an attribute of a type. */
const fieldTypes: Readonly<Record<AttributeModel['type'], FieldDef['type']>> = {
  enum: 'string',
  int: 'int',
  double: 'double',
  money: 'money',
  bool: 'bool',
  instant: 'instant',
  age: 'instant',
}

function checkSetter({ refuse }: Checking, spot: Spot, attribute: AttributeModel, field: FieldDef): void {
  const expected = fieldTypes[attribute.type]
  const fitting = field.type === expected || (expected === 'double' && field.type === 'int')
  if (!fitting) {
    const message = `The field "${field.name}" is of type ${field.type}, the attribute of type ${attribute.type}.`
    refuse('field_type', spot, `${message} Use a field of type ${expected}.`)
    return
  }
  if (attribute.type !== 'enum' || field.values === undefined) return
  const known = field.values.filter((value) => value !== unknownValue)
  const lost = known.filter((value) => !attribute.values.includes(value))
  if (lost.length > 0) {
    const message = `The field may also be ${oneOf(lost)}, which would read as unknown. Add the missing values.`
    refuse('value_missing', spot, message)
  }
  const dead = attribute.values.filter((value) => value !== unknownValue && !known.includes(value))
  if (dead.length > 0) {
    refuse('value_unexpected', spot, `The field is never ${oneOf(dead)}: it is one of ${oneOf(known)}.`)
  }
}

function checkFeature(checking: Checking, feature: FeatureModel, i: number): void {
  const { refuse } = checking
  const spot = (key: string): Spot => ({ file: 'features.yaml', path: ['features', i, key], rule: feature.id })
  const { kind, window } = feature
  const counts = kind === 'count' || kind === 'time_since'
  if (counts && feature.value !== null) {
    refuse('value_unexpected', spot('value'), `A feature of kind ${kind} reads no field. Take "value" away.`)
  }
  if (!counts && kind !== 'growth' && feature.value === null) {
    refuse('value_missing', spot('kind'), `A feature of kind ${kind} needs the field it reads. Add "value".`)
  }
  if (kind === 'growth' && feature.baseline === null) {
    const message = 'Growth needs a baseline: how many earlier windows, and the least mean that counts. Add "baseline".'
    refuse('baseline_missing', spot('kind'), message)
  }
  if (kind !== 'growth' && feature.baseline !== null) {
    refuse('baseline_unexpected', spot('baseline'), 'Only a feature of kind growth has a baseline. Take it away.')
  }
  if (window.kind !== 'rolling' && kind === 'growth') {
    refuse('duration_invalid', spot('window'), 'Growth compares windows of one length. Use a duration such as 30d.')
  }
  if (window.kind === 'lifetime' && kind === 'distinct') {
    const message = 'Distinct values are not kept for ever. Use a duration or a calendar period.'
    refuse('duration_too_long', spot('window'), message)
  }
  if (window.kind === 'rolling' && window.ms === 0) {
    refuse('duration_invalid', spot('window'), 'A window must be longer than zero.')
  }
  if (lookBackMs(feature) > lookBackMsMax) {
    const message = `The feature looks back ${formatDuration(lookBackMs(feature))}, at most ${formatDuration(lookBackMsMax)} are kept.`
    refuse(
      'duration_too_long',
      spot('window'),
      `${message} Shorten the window${kind === 'growth' ? ' or its baseline' : ''}.`,
    )
  }
  if (!checkEvent(checking, spot('event'), feature.event) || feature.value === null || counts) return
  const field = fieldOf(checking, spot('value'), feature.event, feature.value)
  if (field === null) return
  const fitting = kind === 'distinct' ? field.type !== 'strings' : numericType(field.type) !== null
  const summed = kind === 'sum' || kind === 'average' || kind === 'growth'
  if (!fitting || (summed && field.type === 'instant')) {
    const message = `The field "${field.name}" is of type ${field.type}: a feature of kind ${kind} cannot read it.`
    refuse('field_type', spot('value'), `${message} Use ${kind === 'distinct' ? 'a text or a number' : 'a number'}.`)
  } else if (!field.required) {
    const message = `The field "${field.name}" may be missing from an event, and the feature would not notice.`
    refuse('field_type', spot('value'), `${message} Use a field that is always there.`)
  }
}

function checkDurations({ model, refuse }: Checking): void {
  const within = (spot: Spot, ms: number, max: number): void => {
    if (ms === 0) refuse('duration_invalid', spot, 'The duration must be longer than zero.')
    if (ms > max)
      refuse('duration_too_long', spot, `${formatDuration(ms)} is too long: at most ${formatDuration(max)}.`)
  }
  within({ file: 'pack.yaml', path: ['lateness'], rule: model.name }, model.latenessMs, latenessMsMax)
  for (const [i, { id, validForMs }] of model.attributes.entries()) {
    const spot: Spot = { file: 'profile.yaml', path: ['attributes', i, 'validFor'], rule: id }
    if (validForMs !== null) within(spot, validForMs, standingMsMax)
  }
  for (const [i, { id, suppression }] of model.guardrails.entries()) {
    const spot: Spot = { file: 'guardrails.yaml', path: ['guardrails', i, 'suppression', 'for'], rule: id }
    if (suppression !== null) within(spot, suppression.forMs, standingMsMax)
  }
  for (const [i, { id, override }] of model.guardrails.entries()) {
    const spot: Spot = { file: 'guardrails.yaml', path: ['guardrails', i, 'override', 'atMost'], rule: id }
    if (override !== 'never') within(spot, override.atMostMs, standingMsMax)
  }
  for (const [i, { id, validForMs }] of model.offers.entries()) {
    within({ file: 'offers.yaml', path: ['offers', i, 'validFor'], rule: id }, validForMs, lookBackMsMax)
  }
  for (const [i, { id, perMs }] of model.caps.entries()) {
    within({ file: 'contact.yaml', path: ['caps', i, 'per'], rule: id }, perMs, lookBackMsMax)
  }
  for (const [i, { id, freshnessMs }] of model.triggers.entries()) {
    const spot: Spot = { file: 'triggers.yaml', path: ['triggers', i, 'freshness'], rule: id }
    within(spot, freshnessMs, latenessMsMax)
    if (freshnessMs <= model.latenessMs) continue
    const message = `An event older than ${formatDuration(model.latenessMs)} (the lateness of the pack) never gets here.`
    refuse('freshness_beyond_lateness', spot, `${message} Shorten the freshness or lengthen the lateness.`)
  }
}

function fieldOf({ eventTypes, refuse }: Checking, spot: Spot, event: string, name: string): FieldDef | null {
  const def: EventTypeDef | undefined = eventTypes.get(event)
  const field = def?.fields.get(name)
  if (def !== undefined && field === undefined) {
    const known = oneOf([...def.fields.keys()])
    refuse('field_unknown', spot, `The event "${event}" has no field "${name}". Use one of: ${known}.`)
  }
  return field ?? null
}
