import type { DeadLetters } from './dead-letters.ts'
import type { Identities } from './identity/identities.ts'
import { type Names, namesCustomer } from './letter-names.ts'
import { LogError } from './log.ts'

/** What the door still has of a customer. */
export type Traces = { readonly letters: number; readonly aliases: number }

/** Takes erased customers out of what the door keeps: the dead letters that name them, and the identity map. */
export type Forgetting = {
  /**
   * Removes letters first, while the aliases in them can still be told, then the aliases. Done again, it finds what came since.
   * Looks through all letters that are kept, however few the customers.
   * @throws LogError, IdentityError: some may be gone; call again
   */
  forget(customerIds: readonly string[]): Promise<void>
  /** What there is now; removes nothing. @throws LogError, IdentityError */
  traces(customerId: string): Promise<Traces>
}

/** Letters looked at in one read. */
const PAGE = 1_000
/** How often a look that was disturbed begins anew. */
const ATTEMPTS = 5

export function createForgetting(parts: {
  readonly deadLetters: Pick<DeadLetters, 'list' | 'get' | 'remove'>
  readonly identities: Pick<Identities, 'aliasesOf' | 'forget'>
}): Forgetting {
  const { deadLetters, identities } = parts

  async function namesOf(customerId: string): Promise<Names & { readonly aliases: number }> {
    const { count, has } = await identities.aliasesOf(customerId)
    return { customerId, hasAlias: has, aliases: count }
  }

  /** Ids of the letters that name one of them: a hundred bytes a letter at most. */
  async function lettersOf(customers: readonly Names[]): Promise<readonly string[]> {
    const found = new Set<string>()
    let after: string | undefined
    for (let attempts = 0; attempts < ATTEMPTS; ) {
      const page = await deadLetters.list({ limit: PAGE, ...(after === undefined ? {} : { after }) })
      for (const { id, bytes } of page) if (customers.some((names) => namesCustomer(bytes, names))) found.add(id)
      const isEnd = page.length < PAGE && (after === undefined || (await deadLetters.get(after)) !== null)
      if (isEnd) return [...found]
      // Where the page before ended may have been removed meanwhile, and then it is not known what comes next.
      if (page.length < PAGE) attempts++
      after = page.length < PAGE ? undefined : page.at(-1)?.id
    }
    throw new LogError('log_unavailable', 'the dead letters change too fast to be looked through', { retryable: true })
  }

  return {
    async forget(customerIds) {
      const letters = await lettersOf(await Promise.all(customerIds.map(namesOf)))
      for (let i = 0; i < letters.length; i += PAGE) await deadLetters.remove(letters.slice(i, i + PAGE))
      for (const customerId of customerIds) await identities.forget(customerId)
    },
    async traces(customerId) {
      const names = await namesOf(customerId)
      return { letters: (await lettersOf([names])).length, aliases: names.aliases }
    },
  }
}
