/** Which offers a guardrail, a cap or a holdout holds. */
import type { ContactScope, HoldoutModel, MessageClass, OfferModel, PlacementModel, Scope, Selector } from './model.ts'

/** Whether an offer of this category and class on this channel is in the scope. */
export function inScope(scope: Scope, category: string, messageClass: MessageClass, channel: string): boolean {
  return (
    !scope.exceptCategories.includes(category) &&
    selects(scope.categories, category) &&
    selects(scope.classes, messageClass) &&
    selects(scope.channels, channel)
  )
}

/** Whether an offer on this channel is in the scope: by its own category or that of one of its parts. */
export function holdsOffer(scope: Scope, offer: Pick<OfferModel, 'categories' | 'class'>, channel: string): boolean {
  return offer.categories.some((category) => inScope(scope, category, offer.class, channel))
}

/** Whether an allow opens an offer on this channel: only when its own category and that of every part is in the scope. */
export function opensOffer(scope: Scope, offer: Pick<OfferModel, 'categories' | 'class'>, channel: string): boolean {
  return offer.categories.every((category) => inScope(scope, category, offer.class, channel))
}

/** Whether a rule of the contact policy is about an offer on this channel: a contact is counted under the offer's own category alone. */
export function isAbout(
  scope: ContactScope,
  offer: Pick<OfferModel, 'id' | 'category' | 'class'>,
  channel: string,
): boolean {
  return selects(scope.offers, offer.id) && inScope(scope, offer.category, offer.class, channel)
}

/** Whether a holdout keeps an offer back from its members on a placement. The offer must fit the placement. */
export function heldBackBy(
  { applies, inbound }: HoldoutModel,
  offer: Pick<OfferModel, 'id' | 'categories' | 'class'>,
  placement: Pick<PlacementModel, 'channel' | 'direction'>,
): boolean {
  if (placement.direction === 'inbound' && inbound === 'open') return false
  return selects(applies.offers, offer.id) && holdsOffer(applies, offer, placement.channel)
}

/** Whether everything that `inner` holds is held by `outer` too. */
export function covers(outer: Scope, inner: Scope, categories: readonly string[]): boolean {
  const held = (scope: Scope): readonly string[] =>
    categories.filter((id) => selects(scope.categories, id) && !scope.exceptCategories.includes(id))
  const outerCategories = new Set(held(outer))
  return (
    held(inner).every((id) => outerCategories.has(id)) &&
    contains(outer.channels, inner.channels) &&
    contains(outer.classes, inner.classes)
  )
}

/** `covers` for rules of the contact policy. */
export function coversContacts(outer: ContactScope, inner: ContactScope, categories: readonly string[]): boolean {
  return covers(outer, inner, categories) && contains(outer.offers, inner.offers)
}

/** The offers that some of these scopes name one by one. */
export function offersNamed(scopes: readonly { readonly offers?: Selector }[]): ReadonlySet<string> {
  return new Set(scopes.flatMap(({ offers }) => (offers === undefined || offers === 'all' ? [] : offers)))
}

function selects(selector: Selector, id: string): boolean {
  return selector === 'all' || selector.includes(id)
}

function contains(outer: Selector, inner: Selector): boolean {
  return outer === 'all' || (inner !== 'all' && inner.every((id) => outer.includes(id)))
}
