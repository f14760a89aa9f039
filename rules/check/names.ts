/** Ids: each once, none reserved, none that collide in what is stored; and every name that is used exists. */
import { hash32 } from '../../ingest/hash.ts'
import { fits } from '../fits.ts'
import type { ContactScope, OfferModel, Scope, Selector } from '../model.ts'
import { onceKey, overrideKey } from '../override-key.ts'
import type { PackFileName } from '../pack-files.ts'
import type { PackProblemCode } from '../pack-problem.ts'
import { isUsableName } from '../vocabulary.ts'
import { type Checking, oneOf, type Spot } from './checking.ts'

export function checkNames(checking: Checking): void {
  checkIds(checking)
  checkWords(checking)
  checkScopes(checking)
  checkOffers(checking)
  checkTriggers(checking)
  checkPlacements(checking)
  checkBands(checking)
}

type Named = { readonly id: string }

function checkIds(checking: Checking): void {
  const { model } = checking
  const categories = model.categories.map((id) => ({ id }))
  once(checking, 'pack.yaml', 'categories', categories, 'hashed')
  once(checking, 'sources.yaml', 'sources', model.sources, 'plain')
  once(checking, 'profile.yaml', 'attributes', model.attributes, 'plain')
  once(checking, 'features.yaml', 'features', model.features, 'plain')
  once(checking, 'guardrails.yaml', 'guardrails', model.guardrails, 'hashed')
  once(checking, 'offers.yaml', 'offers', model.offers, 'hashed')
  once(checking, 'offers.yaml', 'bands', model.bands, 'plain')
  once(checking, 'offers.yaml', 'resources', model.resources, 'plain')
  once(checking, 'triggers.yaml', 'triggers', model.triggers, 'plain')
  once(checking, 'placements.yaml', 'channels', model.channels, 'hashed')
  once(checking, 'placements.yaml', 'placements', model.placements, 'plain')
  once(checking, 'contact.yaml', 'caps', model.caps, 'plain')
  once(checking, 'contact.yaml', 'gaps', model.gaps, 'plain')
  once(checking, 'contact.yaml', 'pauses', model.pauses, 'plain')
  once(checking, 'contact.yaml', 'quietHours', model.quietHours, 'plain')
  once(checking, 'arbitration.yaml', 'holdouts', model.holdouts, 'plain')
  once(checking, 'arbitration.yaml', 'models', model.models, 'plain')
  once(checking, 'arbitration.yaml', 'fatigue', model.fatigue, 'plain')
  once(checking, 'guardrails.yaml', 'allows', model.allows, 'plain')
  checkStoredKeys(checking)
  const guardrails = new Set(model.guardrails.map((guardrail) => guardrail.id))
  for (const [i, allow] of model.allows.entries()) {
    if (!guardrails.has(allow.id)) continue
    const spot = { file: 'guardrails.yaml', path: ['allows', i, 'id'], rule: allow.id } as const
    checking.refuse('id_duplicate', spot, `A guardrail is called "${allow.id}" too. Rename one of them.`)
  }
  for (const [i, cap] of model.caps.entries()) {
    if (!guardrails.has(cap.id)) continue
    const spot = { file: 'contact.yaml', path: ['caps', i, 'id'], rule: cap.id } as const
    checking.refuse('id_duplicate', spot, `A guardrail is called "${cap.id}" too. Rename the cap: reasons name both.`)
  }
  for (const [i, offer] of model.offers.entries()) {
    const seen = new Set<string>()
    for (const [j, part] of offer.parts.entries()) {
      const spot = { file: 'offers.yaml', path: ['offers', i, 'parts', j, 'id'], rule: offer.id } as const
      if (seen.has(part.id)) checking.refuse('id_duplicate', spot, `Two parts are called "${part.id}". Rename one.`)
      seen.add(part.id)
    }
  }
}

