/** The contact policy of a pack as data. */
import type { EffectiveModel } from './effective.ts'
import type { ContactScope, Place, Text } from './model.ts'

/** At most `limit` contacts that match `applies` within any `perMs`. */
export type CapModel = {
  readonly id: string
  readonly limit: number
  readonly perMs: number
  readonly applies: ContactScope
  /** When it is in effect; absent: always. */
  readonly effective?: EffectiveModel | undefined
  readonly text: Text
  readonly place: Place
}

/** At least `leastMs` between a contact that matches `after` and the next one that matches `applies`. */
export type GapModel = {
  readonly id: string
  readonly leastMs: number
  readonly after: ContactScope
  readonly applies: ContactScope
  readonly text: Text
  readonly place: Place
}

/**
 * Rest for a customer who does not react: after `times` contacts that match `applies` within `withinMs`, none of which was answered
 * within `answerMs`, there is none for `forMs` from the end of the last one's time to answer.
 */
export type PauseModel = {
  readonly id: string
  readonly times: number
  readonly withinMs: number
  readonly answerMs: number
  readonly forMs: number
  readonly applies: ContactScope
  readonly text: Text
  readonly place: Place
}

/** What becomes of a message in quiet hours; `switch` proposes the offer for another outbound placement instead. */
export type QuietInstead =
  | { readonly kind: 'hold' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'switch'; readonly placement: string }

/** From `from` until before `to` by the customer's clock, over midnight when `to` is not later. Minutes of the day. */
export type QuietHoursModel = {
  readonly id: string
  readonly from: number
  readonly to: number
  readonly applies: ContactScope
  readonly instead: QuietInstead
  readonly text: Text
  readonly place: Place
}

/** Whose clock counts: an enum attribute of IANA zones, else one of regions with a zone each, else the pack's zone. */
export type ZonesModel = {
  readonly attribute: string | null
  readonly region: { readonly attribute: string; readonly zones: Readonly<Record<string, string>> } | null
}
