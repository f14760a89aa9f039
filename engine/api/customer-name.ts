/** Who is meant by the customer that a call names: an id stands for itself, an alias is looked up. */
import { isAlias } from '../../ingest/identity/alias.ts'
import type { Identities } from '../../ingest/identity/identities.ts'
import { IdentityError } from '../../ingest/identity/identity-map.ts'
import { isCustomerId } from '../../ingest/validate.ts'
import type { HttpReply } from './http.ts'
import { problem } from './http.ts'

export type NamedCustomer =
  | { readonly kind: 'customer'; readonly customerId: string }
  | { readonly kind: 'refused'; readonly reply: HttpReply }

/** The customer, or the answer when the name is none, nobody's, or cannot be looked up now. */
export async function namedCustomer(identities: Pick<Identities, 'customerOf'>, name: string): Promise<NamedCustomer> {
  if (isCustomerId(name)) return { kind: 'customer', customerId: name }
  if (!isAlias(name))
    return refused(
      problem(
        'query_invalid',
        'A customer is an id, 1 to 64 characters of A-Z a-z 0-9 . _ : -, or an alias, @kind:value.',
      ),
    )
  try {
    const customerId = await identities.customerOf(name)
    if (customerId !== null) return { kind: 'customer', customerId }
    return refused(problem('customer_unknown', 'Link the alias with an identity.linked event first.'))
  } catch (cause) {
    if (cause instanceof IdentityError) return refused(problem('identity_unavailable', 'Ask again in a moment.'))
    throw cause
  }
}

function refused(reply: HttpReply): NamedCustomer {
  return { kind: 'refused', reply }
}
