/** A seeded bank: customers with life stories among many others, over one simulated day. */
import { moodAt, perMinute, withinMinute } from './day-curve.ts'
import { familyStories } from './family-stories.ts'
import { type EventMoment, eventOf, type Moment, type RequestMoment } from './moment.ts'
import { customerIdOf, type Persona, personaOf } from './persona.ts'
import { deedOf, knownDeeds } from './population.ts'
import { createRandom, type Random } from './random.ts'
import { redLineStories } from './red-line-stories.ts'
import { senderStories } from './sender-stories.ts'
import { serviceStories } from './service-stories.ts'
import { dayMs, type Story } from './story.ts'
import { createZipf } from './zipf.ts'

export type BankOptions = {
  /** Whole number; the same options give the same moments. */
  readonly seed: number
  /** Customers without a story, 1 to 1,000,000. */
  readonly customers: number
  /** Local midnight of the simulated day in the bank's zone, Unix milliseconds. */
  readonly dayStartMs: number
  /** Everything that is sent in all, history, duplicates and broken bytes included; raised to what the stories need. */
  readonly events: number
}

export type Bank = {
  readonly stories: readonly Story[]
  /** What will be sent in all: events and broken bytes, before and on the day. Requests come on top. */
  readonly events: number
  /** Instant from which on the history of the bank is complete: nothing it sends is older. */
  readonly completeSinceMs: number
  /** What happened before the day, in order of arrival. Makes the moments anew each time it is called. */
  history(): Generator<EventMoment>
  /** The day from midnight to midnight, in order of arrival. Makes the moments anew each time it is called. */
  day(): Generator<Moment>
}

/** Share of the population's events that tell who the customers are, before the day. */
const knownShare = 0.25
/** One in so many events of the population is sent twice, comes late, or is of a device with a wrong clock. */
const oddities = { repeated: 0.004, late: 0.01, ahead: 0.001 }
/** Longer than any window of the sample pack, so that what did not happen is known not to have happened. */
const completeDays = 400

/** Creates the bank; nothing is generated before a stream is read. Moments are made one by one, never kept. */
export function createBank(options: BankOptions): Bank {
  const { seed, dayStartMs } = options
  const stories = [familyStories, redLineStories, serviceStories, senderStories].flatMap((make) => make(dayStartMs))
  const told = stories.flatMap((story) => story.history).toSorted(byArrival)
  const toldDay: readonly Moment[] = stories.flatMap((story) => story.day).toSorted(byArrival)
  const sentByStories = told.length + toldDay.filter((moment) => moment.kind !== 'request').length
  const budget = Math.max(0, options.events - sentByStories)
  const known = knownCustomers(seed, options.customers, Math.floor(budget * knownShare))
  return {
    stories,
    events: sentByStories + budget,
    completeSinceMs: dayStartMs - completeDays * dayMs,
    history: () => merge(told.values(), knownMoments(options, known.customers)),
    day: () => merge(toldDay.values(), populationDay(options, budget - known.events)),
  }
}

function byArrival(a: Moment, b: Moment): number {
  return a.at - b.at
}

/** How many customers, from the busiest on, are known before the day, within a number of events. */
function knownCustomers(seed: number, customers: number, limit: number): { customers: number; events: number } {
  let events = 0
  for (let n = 0; n < customers; n++) {
    const more = knownDeeds(personaOf(seed, n)).length
    if (events + more > limit) return { customers: n, events }
    events += more
  }
  return { customers, events }
}

/** All on the day before, so that no window of the stories is touched; spread over its hours. */
function* knownMoments(options: BankOptions, customers: number): Generator<EventMoment> {
  const { seed, dayStartMs } = options
  for (let n = 0; n < customers; n++) {
    const persona = personaOf(seed, n)
    const at = dayStartMs - dayMs + Math.floor((n / customers) * dayMs)
    const customerId = customerIdOf(n)
    let told = 0
    for (const deed of knownDeeds(persona)) {
      yield { kind: 'event', at, event: eventOf({ ...deed, id: `known-${n}-${told++}`, customerId, time: at }) }
    }
  }
}

