/** What the systems around the engine ask of it over HTTP: core banking sends facts, a gateway asks for permits. */
import { z } from 'zod'
import { printCloudEvent } from '../../ingest/cloud-event.ts'
import type { Event, FieldValue } from '../../ingest/event.ts'

const Receipt = z.object({ accepted: z.number(), pending: z.number() })
const PermitReply = z.object({ permitted: z.boolean(), reason: z.string() })

export type BankCalls = {
  /** Sends facts in one call; resolved when all of them are committed. @throws Error when one of them is not */
  send(events: readonly Event[]): Promise<void>
  /** Asks whether a message may leave now. */
  permit(decisionId: string, customerId: string): Promise<z.infer<typeof PermitReply>>
}

const patienceMs = 30_000

export function bankCalls(url: string, key: string): BankCalls {
  async function post(path: string, type: string, body: unknown): Promise<unknown> {
    const response = await fetch(url + path, {
      method: 'POST',
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': type },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(patienceMs),
    })
    if (response.status !== 200) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return response.json()
  }
  return {
    async send(events) {
      const path = `/v1/events?deadlineMs=${patienceMs}`
      const body = events.map((event) => printCloudEvent(event))
      const { accepted } = Receipt.parse(await post(path, 'application/cloudevents-batch+json', body))
      if (accepted !== events.length) throw new Error(`${accepted} of ${events.length} events were accepted`)
    },
    async permit(decisionId, customerId) {
      return PermitReply.parse(
        await post(`/v1/permits/${decisionId}`, 'application/json', { customerId, channel: 'push' }),
      )
    },
  }
}

function event(customerId: string, id: string, type: string, data: Readonly<Record<string, FieldValue>>): Event {
  const provenance = { via: 'http', consentId: null } as const
  return { id: `${id}-${customerId}`, source: 'card-system', type, customerId, time: Date.now(), provenance, data }
}

/** Gives or withdraws the consent to messages. */
export function consent(customerId: string, granted: boolean): Event {
  const data = { channel: 'push', granted, purpose: 'marketing' }
  return event(customerId, granted ? 'agreed' : 'withdrawn', 'consent.updated', data)
}

/** A purchase, to which the pack answers with a message. */
export function purchase(customerId: string): Event {
  const rest = { merchantCategory: 'travel', merchantId: 'm-travel-0042', channel: 'online', country: 'CN' }
  return event(customerId, 'bought', 'card.purchase', { amount: 12_000, currency: 'CNY', ...rest })
}

/** Something that leads to nothing: load beside what is measured. */
export function pageView(customerId: string, n: number): Event {
  return event(customerId, `viewed-${n}`, 'page.viewed', { page: '/home', pageGroup: 'home', dwellMs: 1_000 })
}
