/**
 * The identity map port: which customer an alias belongs to, and which aliases a customer has. Aliases come sealed
 * (`alias-seal.ts`); what is stored never tells them. `lmdb-identity-map.ts` is the embedded adapter, `engine/identity/` has the
 * one on Redis. Adapters pass `test/conformance/identity-map.ts`.
 */
import assert from 'node:assert'
import { isCustomerId } from '../validate.ts'
import { isSealedAlias } from './alias.ts'

/** One alias given to a customer, or taken away. */
export type IdentityChange = {
  readonly kind: 'link' | 'unlink'
  /** Sealed. */
  readonly alias: string
  readonly customerId: string
  /** When it came to be so, Unix milliseconds. */
  readonly at: number
}

/**
 * `done`: it is so now, also when it was so before. Otherwise nothing was changed: `taken`: another customer has the alias;
 * `stale`: the alias was changed after `at`, so this is old news; `forgotten`: the customer was; `full`: the customer has as
 * many as are allowed.
 */
export type ChangeReply = 'done' | 'taken' | 'stale' | 'forgotten' | 'full'

/** One thing that a map keeps, as a backup carries it. Aliases and customers are sealed, but for the id an alias leads to. */
export type KeptIdentity =
  /** `customerId` null: it was taken away at that instant. */
  | { readonly kind: 'alias'; readonly alias: string; readonly customerId: string | null; readonly at: number }
  /** The customer was forgotten; it is known until then, Unix milliseconds. */
  | { readonly kind: 'forgotten'; readonly customer: string; readonly until: number }

export type IdentityErrorCode = 'identity_full' | 'identity_unavailable' | 'identity_corrupt' | 'identity_closed'

/** I/O failure of the map, translated once in the adapter. */
export class IdentityError extends Error {
  readonly code: IdentityErrorCode
  readonly retryable: boolean
  constructor(code: IdentityErrorCode, message: string, options: { retryable: boolean; cause?: unknown }) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryable = options.retryable
  }
}

/** Calls that fail with a retryable IdentityError may be made again: a change that was carried out is `done` then. */
export type IdentityMap = {
  /** The customers of aliases in the order asked; null: nobody's. One round trip, however many. */
  resolve(aliases: readonly string[]): Promise<readonly (string | null)[]>
  /**
   * Carries out changes, those of one alias in their order; durable when resolved. One reply each, in order.
   * @throws IdentityError; some of them may have been carried out
   */
  change(changes: readonly IdentityChange[]): Promise<readonly ChangeReply[]>
  /** What a customer has, sealed, in no order. */
  aliasesOf(customerId: string): Promise<readonly string[]>
  /** Takes all aliases of a customer away and lets it get none any more; for its erasure. How many there were. */
  forget(customerId: string): Promise<number>
  /** Everything that is kept, in pieces, while others change it: each thing as it was when its piece was read. */
  all(): AsyncIterable<readonly KeptIdentity[]>
  /**
   * Keeps what another map gave, in one that has nothing of it yet; durable when resolved. At most `BATCH_MAX`.
   * @throws IdentityError; made again it comes to the same
   */
  keep(kept: readonly KeptIdentity[]): Promise<void>
  close(): Promise<void>
}

/** Most aliases of one customer, unless an adapter is opened with another number. */
export const ALIASES_MAX = 10_000
/** Most aliases that one call may name. */
export const BATCH_MAX = 10_000
/** How long it is known when an alias was taken away, so that an older link that comes late changes nothing. Longer than any lateness. */
export const UNLINKED_KEPT_MS = 10 * 86_400_000
/** How long it is known that a customer was forgotten: longer than any log or backup could bring a link back. */
export const FORGOTTEN_KEPT_MS = 800 * 86_400_000

/** Aliases that break the contract are a bug of the caller. */
export function checkAliases(aliases: readonly string[]): void {
  assert(aliases.length <= BATCH_MAX, 'a call names a bounded number of aliases')
  assert(aliases.every(isSealedAlias), 'the map is given sealed aliases')
}

/** Changes that break the contract are a bug of the caller. */
export function checkChanges(changes: readonly IdentityChange[]): void {
  checkAliases(changes.map(({ alias }) => alias))
  for (const { customerId, at } of changes) {
    assert(isCustomerId(customerId), 'an alias is linked to a customer id')
    assert(Number.isSafeInteger(at), 'instants are whole milliseconds')
  }
}

/** Kept things that break the contract are a bug of the caller. */
export function checkKept(kept: readonly KeptIdentity[]): void {
  checkAliases(kept.flatMap((one) => (one.kind === 'alias' ? [one.alias] : [])))
  assert(kept.length <= BATCH_MAX, 'a call keeps a bounded number of things')
  for (const one of kept) {
    if (one.kind === 'forgotten') assert(Number.isSafeInteger(one.until), 'instants are whole milliseconds')
    else assert(one.customerId === null || isCustomerId(one.customerId), 'an alias is linked to a customer id')
  }
}