/** Personas kept at hand: the busy ones come again and again. */
const personasKept = 20_000
/** Events that wait to be sent again, or arrive late; each waits at most two hours. */
const waitingMax = 10_000

function* populationDay(options: BankOptions, events: number): Generator<Moment> {
  const { seed, customers, dayStartMs } = options
  const random = createRandom(seed, 'population')
  const draw = createZipf(customers, 0.9)
  const personas = new Map<number, Persona>()
  const waiting: EventMoment[] = []
  const repeats = Math.min(Math.floor(events * oddities.repeated), waitingMax)
  const counts = perMinute(events - repeats)
  const repeatEvery = repeats === 0 ? Number.POSITIVE_INFINITY : Math.floor((events - repeats) / repeats)
  let sent = 0
  let repeated = 0
  for (let minute = 0; minute < counts.length; minute++) {
    const mood = moodAt(minute)
    const start = dayStartMs + minute * 60_000
    const count = counts[minute] ?? 0
    for (let i = 0; i < count; i++) {
      const at = start + withinMinute(i, count, random)
      while ((waiting[0]?.at ?? Number.POSITIVE_INFINITY) <= at) yield waiting.shift() ?? never()
      const persona = personaAt(personas, seed, draw(random))
      const deed = deedOf(persona, mood, random)
      const time = claimedTime(at, dayStartMs, deed.source, random)
      const { customerId } = persona
      const moment: EventMoment = {
        kind: 'event',
        at,
        event: eventOf({ ...deed, id: `day-${sent}`, customerId, time }),
      }
      sent++
      yield moment
      if (sent % repeatEvery === 0 && repeated < repeats) {
        repeated++
        waiting.push({ ...moment, at: at + 3000 })
      }
      const request = requestAfter(moment, sent, random)
      if (request !== null) yield request
    }
  }
  yield* waiting
}

function never(): never {
  throw new Error('the head of a list that is not empty is there')
}

function personaAt(kept: Map<number, Persona>, seed: number, n: number): Persona {
  const known = kept.get(n)
  if (known !== undefined) return known
  const persona = personaOf(seed, n)
  if (kept.size < personasKept) kept.set(n, persona)
  return persona
}

/** Apps send late when a phone was off, or live in a wrong time; the bank's own systems do not. */
function claimedTime(at: number, dayStartMs: number, source: string, random: Random): number {
  if (source !== 'mobile-app') return at
  if (random.chance(oddities.late)) return Math.max(dayStartMs, at - random.below(2 * 3_600_000))
  return random.chance(oddities.ahead) ? at + 5 * 3_600_000 : at
}

/** The app asks for a banner when its home is opened, for offers now and then; a desk asks in the day. */
function requestAfter(moment: EventMoment, n: number, random: Random): RequestMoment | null {
  const { event, at } = moment
  const ask = (placement: string, count: number): RequestMoment => {
    return { kind: 'request', at, customerId: event.customerId, placement, requestId: `ask-${n}`, count }
  }
  if (event.type === 'page.viewed') {
    if (event.data['pageGroup'] === 'home') return random.chance(0.4) ? ask('app_home_banner', 1) : null
    return random.chance(0.08) ? ask('app_offers', 3) : null
  }
  return event.type === 'account.opened' && random.chance(0.5) ? ask('adviser_desk', 3) : null
}

/** Two streams in order of arrival; on a tie the first goes first. */
function* merge<T extends Moment>(first: Iterator<T>, second: Iterator<T>): Generator<T> {
  let a = first.next()
  let b = second.next()
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && a.value.at <= b.value.at)) {
      if (a.done !== true) yield a.value
      a = first.next()
    } else {
      yield b.value
      b = second.next()
    }
  }
}
