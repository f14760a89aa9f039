import type { Contact } from '../state/states.ts'

/**
 * A contact to read into, over and over. Its numbers start as fractions, so that V8 gives the fields room for doubles at once
 * and never changes the object's shape when the first instant is written.
 */
export function scratchContact(): { -readonly [K in keyof Contact]: Contact[K] } {
  return {
    at: 0.5,
    channel: 0.5,
    category: 0.5,
    offer: 0.5,
    class: 0,
    decision: 0.5,
    until: 0.5,
    answered: false,
    recalled: false,
  }
}
