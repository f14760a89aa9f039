/** Plain load for benchmarks: valid events as Avro bytes, written in place without allocating. */
import { encodeEvent } from '../../ingest/avro-codec.ts'
import type { Event, FieldValue } from '../../ingest/event.ts'
import { eventOf, type Source } from './moment.ts'
import { createRandom, cumulate } from './random.ts'
import { createZipf } from './zipf.ts'

export type StreamOptions = {
  /** Whole number from 0. Streams whose seeds differ, up to 99, have no event id in common. */
  readonly seed: number
  /** 1 to 10,000,000. */
  readonly customers: number
  /** Time of the first event, Unix milliseconds, 2005 to 2039. */
  readonly startMs: number
  /** Pace of the event times: events a customer and day. Default 20. */
  readonly eventsPerCustomerDay?: number
  /** Zipf exponent of how unevenly customers act. Default 0.6. */
  readonly exponent?: number
  /** Only events of these types, in the same proportion to each other; all ten when absent. */
  readonly types?: readonly string[]
}

/** An endless stream; the same options give the same events. */
export type EventStream = {
  /** Moves to the next event. */
  next(): void
  /** Writes the event at hand in Confluent framing; returns its length, at most `maxEventBytes`. */
  write(into: Uint8Array, offset: number): number
  /** The event at hand as an object of its own, equal to what its bytes decode to. */
  event(): Event
  /** Number of the event at hand, from 0. */
  readonly index: number
  /** Its customer, 0 to `customers - 1`. */
  readonly customer: number
  /** Its time, Unix milliseconds. */
  readonly time: number
}

/** No event of a stream is longer; typical ones are 90 to 140 bytes. */
export const maxEventBytes = 192

/** The place of an event in its stream, by its id, and the seed of that stream (0 to 99). */
export function placeOf(eventId: string): { readonly seed: number; readonly index: number } {
  const number = Number(eventId.slice(-idDigits))
  return { seed: Math.floor(number / idsASeed), index: number % idsASeed }
}

/** Id of the n-th customer of a stream. */
export function streamCustomerId(n: number): string {
  return `cu-${String(n).padStart(customerDigits, '0')}`
}

const customerDigits = 9
const idPrefix = 'e7c1a9f2-5b1d-4c9e-8a41-load-'
const idDigits = 14
/** Ids of one seed; more events have no stream. */
const idsASeed = 1e12
const dayMs = 86_400_000

/** Creates a stream standing before its first event: call `next` first. */
export function createStream(options: StreamOptions): EventStream {
  const { seed, customers, startMs, eventsPerCustomerDay = 20, exponent = 0.6 } = options
  if (startMs < 2 ** 40 || startMs > 2 ** 41 - 400 * dayMs)
    throw new RangeError('startMs is not of the years 2005 to 2038')
  const random = createRandom(seed, 'stream')
  const { types = null } = options
  const among = shapes.flatMap(({ type }, i) => (types === null || types.includes(type) ? [i] : []))
  if (among.length === 0) throw new RangeError('the stream has no events of these types')
  const weights = cumulate(among.map((i) => shapes[i]?.weight ?? 0))
  const draw = createZipf(customers, exponent)
  const stepMs = dayMs / (customers * eventsPerCustomerDay)
  const firstId = (seed % 100) * idsASeed
  const at = { index: -1, customer: 0, time: startMs, shape: 0 }
  return {
    next: () => {
      at.index++
      at.customer = draw(random)
      at.shape = among[random.weighted(weights)]!
      at.time = startMs + Math.floor((at.index + random.next()) * stepMs)
    },
    write: (into, offset) => {
      const shape = encodedShapes[at.shape]!
      into.set(shape.bytes, offset)
      writeDigits(into, offset + shape.idAt, idDigits, firstId + at.index)
      writeDigits(into, offset + shape.customerAt, customerDigits, at.customer)
      writeTime(into, offset + shape.timeAt, at.time)
      return shape.bytes.length
    },
    event: () => eventOfShape(shapes[at.shape] ?? firstShape, firstId + at.index, at.customer, at.time),
    get index() {
      return at.index
    },
    get customer() {
      return at.customer
    },
    get time() {
      return at.time
    },
  }
}

type Shape = {
  readonly weight: number
  readonly source: Source
  readonly type: string
  readonly data: Readonly<Record<string, FieldValue>>
}

const yuan = { currency: 'CNY' }
const pages = ['home', 'wealth', 'cards', 'loans', 'fx', 'study_abroad', 'other']
const categories = ['grocery', 'restaurant', 'maternity', 'beauty', 'gaming', 'travel', 'fashion', 'transport']

