/** Messages wait at a gateway, consents are withdrawn: how long until nothing can be sent any more. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Decision, recallDigits } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { startEngineNode } from '../demo/nodes/engine-node.ts'
import { sharedNow } from '../latency/gc-watch.ts'
import type { Servers } from '../servers/servers.ts'
import { openTopicEar, type TopicEar } from '../servers/topic-ear.ts'
import { makeTopics } from '../servers/topics.ts'
import { bankCalls, consent, pageView, purchase } from './bank-calls.ts'

export type RecallPlan = {
  /** Customers with a message that waits, each recalled once. */
  readonly customers: number
  /** Withdrawals a second; as many purchases of other customers, whose messages are the control. */
  readonly rate: number
  /** Events a second beside them that lead to nothing. */
  readonly load: number
}

/** One fact and what came of it; instants of the shared clock, milliseconds. */
export type Trace = {
  readonly dueAt: number
  readonly acknowledgedAt: number
  /** When its record was heard on the decisions topic. */
  readonly heardAt: number
}

export type Withdrawal = Trace & {
  /** A permit for the message, asked for behind the acknowledgement: how long it took, and what was said. */
  readonly permitMs: number
  readonly permitted: boolean
  readonly reason: string
}

export type RecallRun = { readonly withdrawals: readonly Withdrawal[]; readonly purchases: readonly Trace[] }

const key = 'pk_bench_of_recalls'
const partitions = 8
const batch = 100
const heardWithinMs = 30_000

/**
 * Runs it once on an engine of its own, over HTTP, with Kafka and Redis.
 * @throws Error when a message, its recall or the control's message does not come
 */
export async function runRecall(servers: Servers, plan: RecallPlan): Promise<RecallRun> {
  const { brokers, redisUrl } = servers.connections
  const prefix = `${servers.prefix}recall-`
  await makeTopics(brokers, [`${prefix}decisions`], partitions)
  const engine = await startEngineNode('recall', {
    API_KEY: key,
    PARTITIONS: String(partitions),
    PACK: new URL('../race/pack', import.meta.url).pathname,
    KAFKA_BROKERS: brokers.join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    REDIS_URL: redisUrl,
    HISTORY: 'off',
    LOG_LEVEL: 'warn',
  })
  const ear = await openTopicEar(brokers, [`${prefix}decisions`])
  try {
    return await measure(new Gateway(ear), bankCalls(engine.url, key), plan)
  } finally {
    await ear.close()
    await engine.remove()
  }
}

type Calls = ReturnType<typeof bankCalls>

async function measure(gateway: Gateway, calls: Calls, { customers, rate, load }: RecallPlan): Promise<RecallRun> {
  const waiting = Array.from({ length: customers }, (_, i) => `waits-${i}`)
  const buyers = Array.from({ length: customers }, (_, i) => `buys-${i}`)
  for (let from = 0; from < customers; from += batch) {
    const [some, others] = [waiting.slice(from, from + batch), buyers.slice(from, from + batch)]
    await calls.send([...some, ...others].map((id) => consent(id, true)))
    await calls.send(some.map(purchase))
  }
  const messages = await gateway.messages(waiting)
  const startAt = sharedNow() + 1_000
  const noise = makeNoise(calls, load, startAt + (customers * 1_000) / rate)
  const traces = await Promise.all(
    waiting.map(async (customerId, i) => {
      const dueAt = startAt + (i * 1_000) / rate
      const message = messages.get(customerId) ?? ''
      const [withdrawn, bought] = await Promise.all([
        withdraw(calls, { customerId, message, dueAt }),
        buy(calls, buyers[i] ?? '', dueAt + 500 / rate),
      ])
      return { withdrawn: { ...withdrawn, customerId, message }, bought: { ...bought, customerId: buyers[i] ?? '' } }
    }),
  )
  await noise
  const recalls = await gateway.recalls(waiting)
  const control = await gateway.messages(buyers)
  return {
    withdrawals: traces.map(({ withdrawn: { customerId, message, ...rest } }) => {
      const recall = recalls.get(customerId)
      if (recall !== message.slice(0, recallDigits)) throw new Error('a recall names another message')
      return { ...rest, heardAt: gateway.heardAt(customerId, 'recalled') }
    }),
    purchases: traces.map(({ bought: { customerId, ...rest } }) => {
      if (!control.has(customerId)) throw new Error('a purchase led to no message')
      return { ...rest, heardAt: gateway.heardAt(customerId, 'offered') }
    }),
  }
}

async function withdraw(
  calls: Calls,
  { customerId, message, dueAt }: { readonly customerId: string; readonly message: string; readonly dueAt: number },
): Promise<Omit<Withdrawal, 'heardAt'>> {
  await sleep(dueAt - sharedNow())
  await calls.send([consent(customerId, false)])
  const acknowledgedAt = sharedNow()
  const { permitted, reason } = await calls.permit(message, customerId)
  return { dueAt, acknowledgedAt, permitMs: sharedNow() - acknowledgedAt, permitted, reason }
}

async function buy(calls: Calls, customerId: string, dueAt: number): Promise<Omit<Trace, 'heardAt'>> {
  await sleep(dueAt - sharedNow())
  await calls.send([purchase(customerId)])
  return { dueAt, acknowledgedAt: sharedNow() }
}

/** Events of others by a schedule, twenty calls a second, until an instant. */
async function makeNoise(calls: Calls, perSecond: number, until: number): Promise<void> {
  const each = Math.round(perSecond / 20)
  const underWay: Promise<void>[] = []
  for (let at = sharedNow(), n = 0; each > 0 && at < until; at += 50) {
    await sleep(at - sharedNow())
    underWay.push(calls.send(Array.from({ length: each }, () => pageView(`other-${n % 997}`, n++))))
  }
  await Promise.all(underWay)
}

type Said = { readonly at: number; readonly decision: Decision }

/** What a gateway that follows the decisions topic has heard, by customer. */
class Gateway {
  readonly #ear: TopicEar
  readonly #said = new Map<string, Said[]>()

  constructor(ear: TopicEar) {
    this.#ear = ear
  }

  /** The message to each of them, by its decision's id. */
  messages(customers: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#until(customers, 'offered', ({ id }) => id)
  }

  /** What was recalled of each of them. */
  recalls(customers: readonly string[]): Promise<ReadonlyMap<string, string>> {
    return this.#until(customers, 'recalled', ({ recalls }) => recalls.join())
  }

  heardAt(customerId: string, reason: Decision['reason']): number {
    return this.#find(customerId, reason)?.at ?? Number.NaN
  }

  async #until(
    customers: readonly string[],
    reason: Decision['reason'],
    of: (decision: Decision) => string,
  ): Promise<ReadonlyMap<string, string>> {
    const end = performance.now() + heardWithinMs
    for (;;) {
      this.#take()
      const found = customers.flatMap((id) => {
        const said = this.#find(id, reason)
        return said === undefined ? [] : [[id, of(said.decision)] as const]
      })
      if (found.length === customers.length) return new Map(found)
      if (performance.now() > end) throw new Error(`${found.length} of ${customers.length} records (${reason}) came`)
      await sleep(20)
    }
  }

  #find(customerId: string, reason: Decision['reason']): Said | undefined {
    return this.#said.get(customerId)?.find(({ decision }) => decision.reason === reason)
  }

  #take(): void {
    for (const { at, value } of this.#ear.take()) {
      const decision = decodeDecision(value)
      const said = this.#said.get(decision.customerId) ?? []
      this.#said.set(decision.customerId, said)
      said.push({ at, decision })
    }
  }
}
