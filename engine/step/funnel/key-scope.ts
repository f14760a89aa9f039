/** Scopes over the keys that stored contacts carry. */
import type { MessageClass } from '../../../rules/model.ts'
import type { Contact } from '../../state/states.ts'

/** Code of a message class in stored contacts. */
export const classCodes: Readonly<Record<MessageClass, number>> = { regulatory: 0, service: 1, marketing: 2 }

/** A scope over stored keys. `null`: every key. */
export type KeyScope = {
  readonly categories: ReadonlySet<number> | null
  readonly exceptCategories: ReadonlySet<number>
  readonly channels: ReadonlySet<number> | null
  readonly offers: ReadonlySet<number> | null
  /** By class code. */
  readonly classes: readonly boolean[]
}

/** Whether a scope holds a contact. */
export function holdsContact(scope: KeyScope, contact: Contact): boolean {
  return holdsKeys(scope, contact.category, contact.channel, contact.class, contact.offer)
}

export function holdsKeys(
  scope: KeyScope,
  category: number,
  channel: number,
  messageClass: number,
  offer: number,
): boolean {
  return (
    scope.classes[messageClass] === true &&
    (scope.categories === null || scope.categories.has(category)) &&
    !scope.exceptCategories.has(category) &&
    (scope.channels === null || scope.channels.has(channel)) &&
    (scope.offers === null || scope.offers.has(offer))
  )
}