function once(
  checking: Checking,
  file: PackFileName,
  section: string,
  rules: readonly Named[],
  stored: 'hashed' | 'plain',
): void {
  const ids = new Set<string>()
  const keys = new Map<number, string>()
  for (const [i, { id }] of rules.entries()) {
    const spot: Spot = { file, path: [section, i, 'id'], rule: id }
    const other = keys.get(hash32(id))
    if (ids.has(id)) {
      checking.refuse('id_duplicate', spot, `"${id}" is defined twice in ${section}. Rename one or take it away.`)
    } else if (stored === 'hashed' && other !== undefined) {
      checking.refuse('id_duplicate', spot, `"${id}" and "${other}" have the same stored key. Rename one of them.`)
    }
    ids.add(id)
    if (!keys.has(hash32(id))) keys.set(hash32(id), id)
  }
}

/**
 * Most suppressions and overrides that the guardrails of a pack may keep for one customer: half of what a state has room
 * for, as those of the pack before may still be in it. So none that runs is ever pushed out.
 */
export const storedRulesMax = 128

/** What guardrails keep for a customer: each under a key of its own, and no more of them than a state has room for. */
function checkStoredKeys({ model, refuse }: Checking): void {
  const keys = new Map<number, string>()
  let stored = 0
  for (const [i, { id, suppression, override }] of model.guardrails.entries()) {
    const spot = (key: string): Spot => ({ file: 'guardrails.yaml', path: ['guardrails', i, key], rule: id })
    const own = [...(suppression === null ? [] : [hash32(id)]), ...(override === 'never' ? [] : [overrideKey(id)])]
    for (const key of own) {
      const other = keys.get(key)
      if (other !== undefined && other !== id) {
        refuse('id_duplicate', spot('id'), `"${id}" and "${other}" have the same stored key. Rename one of them.`)
      }
      keys.set(key, id)
      stored++
    }
    if (stored <= storedRulesMax || stored - own.length > storedRulesMax) continue
    const message = `Suppressions and overrides of guardrails are kept for every customer, at most ${storedRulesMax} of them.`
    refuse('too_many_rules', spot('id'), `${message} Put guardrails together, or make some of them "override: never".`)
  }
  for (const [i, { id, oncePerMs }] of model.offers.entries()) {
    if (oncePerMs === null) continue
    const spot: Spot = { file: 'offers.yaml', path: ['offers', i, 'oncePer'], rule: id }
    const other = keys.get(onceKey(id))
    if (other !== undefined) {
      refuse('id_duplicate', spot, `"${id}" and "${other}" have the same stored key. Rename one of them.`)
    }
    keys.set(onceKey(id), id)
    if (++stored !== storedRulesMax + 1) continue
    const message = `What customers had is kept with the suppressions and overrides of guardrails, at most ${storedRulesMax} together.`
    refuse('too_many_rules', spot, `${message} Take "oncePer" away where a cap or "eligible" does it.`)
  }
}

function checkWords(checking: Checking): void {
  const { model, refuse } = checking
  const reserved: readonly string[] = ['profile', 'source', 'unknown']
  const message = (id: string): string => `"${id}" is a word of the condition language. Choose another name.`
  for (const [i, { id }] of model.features.entries()) {
    if (isUsableName(id) && !reserved.includes(id)) continue
    refuse('name_reserved', { file: 'features.yaml', path: ['features', i, 'id'], rule: id }, message(id))
  }
  for (const [i, { id }] of model.attributes.entries()) {
    if (isUsableName(id)) continue
    refuse('name_reserved', { file: 'profile.yaml', path: ['attributes', i, 'id'], rule: id }, message(id))
  }
}

function checkScopes(checking: Checking): void {
  const { model } = checking
  for (const [i, { id, closes }] of model.guardrails.entries()) {
    checkScope(checking, { file: 'guardrails.yaml', path: ['guardrails', i, 'closes'], rule: id }, closes)
  }
  for (const [i, { id, opens }] of model.allows.entries()) {
    checkScope(checking, { file: 'guardrails.yaml', path: ['allows', i, 'opens'], rule: id }, opens)
  }
  for (const [i, { id, applies }] of model.caps.entries()) {
    checkContactScope(checking, { file: 'contact.yaml', path: ['caps', i, 'applies'], rule: id }, applies)
  }
  for (const [i, { id, applies }] of model.holdouts.entries()) {
    const spot: Spot = { file: 'arbitration.yaml', path: ['holdouts', i, 'applies'], rule: id }
    checkContactScope(checking, spot, applies)
  }
}

