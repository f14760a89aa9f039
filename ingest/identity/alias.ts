/**
 * Another name of a customer: `@kind:value`, such as `@device:7f3a` or `@card:9f2c81`. It may stand wherever a customer id may
 * in a call to the door or the API, and is replaced by the id before anything is keyed by it. No customer id begins with `@`.
 */

/** Longest kind of an alias, characters. */
export const ALIAS_KIND_MAX = 16
/** Longest value of an alias, characters. */
export const ALIAS_VALUE_MAX = 128

const ALIAS = new RegExp(`^@[a-z][a-z0-9_]{0,${ALIAS_KIND_MAX - 1}}:[!-~]{1,${ALIAS_VALUE_MAX}}$`)
const SEALED = new RegExp(`^@[a-z][a-z0-9_]{0,${ALIAS_KIND_MAX - 1}}#[A-Za-z0-9_-]{22}$`)

/** Whether a text is an alias: a lower-case word as its kind, and 1 to 128 visible ASCII characters that are taken as they are. */
export function isAlias(text: string): boolean {
  return text.charCodeAt(0) === AT && ALIAS.test(text)
}

/** Whether a text is an alias with its value replaced by a keyed hash, see `alias-seal.ts`. */
export function isSealedAlias(text: string): boolean {
  return text.charCodeAt(0) === AT && SEALED.test(text)
}

const AT = 64
