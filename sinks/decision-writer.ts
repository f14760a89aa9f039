/**
 * Writes a decision in the Avro encoding of `schemas/decision.4.avsc`, byte for byte what avsc writes (a property test holds it
 * to that). Records are mostly names of a closed set (offers, reasons, rules, features): their bytes are kept and copied, which
 * makes a record about four times cheaper than encoding each text anew, and a record leaves with every live answer.
 */
import assert from 'node:assert'
import {
  type Decision,
  type Fate,
  type FeatureUsed,
  messageClasses,
  type Origin,
  type PriceGiven,
  type StockAsked,
  stages,
  trialGroups,
} from './decision.ts'
import { stageNameOf, symbolOf, wireStages } from './wire-fate.ts'

/** Names kept, and the longest one kept. Beyond them a text is encoded each time. */
const namesMax = 16_384
const nameBytesMax = 96

const stageIndex: ReadonlyMap<string, number> = new Map(
  stages.map((stage) => [stage, wireStages.indexOf(symbolOf(stage))]),
)
const stageNames: ReadonlyMap<string, string | null> = new Map(stages.map((stage) => [stage, stageNameOf(stage)]))
const outcomeIndex: ReadonlyMap<string, number> = new Map([
  ['offered', 0],
  ['fallback', 1],
  ['none', 2],
])
const classIndex: ReadonlyMap<string, number> = new Map([
  ['exact', 0],
  ['bounded', 1],
  ['unknown', 2],
])

const messageClassIndex: ReadonlyMap<string, number> = new Map(messageClasses.map((name, index) => [name, index]))

const trialGroupIndex: ReadonlyMap<string, number> = new Map(trialGroups.map((name, index) => [name, index]))

const names = new Map<string, Uint8Array>()

/** Most bytes one record may take: far above any real one, a bound for readers of foreign bytes. */
export const decisionBytesMax = 1024 * 1024

// One fixed buffer: writes beyond its end are dropped by the engine and the length tells, so no write needs a check.
const out = Buffer.alloc(decisionBytesMax)
const view = new DataView(out.buffer, out.byteOffset, out.length)
let at = 0

/**
 * The record's bytes behind `header`, in a buffer of its own.
 * @throws AssertionError when it is larger than `decisionBytesMax`, TypeError when a stage, outcome or class is none of its list (a bug)
 */
export function writeDecision(decision: Decision, header: Uint8Array): Uint8Array {
  at = 0
  out.set(header, 0)
  at = header.length
  text(decision.id)
  text(decision.customerId)
  const { cause } = decision
  byte(cause.kind === 'event' ? 0 : 2)
  text(cause.id)
  name(cause.source)
  name(cause.type)
  name(decision.placement)
  name(decision.channel)
  name(decision.packHash)
  long(decision.eventTime)
  long(decision.acceptedAt)
  long(decision.now)
  long(decision.notAfter)
  symbol(outcomeIndex, decision.outcome)
  name(decision.reason)
  if (decision.offers.length > 0) {
    long(decision.offers.length)
    for (const item of decision.offers) {
      name(item.offer)
      number(item.score)
    }
  }
  byte(0)
  if (decision.fates.length > 0) {
    long(decision.fates.length)
    for (const fate of decision.fates) writeFate(fate)
  }
  byte(0)
  if (decision.features.length > 0) {
    long(decision.features.length)
    for (const feature of decision.features) writeFeature(feature)
  }
  byte(0)
  if (decision.contacts.length > 0) {
    long(decision.contacts.length)
    for (const contact of decision.contacts) {
      name(contact.offer)
      name(contact.category)
      symbol(messageClassIndex, contact.class)
    }
  }
  byte(0)
  long(decision.confirmBy)
  if (decision.held.length > 0) {
    long(decision.held.length)
    for (const held of decision.held) {
      name(held.trigger)
      long(held.at)
      long(held.expiresAt)
    }
  }
  byte(0)
  number(decision.nothing)
  name(decision.modelHash)
  if (decision.holdouts.length > 0) {
    long(decision.holdouts.length)
    for (const trial of decision.holdouts) {
      name(trial.holdout)
      name(trial.offer)
      symbol(trialGroupIndex, trial.group)
    }
  }
  byte(0)
  if (decision.recalls.length > 0) {
    long(decision.recalls.length)
    for (const recalled of decision.recalls) text(recalled)
  }
  byte(0)
  if (decision.stock.length > 0) {
    long(decision.stock.length)
    for (const asked of decision.stock) writeStock(asked)
  }
  byte(0)
  if (decision.origins.length > 0) {
    long(decision.origins.length)
    for (const origin of decision.origins) writeOrigin(origin)
  }
  byte(0)
  if (decision.prices.length > 0) {
    long(decision.prices.length)
    for (const price of decision.prices) writePrice(price)
  }
  byte(0)
  assert(at <= decisionBytesMax, 'a decision record is bounded by its pack')
  return new Uint8Array(out.subarray(0, at))
}

