/** The engine's side of the race: real shards on worker threads, customers in Redis, log embedded, and everything asked at once. */
import { join } from 'node:path'
import type { Engine } from '../../engine/compose.ts'
import type { DecisionRequest, Position } from '../../engine/shard/shards.ts'
import type { Event } from '../../ingest/event.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { startRedisEngine } from '../servers/redis-engine.ts'

export type RaceCounts = {
  /** Contacts that the records took: what counts. The customer's own state and the answers agree with it, or the run fails. */
  readonly contacts: number
  /** Of them, those that answered a live request. */
  readonly live: number
  /** Records of live requests and of events: one for each attempt. */
  readonly records: number
  /** From the first attempt to the last answer and the last applied event, milliseconds. */
  readonly ms: number
}

export type First = 'requests' | 'events'

export type RaceEngine = {
  /**
   * Offers `attempts` contacts for a customer at once, half of them live requests, half events of the stream. `first: requests`
   * sends all in one moment: requests come in first then, as events are durable in the log before they count. `first: events`
   * has each request wait for an event of its own (`after`), while the other ones are still coming.
   * @param attempts an even number
   * @throws Error when an attempt was not decided by the funnel (a deadline, an overload), or the counts disagree: nothing is proved then
   */
  race(customerId: string, attempts: number, first: First): Promise<RaceCounts>
  stop(): Promise<void>
}

/** No attempt may be answered by its deadline: that would be a contact less for the wrong reason. */
const patienceMs = 60_000
const pack = join(import.meta.dirname, 'pack')

/** Starts an engine on a Redis, with everything else in a temporary folder. */
export async function startRaceEngine(redisUrl: string): Promise<RaceEngine> {
  const { engine, stop } = await startRedisEngine({ redisUrl, pack, cacheMb: 32 })
  return {
    race: (customerId, attempts, first) => race(engine, { customerId, attempts, first }),
    stop,
  }
}

type Race = { readonly customerId: string; readonly attempts: number; readonly first: First }

async function race(engine: Engine, { customerId, attempts, first }: Race): Promise<RaceCounts> {
  await applied(engine, await append(engine, consent(customerId)))
  const started = performance.now()
  const pair = async (n: number): Promise<boolean> => {
    const request = { customerId, requestId: `ask-${n}` }
    const asked = first === 'requests' ? ask(engine, { ...request, after: null }) : null
    const after = await append(engine, purchase(customerId, n))
    const [offered] = await Promise.all([asked ?? ask(engine, { ...request, after }), applied(engine, after)])
    return offered
  }
  const answers = await Promise.all(Array.from({ length: attempts / 2 }, (_, n) => pair(n)))
  const ms = performance.now() - started
  await engine.shards.drained()
  const records = await recordsOf(engine, customerId)
  const contacts = records.reduce((sum, { taken }) => sum + taken, 0)
  const live = answers.filter((offered) => offered).length
  const known = (await engine.shards.customer(customerId)).contacts.length
  if (known !== contacts) throw new Error(`the customer has ${known} contacts, the records took ${contacts}`)
  const liveTaken = records.filter(({ kind, taken }) => kind === 'request' && taken > 0).length
  if (live !== liveTaken) throw new Error(`${live} requests were answered with an offer, ${liveTaken} records say so`)
  if (records.length !== attempts) throw new Error(`${attempts} attempts left ${records.length} records`)
  return { contacts, live, records: records.length, ms }
}

/** A live request; whether it got the offer. */
async function ask(
  { shards }: Engine,
  request: Pick<DecisionRequest, 'customerId' | 'requestId' | 'after'>,
): Promise<boolean> {
  const rest = { placement: 'app_banner', count: 1, deadlineAt: Date.now() + patienceMs }
  const { decision } = await shards.decide({ ...request, ...rest })
  if (decision.outcome === 'offered') return true
  if (decision.reason === 'all_dropped') return false
  throw new Error(`a request was not decided: ${decision.reason}`)
}

/** Appends an event; resolved when it is durable. */
async function append({ intake }: Engine, event: Event): Promise<Position> {
  const [result] = await intake.submit([{ kind: 'event', event }], 'stream')
  if (result?.kind !== 'appended') throw new Error(`an event was refused: ${result?.reason}`)
  return result
}

async function applied({ shards }: Engine, position: Position): Promise<void> {
  const became = await shards.applied(position, Date.now() + patienceMs)
  if (became !== 'accepted') throw new Error(`an event was not applied: ${became}`)
}

function purchase(customerId: string, n: number): Event {
  return {
    ...head(`buy-${n}`, 'card.purchase', customerId),
    data: {
      amount: 12_000,
      currency: 'CNY',
      merchantCategory: 'travel',
      merchantId: 'm-travel-0042',
      channel: 'online',
      country: 'CN',
    },
  }
}

function consent(customerId: string): Event {
  return {
    ...head('consent', 'consent.updated', customerId),
    data: { channel: 'push', granted: true, purpose: 'marketing' },
  }
}

function head(id: string, type: string, customerId: string): Omit<Event, 'data'> {
  const provenance = { via: 'stream', consentId: null } as const
  return { id: `${id}-${customerId}`, source: 'card-system', type, customerId, time: Date.now(), provenance }
}

type Taken = { readonly kind: 'event' | 'request'; readonly taken: number }

/** What the published records of a customer took. */
async function recordsOf({ decisions }: Engine, customerId: string): Promise<readonly Taken[]> {
  const found: Taken[] = []
  for (let partition = 0; partition < decisions.partitions; partition++) {
    const { start, end } = await decisions.bounds(partition)
    let at = start
    while (at < end) {
      const records = await decisions.read(partition, at, { maxBytes: 2 ** 20, maxRecords: 1_000 })
      for (const { offset, value } of records) {
        at = offset + 1
        const decision = decodeDecision(value)
        if (decision.customerId === customerId)
          found.push({ kind: decision.cause.kind, taken: decision.contacts.length })
      }
      if (records.length === 0) break
    }
  }
  return found
}
