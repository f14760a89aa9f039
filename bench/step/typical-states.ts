/** States as a month of ordinary days leaves them, grown by the real step and kept as stored bases. */
import { createStates } from '../../engine/state/flat-states.ts'
import type { Slot, States } from '../../engine/state/states.ts'
import type { StepContext } from '../../engine/step/step.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { stepEvent } from '../../engine/step/step-event.ts'
import { decodeEvent } from '../../ingest/avro-codec.ts'
import type { Event } from '../../ingest/event.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { createStream, maxEventBytes, streamCustomerId } from '../workload/stream.ts'

export type TypicalStates = {
  /** The instant behind the last event. */
  readonly endMs: number
  /** Events that were stepped to get there. */
  readonly events: number
  /** Mean length of a base, bytes. */
  readonly meanBytes: number
  /** The base of customer `n` of `customers`: that of the grown customer at the same place in the order of activity. */
  base(n: number, customers: number): Uint8Array
}

/** Secret of the benchmarks' decision ids. */
export const benchSalt = 'salt of the benchmarks'
const usualStartMs = Date.UTC(2026, 4, 1)
const dayMs = 86_400_000
const batch = 256

/**
 * Grows `customers` states over `days` days of the plain stream at 20 events a customer and day, or as many as is said (Zipf 0.6,
 * as everywhere).
 * Zipf has no scale, so a larger bank gets each of them several times, by rank.
 * @param startMs when that begins; a server has its own clock, so its customers' days end now
 */
export function growTypicalStates(
  pack: LoadedPack,
  customers = 2_000,
  days = 30,
  startMs = usualStartMs,
  eventsADay = 20,
): TypicalStates {
  const compiled = compilePack(pack)
  const states = createStates(compiled.layout, {
    maxBytes: Math.max(64 * 2 ** 20, customers * 48 * 1024),
    observedSince: compiled.layout.series.map(() => 0),
  })
  const context = createStepContext(compiled, states, benchSalt)
  for (let n = 0; n < customers; n++) introduce(context, n, startMs)
  const stream = createStream({ seed: 1, customers, startMs, eventsPerCustomerDay: eventsADay })
  const bytes = new Uint8Array(maxEventBytes)
  const events = customers * days * eventsADay
  for (let done = 0; done < events; done += batch) {
    states.begin(0)
    for (let i = 0; i < batch; i++) {
      stream.next()
      const decoded = decodeEvent(bytes.subarray(0, stream.write(bytes, 0)))
      if (decoded.kind !== 'ok') throw new Error(`the stream wrote an event that is ${decoded.reason}`)
      apply(context, decoded.event)
    }
    states.writes(0)
    states.installed(0)
  }
  const bases = Array.from({ length: customers }, (_, n) => states.encode(states.find(streamCustomerId(n))))
  return {
    endMs: startMs + days * dayMs,
    events,
    meanBytes: bases.reduce((sum, base) => sum + base.length, 0) / customers,
    base: (n, of) => bases[Math.floor((n * customers) / of)] ?? new Uint8Array(),
  }
}

/** Three of four customers have a profile, two of three accept push messages: offers are made, and are stopped. */
function introduce(context: StepContext, n: number, startMs: number): void {
  const { states } = context
  states.begin(0)
  if (n % 4 !== 3) apply(context, profileOf(n, startMs))
  if (n % 3 !== 2) apply(context, consentOf(n, startMs))
  states.writes(0)
  states.installed(0)
}

function apply(context: StepContext, event: Event): void {
  const slot = slotOf(context.states, event.customerId)
  stepEvent(context, slot, { event, acceptedAt: event.time, now: event.time })
}

function slotOf(states: States, customerId: string): Slot {
  const found = states.find(customerId)
  return found >= 0 ? found : states.load(0, customerId, null)
}

function profileOf(n: number, startMs: number): Event {
  return {
    ...headOf(n, 'profile.updated', startMs),
    data: {
      employmentStatus: n % 8 === 1 ? 'self_employed' : 'employed',
      studentStatus: false,
      riskGrade: n % 2 === 0 ? 'balanced' : 'steady',
      birthDate: Date.UTC(1985, 0, 1),
      totalAssets: 1_000_000 + 10_000 * n,
      currency: 'CNY',
      residenceRegion: 'r-021',
      tier: null,
      hasChildren: n % 2 === 0,
      cleared: [],
    },
  }
}

function consentOf(n: number, startMs: number): Event {
  return { ...headOf(n, 'consent.updated', startMs), data: { channel: 'push', granted: true, purpose: 'marketing' } }
}

function headOf(n: number, type: string, time: number): Omit<Event, 'data'> {
  return {
    id: `introduction-${type}-${n}`,
    source: 'core-banking',
    type,
    customerId: streamCustomerId(n),
    time,
    provenance: { via: 'stream', consentId: null },
  }
}