/** Refuses a scope that names a category or channel that the pack does not have. */
export function checkScope(checking: Checking, spot: Spot, scope: Scope): void {
  const { model } = checking
  const channels = model.channels.map((channel) => channel.id)
  checkSelector(
    checking,
    { ...spot, path: [...spot.path, 'categories'] },
    scope.categories,
    'category',
    model.categories,
  )
  const except = { ...spot, path: [...spot.path, 'exceptCategories'] }
  checkSelector(checking, except, scope.exceptCategories, 'category', model.categories)
  checkSelector(checking, { ...spot, path: [...spot.path, 'channels'] }, scope.channels, 'channel', channels)
}

/** The same of the contact policy and holdouts, which may name offers too. */
export function checkContactScope(checking: Checking, spot: Spot, scope: ContactScope): void {
  checkScope(checking, spot, scope)
  const offers = checking.model.offers.map((offer) => offer.id)
  checkSelector(checking, { ...spot, path: [...spot.path, 'offers'] }, scope.offers, 'offer', offers)
}

const unknownCodes = {
  category: 'category_unknown',
  channel: 'channel_unknown',
  offer: 'offer_unknown',
  placement: 'placement_unknown',
} as const satisfies Record<string, PackProblemCode>
type Kind = keyof typeof unknownCodes

function checkSelector(checking: Checking, spot: Spot, selector: Selector, kind: Kind, known: readonly string[]): void {
  if (selector === 'all') return
  for (const [i, id] of selector.entries()) checkKnown(checking, { ...spot, path: [...spot.path, i] }, id, kind, known)
}

function checkKnown(checking: Checking, spot: Spot, id: string, kind: Kind, known: readonly string[]): boolean {
  if (known.includes(id)) return true
  const message = `There is no ${kind} "${id}". Define it or use one of: ${oneOf(known)}.`
  checking.refuse(unknownCodes[kind], spot, message)
  return false
}

function checkOffers(checking: Checking): void {
  const { model, refuse } = checking
  const channels = model.channels.map((channel) => channel.id)
  const named = new Set(model.triggers.flatMap((trigger) => trigger.offers))
  for (const [i, offer] of model.offers.entries()) {
    const spot = (key: string): Spot => ({ file: 'offers.yaml', path: ['offers', i, key], rule: offer.id })
    checkKnown(checking, spot('category'), offer.category, 'category', model.categories)
    for (const [j, { category }] of offer.parts.entries()) {
      const path = ['offers', i, 'parts', j, 'category']
      if (category !== null) checkKnown(checking, { ...spot('parts'), path }, category, 'category', model.categories)
    }
    checkSelector(checking, spot('channels'), offer.channels, 'channel', channels)
    const places = model.placements.filter((placement) => fits(offer, placement))
    if (!model.placements.some((placement) => placement.contentTypes.includes(offer.contentType))) {
      const message = `No placement takes content of the type "${offer.contentType}". Add it to one, or correct it.`
      refuse('content_type_unknown', spot('contentType'), message)
    } else if (places.length === 0) {
      const message = `The offer fits no placement: none on its channels takes the type "${offer.contentType}".`
      refuse('reference_dead', spot('channels'), `${message} Add a channel or change the content type.`)
    } else if (places.every((placement) => placement.direction === 'outbound') && !named.has(offer.id)) {
      const message = 'The offer fits outbound placements only, and no trigger names it: it is never made.'
      checking.warn('reference_dead', spot('id'), `${message} Add a trigger or take the offer away.`)
    }
    if (places.length > 0) checkChannels(checking, spot, offer)
  }
}

