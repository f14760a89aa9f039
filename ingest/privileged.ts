import type { Event } from './event.ts'

const always: ReadonlySet<string> = new Set([
  'consent.updated',
  'customer.erased',
  'identity.linked',
  'identity.unlinked',
  'message.sent',
  'message.delivered',
  'message.failed',
])

/**
 * Whether an event may only come through our own door: consents, the end of a life event (it lifts a suppression), receipts of
 * messages, identities, erasures. On a log that others may write to, such an event counts only when it was signed at the door.
 */
export function isPrivileged({ type, data }: Pick<Event, 'type' | 'data'>): boolean {
  return always.has(type) || (type === 'life_event.reported' && data['resolved'] === true)
}
