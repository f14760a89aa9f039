import type { Event } from './event.ts'
import { overrideType } from './override.ts'

const always: ReadonlySet<string> = new Set([
  'consent.updated',
  'customer.erased',
  overrideType,
  'identity.linked',
  'identity.unlinked',
  'message.sent',
  'message.delivered',
  'message.failed',
])

/** Types whose end lifts a suppression. Their beginning sets one, which closes and may come from anywhere. */
const ending: ReadonlySet<string> = new Set(['life_event.reported', 'complaint.updated'])

/**
 * Whether an event may only come through our own door: consents, the end of a life event or of a complaint (it lifts a suppression), receipts of
 * messages, identities, erasures, overrides of guardrails. On a log that others may write to, such an event counts only when it was signed at the door.
 */
export function isPrivileged({ type, data }: Pick<Event, 'type' | 'data'>): boolean {
  return always.has(type) || (ending.has(type) && data['resolved'] === true)
}
