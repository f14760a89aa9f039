/** What comes to the door, one by one: as an event that is sound, or why it is none. */
import assert from 'node:assert'
import { Buffer } from 'node:buffer'
import { type EventCodec, MAX_RECORD_BYTES } from './avro-codec.ts'
import { parseCloudEvent, printCloudEvent } from './cloud-event.ts'
import type { Event, Via } from './event.ts'
import { schemaCatalogue } from './event-types.ts'
import { concernsIdentities, type Identities } from './identity/identities.ts'
import { isCustomerName, type Rejection, validateEvent } from './validate.ts'

/** Something that wants to become an event of the log. */
export type IntakeItem =
  /** CloudEvents JSON: parsed, and as it came. */
  | { readonly kind: 'json'; readonly value: unknown; readonly bytes: Uint8Array }
  /** A framed Avro record. */
  | { readonly kind: 'avro'; readonly bytes: Uint8Array }
  /** An event from our own code; `appendTime` (Unix milliseconds) for logs on an event clock. */
  | { readonly kind: 'event'; readonly event: Event; readonly appendTime?: number }

/** `appendTime`: the one that the item brought. */
export type CheckedItem =
  | { readonly kind: 'ok'; readonly event: Event; readonly appendTime: number | undefined }
  | { readonly kind: 'rejected'; readonly rejection: Rejection; readonly bytes: Uint8Array }

/** Checks an item by every rule and stamps how it came in. The customer of JSON and of our own events may be an alias yet. */
export function checkItem(codec: Pick<EventCodec, 'decode'>, item: IntakeItem, via: Via): CheckedItem {
  switch (item.kind) {
    case 'json': {
      if (item.bytes.length > MAX_RECORD_BYTES) return refused({ reason: 'too_large', field: null }, item.bytes)
      const parsed = parseCloudEvent(item.value, via, isCustomerName)
      return parsed.kind === 'ok' ? sound(parsed.event) : refused(parsed.rejection, item.bytes)
    }
    case 'avro': {
      const decoded = codec.decode(item.bytes)
      return decoded.kind === 'ok' ? sound(stamped(decoded.event, via)) : refused(decoded, item.bytes)
    }
    case 'event': {
      const rejection = validateEvent(item.event, schemaCatalogue.types, isCustomerName)
      return rejection === null
        ? sound(stamped(item.event, via), item.appendTime)
        : refused(rejection, printed(item.event))
    }
  }
}

/**
 * Settles the checked items that name an alias; the others stay as they are, and without any nothing is asked.
 * @throws IdentityError as `Identities.settle`
 */
export async function settleItems(
  identities: Identities,
  items: readonly IntakeItem[],
  checked: readonly CheckedItem[],
  { via, now }: { readonly via: Via; readonly now: () => number },
): Promise<readonly CheckedItem[]> {
  const named = checked.flatMap((one, index) =>
    one.kind === 'ok' && concernsIdentities(one.event) ? [{ index, ...one }] : [],
  )
  if (named.length === 0) return checked
  const events = named.map(({ event, appendTime }) => ({ event, acceptedAt: appendTime ?? now() }))
  const settled = await identities.settle(events, via)
  const all = [...checked]
  for (const [i, { index, event, appendTime }] of named.entries()) {
    const [item, one] = [items[index], settled[i]]
    assert(item !== undefined && one !== undefined, 'every event is settled')
    all[index] = one.kind === 'ok' ? sound(one.event, appendTime) : refusedName(item, event, one.rejection)
  }
  return all
}

/** The bytes of a dead letter as an item: a framed record begins with a zero byte, which JSON text never does. */
export function itemOf(bytes: Uint8Array): IntakeItem {
  if (bytes[0] === 0) return { kind: 'avro', bytes }
  let value: unknown
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    value = undefined
  }
  return { kind: 'json', value, bytes }
}

function sound(event: Event, appendTime?: number): CheckedItem {
  return { kind: 'ok', event, appendTime }
}

function refused({ reason, field }: Rejection, bytes: Uint8Array): CheckedItem {
  return { kind: 'rejected', rejection: { reason, field }, bytes }
}

/** Its letter holds what came, alias and all, so that it can be handed in again when more is known of the alias. */
function refusedName(item: IntakeItem, event: Event, { reason, field }: Rejection): CheckedItem {
  const named = item.kind === 'json' && field === 'customerId' ? 'subject' : field
  return refused({ reason, field: named }, item.kind === 'event' ? printed(event) : item.bytes)
}

function stamped(event: Event, via: Via): Event {
  return { ...event, provenance: { via, consentId: event.provenance.consentId } }
}

function printed(event: Event): Uint8Array {
  return Buffer.from(JSON.stringify(printCloudEvent(event)))
}