function writeFate(fate: Fate): void {
  name(fate.offer)
  optionalName(fate.trigger)
  symbol(stageIndex, fate.stage)
  name(fate.reason)
  optionalName(fate.rule)
  number(fate.propensity)
  number(fate.context)
  number(fate.value)
  number(fate.lever)
  number(fate.score)
  long(fate.possibleAt)
  optionalName(stageNames.get(fate.stage) ?? null)
  optionalName(fate.learned)
}

function writeStock({ offer, resource, amount, left, claim, until }: StockAsked): void {
  name(offer)
  name(resource)
  long(amount)
  if (left === null) byte(0)
  else {
    byte(2)
    long(left)
  }
  if (claim === null) byte(0)
  else {
    byte(2)
    text(claim)
  }
  long(until)
}

function writeOrigin({ kind, id, basis, features }: Origin): void {
  name(kind)
  // The hash of a consent is of one customer.
  if (kind === 'consent') text(id)
  else name(id)
  name(basis)
  if (features.length > 0) {
    long(features.length)
    for (const feature of features) long(feature)
  }
  byte(0)
}

function writePrice({ offer, price, kind, value, known }: PriceGiven): void {
  name(offer)
  name(price)
  name(kind)
  number(value)
  byte(known ? 1 : 0)
}

function writeFeature(feature: FeatureUsed): void {
  name(feature.name)
  number(feature.lo)
  number(feature.hi)
  symbol(classIndex, feature.class)
}

function byte(value: number): void {
  out[at++] = value
}

/** Avro long: zigzag, then seven bits a byte. Arithmetic, as instants exceed 32 bits. */
function long(value: number): void {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1
  while (rest >= 128) {
    out[at++] = (rest % 128) + 128
    rest = Math.floor(rest / 128)
  }
  out[at++] = rest
}

function symbol(index: ReadonlyMap<string, number>, value: string): void {
  const found = index.get(value)
  if (found === undefined) throw new TypeError('a symbol that the schema does not have')
  byte(found * 2)
}

function number(value: number): void {
  if (at + 8 <= decisionBytesMax) view.setFloat64(at, value, true)
  at += 8
}

function optionalName(value: string | null): void {
  if (value === null) byte(0)
  else {
    byte(2)
    name(value)
  }
}

/** A text of a closed set: its encoded bytes are looked up and copied. */
function name(value: string): void {
  const bytes = names.get(value)
  if (bytes === undefined) {
    const from = at
    text(value)
    if (names.size < namesMax && at - from <= nameBytesMax && at <= decisionBytesMax)
      names.set(value, new Uint8Array(out.subarray(from, at)))
    return
  }
  const length = bytes.length
  const from = at
  for (let i = 0; i < length; i++) out[from + i] = bytes[i]!
  at = from + length
}

function text(value: string): void {
  const length = Buffer.byteLength(value)
  long(length)
  if (at + length <= decisionBytesMax) out.write(value, at, 'utf8')
  at += length
}
