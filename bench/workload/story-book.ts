/** Keeps what became of the stories and says which expectations did not come true. */
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import type { Expectation, Story } from './story.ts'

export type StoryBook = {
  /** The story of a customer; undefined for the others. */
  storyOf(customerId: string): Story | undefined
  /** Notes a decision, each id once; those of customers without a story are passed over. */
  decided(decision: Decision): void
  /** Notes that an event was set aside. */
  setAside(eventId: string, reason: string): void
  /** For each story the expectations that do not hold, as sentences; none when it was told right. */
  verdicts(): readonly { readonly story: Story; readonly flaws: readonly string[] }[]
  /** The same for all stories in one list, each sentence behind the id of its story. */
  failures(): readonly string[]
}

/** Opens the book. Bounded by the stories: a handful of decisions each. */
export function openStoryBook(stories: readonly Story[]): StoryBook {
  const byCustomer = new Map(stories.flatMap((story) => story.customers.map((customer) => [customer, story] as const)))
  const decisions = new Map<string, Decision>()
  const letters = new Map<string, string>()
  const verdicts = (): ReturnType<StoryBook['verdicts']> => {
    const known = [...decisions.values()]
    const flawsOf = (story: Story) => story.expects.flatMap((expected) => flawOf(expected, known, letters) ?? [])
    return stories.map((story) => ({ story, flaws: flawsOf(story) }))
  }
  return {
    storyOf: (customerId) => byCustomer.get(customerId),
    decided: (decision) => {
      if (byCustomer.has(decision.customerId)) decisions.set(decision.id, decision)
    },
    setAside: (eventId, reason) => {
      letters.set(eventId, reason)
    },
    verdicts,
    failures: () => verdicts().flatMap(({ story, flaws }) => flaws.map((flaw) => `${story.id}: ${flaw}`)),
  }
}

function flawOf(
  expected: Expectation,
  decisions: readonly Decision[],
  letters: ReadonlyMap<string, string>,
): string | null {
  if (expected.kind === 'dead_letter') {
    const reason = letters.get(expected.eventId)
    return reason === expected.reason
      ? null
      : `${expected.eventId} is ${reason ?? 'not'} set aside as ${expected.reason}`
  }
  const { customerId, offer } = expected
  const own = decisions.filter((decision) => decision.customerId === customerId)
  const offered = own.filter((decision) => decision.offers.some((item) => item.offer === offer))
  switch (expected.kind) {
    case 'offered': {
      const times = offered.filter((decision) => decision.placement === expected.placement).length
      if (times === expected.times) return null
      return `${customerId} gets ${offer} on ${expected.placement} ${times} times, not ${expected.times}`
    }
    case 'recalled': {
      const prefixes = new Set(offered.map(({ id }) => id.slice(0, recallDigits)))
      const recalls = own.filter(
        ({ reason, recalls, fates }) =>
          reason === 'recalled' &&
          recalls.some((digits) => prefixes.has(digits)) &&
          fates.some((fate) => fate.offer === offer && fate.reason === expected.reason),
      )
      return recalls.length === 1
        ? null
        : `the message with ${offer} to ${customerId} is taken back for ${expected.reason} ${recalls.length} times`
    }
    case 'never':
      return offered.length === 0 ? null : `${customerId} gets ${offer}`
    case 'stopped': {
      const fates = own.flatMap((decision) => decision.fates.filter((fate) => fate.offer === offer))
      if (fates.some((fate) => fate.reason === expected.reason)) return null
      const reasons = [...new Set(fates.map((fate) => fate.reason))].join(', ')
      return `${offer} of ${customerId} is not stopped by ${expected.reason} (${reasons === '' ? 'no candidate' : reasons})`
    }
  }
}
