import type { HoldoutModel } from '../../rules/model.ts'
import { saltedHash } from './salted-hash.ts'

/** 2^52: a hash's first 13 hexadecimal digits are a whole number below it. */
const hashSpan = 2 ** 52

/**
 * Whether a customer belongs to a holdout. A hash of the installation's salt, the holdout's id and the customer decides: the
 * same on every node, for ever, independent of every other holdout. Raising `percent` only adds members. Cost: about 1 us.
 */
export function isHoldoutMember(
  salt: string,
  { id, percent }: Pick<HoldoutModel, 'id' | 'percent'>,
  customerId: string,
): boolean {
  const drawn = Number.parseInt(saltedHash(salt, 'holdout', [id, customerId]).slice(0, 13), 16)
  return drawn < (percent / 100) * hashSpan
}
