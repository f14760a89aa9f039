import { oneBatchACommit } from './batch-checkers.ts'
import { answersAreKept, equalsPlainPass, oneContentAnId, orderHolds } from './checkers.ts'
import { capsHold, closedStaysClosed, contactsAreKnown, optOutsHold } from './contact-checkers.ts'
import type { Evidence } from './evidence.ts'
import { recallsHold } from './recall-checkers.ts'

/**
 * Everything that must hold of a run; what does not, in sentences.
 * @param forgets whether answers may be forgotten that were not published yet, and count for no cap then: only when engine and store are
 *   lost together, or the engine stands still for so long that it counts as dead
 */
export function allProblems(evidence: Evidence, { forgets }: { readonly forgets: boolean }): string[] {
  return [
    ...equalsPlainPass(evidence),
    ...oneContentAnId(evidence),
    ...oneBatchACommit(evidence),
    ...contactsAreKnown(evidence),
    ...optOutsHold(evidence),
    ...closedStaysClosed(evidence),
    ...orderHolds(evidence),
    ...(reportsSms(evidence) ? recallsHold(evidence) : []),
    ...capsHold(evidence, { forgets }),
    ...(forgets ? [] : answersAreKept(evidence)),
  ]
}

/** Whether the SMS gateway reports what it sends, so that messages wait to be sent. */
function reportsSms({ pack }: Evidence): boolean {
  return pack.loaded.model.channels.some(({ id, receipts }) => id === 'sms' && receipts)
}
