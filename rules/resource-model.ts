import type { Place, Text } from './model-words.ts'

/**
 * Something of which there is so much and no more, for all customers together: the stock of an offer, a budget of points or money
 * that several offers draw from. A customer who is made an offer keeps what it takes until it is taken for good or given back.
 */
export type ResourceModel = {
  readonly id: string
  /** Only the words differ: a stock is sold out, a budget is spent. */
  readonly kind: 'stock' | 'budget'
  /** Whole units, put in force when the pack is. */
  readonly units: number
  /** What takes the units for good: that the customer accepts, or that the offer is made (where a gateway reports: sent). */
  readonly takenBy: 'accepting' | 'offering'
  /** How long behind the end of the offer its acceptance may still arrive: so long the units are kept, milliseconds. */
  readonly graceMs: number
  readonly text: Text
  readonly place: Place
}

/** What an offer takes of a resource each time it is made. */
export type TakesModel = { readonly resource: string; readonly amount: number }
