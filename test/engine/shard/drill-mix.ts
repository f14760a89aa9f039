/** What a bank does for a while, from a seed: events that lead to messages, live requests and their repeats, receipts, erasures. */
import { createRandom } from '../../../bench/workload/random.ts'
import type { LocalShards } from '../../../engine/shard/all-partitions.ts'
import type { Event, FieldValue } from '../../../ingest/event.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { plainProfile } from './plain-profile.ts'
import { pageView, request, type ShardRig } from './shard-rig.ts'

const customers = 40

export const drillCustomers: readonly string[] = Array.from({ length: customers }, (_, i) => `customer-${i}`)

export type DrillMix = {
  /** Profiles and consents: without them nobody gets an offer. */
  meet(): Promise<void>
  /** So many turns: in each some events, some requests at the same time. */
  live(shards: LocalShards, turns: number): Promise<void>
  erase(customerId: string): Promise<void>
  /** Every request that was answered, with what its customer was told. */
  readonly answers: readonly Decision[]
  /** Decisions whose messages did not reach the customer: they are no contacts. */
  readonly failed: ReadonlySet<string>
}

export function drillMix(rig: ShardRig, seed: number): DrillMix {
  const random = createRandom(seed, 'drill')
  const answers: Decision[] = []
  const failed = new Set<string>()
  const asked: { readonly customerId: string; readonly requestId: string }[] = []
  let count = 0
  const anyone = (): string => `customer-${random.below(customers)}`
  const event = (customerId: string, type: string, data: Readonly<Record<string, FieldValue>>, source: string): Event =>
    pageView(customerId, `drill-${count++}`, { source, type, data, time: Date.now() - random.below(1_000) })

  const anyEvent = (): Event => {
    const customerId = anyone()
    const pick = random.below(10)
    if (pick < 6) {
      const pageGroup = random.pick(['fx', 'study_abroad', 'wealth', 'loans'])
      return event(customerId, 'page.viewed', { page: '/', pageGroup, dwellMs: 40_000 }, 'mobile-app')
    }
    if (pick === 6) return event(customerId, 'search.made', { category: 'study_abroad', text: null }, 'mobile-app')
    if (pick === 7) {
      const granted = random.below(4) > 0
      return event(customerId, 'consent.updated', { channel: 'push', granted, purpose: 'marketing' }, 'crm')
    }
    if (pick === 8) {
      const data = { kind: 'unemployment', resolved: random.below(2) === 0, occurredAt: null }
      return event(customerId, 'life_event.reported', data, 'crm')
    }
    const rest = { currency: 'CNY', merchantCategory: 'beauty', merchantId: null, channel: 'pos', country: 'CN' }
    return event(customerId, 'card.purchase', { amount: 100 + random.below(9_000), ...rest }, 'card-system')
  }

  const ask = async (shards: LocalShards, customerId: string, requestId: string): Promise<void> => {
    const placement = random.below(4) === 0 ? 'adviser_desk' : 'app_home_banner'
    const { decision } = await shards.decide(request(customerId, { requestId, placement }))
    answers.push(decision)
  }

  /** A gateway says of some messages that they did not reach the customer. */
  const receipts = async (): Promise<Event[]> => {
    const sent = (await rig.published()).filter(({ contacts, id }) => contacts.length > 0 && !failed.has(id))
    return sent.slice(-2).map(({ id, customerId, channel }) => {
      failed.add(id)
      return event(customerId, 'message.failed', { decisionId: id, channel, reason: null }, 'gateway')
    })
  }

  return {
    answers,
    failed,
    async meet() {
      const profiles = drillCustomers.map((id) => event(id, 'profile.updated', plainProfile, 'core-banking'))
      const consents = ['push', 'sms', 'email', 'in_app'].flatMap((channel) =>
        drillCustomers.map((id) =>
          event(id, 'consent.updated', { channel, granted: true, purpose: 'marketing' }, 'crm'),
        ),
      )
      await rig.appendAll([...profiles, ...consents])
    },
    async live(shards, turns) {
      for (let turn = 0; turn < turns; turn++) {
        const events = Array.from({ length: 4 + random.below(12) }, anyEvent)
        if (turn % 10 === 9) events.push(...(await receipts()))
        const requests = Array.from({ length: random.below(4) }, () => {
          const one = { customerId: anyone(), requestId: `ask-${seed}-${count++}` }
          asked.push(one)
          return one
        })
        const again = asked[random.below(Math.max(1, asked.length))]
        await Promise.all([
          rig.appendAll(events),
          ...[...requests, ...(again === undefined ? [] : [again])].map((one) =>
            ask(shards, one.customerId, one.requestId),
          ),
        ])
      }
    },
    async erase(customerId) {
      await rig.append(event(customerId, 'customer.erased', { ground: 'request' }, 'crm'))
    },
  }
}
