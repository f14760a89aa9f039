import { hash32 } from '../ingest/hash.ts'

/** The name of a guardrail's override in stored states: no id of a guardrail can be the text it is hashed from. */
export function overrideKey(guardrail: string): number {
  return hash32(`override:${guardrail}`)
}

/** The name of what says that a customer has had an offer. */
export function onceKey(offer: string): number {
  return hash32(`once:${offer}`)
}
