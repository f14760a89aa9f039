import type { Slot } from '../state/states.ts'
import type { Edition } from './edition.ts'
import type { CustomerCopy } from './shards.ts'

/** A customer's state as a base would store it, and whose it is. */
export function copyOf(
  { states }: Pick<Edition, 'states'>,
  slot: Slot,
  about: Pick<CustomerCopy, 'customerId' | 'partition' | 'known' | 'asOf'>,
): CustomerCopy {
  const erasedAt = states.erasedAt(slot)
  return { ...about, erasedAt: erasedAt > 0 ? erasedAt : null, state: states.encode(slot) }
}