/** A channel on which no placement takes the offer: it looks as if it were made there, and never is. */
function checkChannels({ model, warn }: Checking, spot: (key: string) => Spot, offer: OfferModel): void {
  for (const [j, channel] of offer.channels.entries()) {
    const onChannel = model.placements.filter((placement) => placement.channel === channel)
    // A channel without any placement is told where it is defined.
    if (onChannel.length === 0 || onChannel.some((placement) => fits(offer, placement))) continue
    const message = `No placement on the channel "${channel}" takes the type "${offer.contentType}": the offer is never made there.`
    const at = { ...spot('channels'), path: [...spot('channels').path, j] }
    warn('reference_dead', at, `${message} Take the channel away, or correct the type.`, { counterexample: channel })
  }
}

function checkTriggers(checking: Checking): void {
  const { model, refuse } = checking
  const offers = new Map(model.offers.map((offer) => [offer.id, offer]))
  const offerIds = [...offers.keys()]
  const placements = new Map(model.placements.map((placement) => [placement.id, placement]))
  for (const [i, trigger] of model.triggers.entries()) {
    const spot = (...keys: (string | number)[]): Spot => ({
      file: 'triggers.yaml',
      path: ['triggers', i, ...keys],
      rule: trigger.id,
    })
    checkEvent(checking, spot('on'), trigger.on)
    checkKnown(checking, spot('placement'), trigger.placement, 'placement', [...placements.keys()])
    const placement = placements.get(trigger.placement)
    if (placement?.direction === 'inbound') {
      const message = `"${placement.id}" is inbound: an app asks for it. A trigger fills outbound placements only.`
      refuse('rule_misfit', spot('placement'), `${message} Name an outbound one.`)
    }
    for (const [j, id] of trigger.offers.entries()) {
      const known = checkKnown(checking, spot('offers', j), id, 'offer', offerIds)
      const offer = offers.get(id)
      if (!known || offer === undefined || placement === undefined || fits(offer, placement)) continue
      const message = `"${id}" does not fit the placement "${placement.id}": its channels are ${offer.channels.join(', ')}`
      refuse('rule_misfit', spot('offers', j), `${message}, its content type is ${offer.contentType}.`)
    }
  }
}

function checkPlacements(checking: Checking): void {
  const { model } = checking
  const channels = model.channels.map((channel) => channel.id)
  const used = new Set(model.placements.map((placement) => placement.channel))
  for (const [i, placement] of model.placements.entries()) {
    const spot = { file: 'placements.yaml', path: ['placements', i, 'channel'], rule: placement.id } as const
    checkKnown(checking, spot, placement.channel, 'channel', channels)
  }
  for (const [i, { id }] of model.channels.entries()) {
    if (used.has(id)) continue
    const spot = { file: 'placements.yaml', path: ['channels', i, 'id'], rule: id } as const
    checking.warn('reference_dead', spot, `No placement is on the channel "${id}". Take it away or add a placement.`)
  }
  const offered = new Set(model.offers.flatMap((offer) => offer.categories))
  for (const [i, id] of model.categories.entries()) {
    if (offered.has(id)) continue
    const spot = { file: 'pack.yaml', path: ['categories', i, 'id'], rule: id } as const
    checking.warn('reference_dead', spot, `No offer is of the category "${id}". Take it away or add an offer.`)
  }
}

function checkBands(checking: Checking): void {
  const { model } = checking
  const offers = model.offers.map((offer) => offer.id)
  for (const [i, bands] of model.bands.entries()) {
    const spot = { file: 'offers.yaml', path: ['bands', i, 'offers'], rule: bands.id } as const
    checkSelector(checking, spot, bands.offers, 'offer', offers)
  }
}

/** Whether an event type exists; refuses it otherwise. */
export function checkEvent(checking: Checking, spot: Spot, event: string): boolean {
  if (checking.eventTypes.has(event)) return true
  const known = oneOf([...checking.eventTypes.keys()].sort())
  checking.refuse('event_unknown', spot, `There is no event type "${event}". Use one of: ${known}.`)
  return false
}
