import { createHmac, createSecretKey } from 'node:crypto'
import { isAlias } from './alias.ts'

/** Hides what a name says but still tells one from another: who has a list of sealed names cannot read or guess them without the secret. */
export type AliasSeal = {
  /** `@card:9f2c81` as `@card#` and 22 characters; the kind stays readable. A sealed alias stays as it is. */
  alias(alias: string): string
  /** 22 characters for a customer id. */
  customer(customerId: string): string
}

/** 128 bits: no two of all names a bank will ever see come out alike. */
const SEAL_BYTES = 16

/** @param secret of the installation, for this purpose alone, the same on all its nodes */
export function createAliasSeal(secret: Uint8Array): AliasSeal {
  const key = createSecretKey(secret)
  const sealed = (what: 'alias' | 'customer', text: string) =>
    createHmac('sha256', key).update(`${what} ${text}`).digest().toString('base64url', 0, SEAL_BYTES)
  return {
    alias: (alias) => (isAlias(alias) ? `${alias.slice(0, alias.indexOf(':'))}#${sealed('alias', alias)}` : alias),
    customer: (customerId) => sealed('customer', customerId),
  }
}