/** Ten types, several shapes each; amounts and texts are those of the shape. */
const shapes: readonly Shape[] = [
  ...pages.map(
    (group, i): Shape => ({
      weight: [20, 5, 5, 3, 3, 1, 8][i] ?? 1,
      source: 'mobile-app',
      type: 'page.viewed',
      data: { page: `${group}/overview-of-products`, pageGroup: group, dwellMs: 3000 + 7001 * i },
    }),
  ),
  ...categories.map(
    (merchantCategory, i): Shape => ({
      weight: [8, 6, 1, 1, 1, 1, 3, 4][i] ?? 1,
      source: 'card-system',
      type: 'card.purchase',
      data: {
        amount: 1234 + 4567 * i,
        ...yuan,
        merchantCategory,
        merchantId: `m-${merchantCategory}-0042`,
        channel: 'pos',
        country: 'CN',
      },
    }),
  ),
  ...['early_education', 'study_abroad', 'fx', 'wealth'].map(
    (category): Shape => ({
      weight: 2,
      source: 'mobile-app',
      type: 'search.made',
      data: { category, text: 'what others search for' },
    }),
  ),
  ...['salary', 'household', 'rent'].map(
    (kind): Shape => ({
      weight: 3,
      source: 'core-banking',
      type: 'transfer.made',
      data: {
        amount: 450_000,
        ...yuan,
        direction: kind === 'salary' ? 'in' : 'out',
        kind,
        counterpartyBank: 'bank-of-somewhere',
      },
    }),
  ),
  {
    weight: 2,
    source: 'core-banking',
    type: 'repayment.made',
    data: { amount: 500_000, ...yuan, product: 'credit_card' },
  },
  {
    weight: 2,
    source: 'core-banking',
    type: 'repayment.made',
    data: { amount: 120_000, ...yuan, product: 'mortgage' },
  },
  {
    weight: 2,
    source: 'wealth-platform',
    type: 'wealth.trade',
    data: { amount: 1_000_000, ...yuan, side: 'buy', product: 'fund', riskGrade: 3 },
  },
  { weight: 1, source: 'survey', type: 'nps.answered', data: { score: 8, topic: 'mobile application' } },
  {
    weight: 0.5,
    source: 'mobile-app',
    type: 'consent.updated',
    data: { channel: 'push', granted: true, purpose: 'marketing', consentId: null, dataSource: null },
  },
  {
    weight: 0.1,
    source: 'crm',
    type: 'life_event.reported',
    data: { kind: 'unemployment', resolved: false, occurredAt: null },
  },
  {
    weight: 0.4,
    source: 'core-banking',
    type: 'account.opened',
    data: { accountType: 'savings', channel: 'app', advisor: null },
  },
]
const firstShape = shapes[0] ?? never()

function never(): never {
  throw new Error('a list with elements has a first one')
}

function eventOfShape(shape: Shape, idNumber: number, customer: number, time: number): Event {
  const { source, type, data } = shape
  const id = idPrefix + String(idNumber).padStart(idDigits, '0')
  return eventOf({ id, source, type, customerId: streamCustomerId(customer), time, data })
}

type EncodedShape = {
  readonly bytes: Uint8Array
  readonly idAt: number
  readonly customerAt: number
  readonly timeAt: number
}

/**
 * Every shape once through the codec. Ids have one length, and all times of 2005 to 2039 six bytes, so what differs
 * from event to event stands at fixed places: frame 5, then id, source, customer id each behind its length, then time.
 */
const encodedShapes: readonly EncodedShape[] = shapes.map((shape) => {
  const bytes = encodeEvent(eventOfShape(shape, 0, 0, 1_700_000_000_000))
  const idAt = 5 + 1 + idPrefix.length
  const customerStart = idAt + idDigits + 1 + shape.source.length + 1
  const customerAt = customerStart + streamCustomerId(0).length - customerDigits
  return { bytes, idAt, customerAt, timeAt: customerAt + customerDigits }
})

function writeDigits(into: Uint8Array, offset: number, digits: number, value: number): void {
  let rest = value
  for (let i = offset + digits - 1; i >= offset; i--) {
    const tens = Math.floor(rest / 10)
    into[i] = 48 + (rest - tens * 10)
    rest = tens
  }
}

/** Avro's long: zigzag, then seven bits a byte, lowest first. Twice a time of these years has 42 bits: six bytes. */
function writeTime(into: Uint8Array, offset: number, time: number): void {
  let rest = time * 2
  for (let i = 0; i < 5; i++) {
    const high = Math.floor(rest / 128)
    into[offset + i] = 128 | (rest - high * 128)
    rest = high
  }
  into[offset + 5] = rest
}
