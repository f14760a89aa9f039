/** Customers and what they buy: one purchase a day, every fourth one a journey that the trigger answers. */
import { createStates } from '../../engine/state/flat-states.ts'
import type { StepContext } from '../../engine/step/step.ts'
import { createStepContext } from '../../engine/step/step-context.ts'
import { stepEvent } from '../../engine/step/step-event.ts'
import type { Event } from '../../ingest/event.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import { benchSalt } from '../step/typical-states.ts'
import { bought } from './generated-pack.ts'

/** Ten in the morning where the bank is. */
const startMs = Date.UTC(2026, 4, 1, 2)
const dayMs = 86_400_000
/** Days from one journey to the next. */
const between = 4

/** A context of its own, with customers who have a profile and have agreed to messages. */
export function openContext(compiled: CompiledPack, customers: number): StepContext {
  const states = createStates(compiled.layout, {
    maxBytes: Math.max(64 * 2 ** 20, customers * 64 * 1024),
    observedSince: compiled.layout.series.map(() => 0),
  })
  const context = createStepContext(compiled, states, benchSalt)
  for (let n = 0; n < customers; n++) {
    inBatch(context, () => {
      states.load(0, customerOf(n), null)
      for (const event of introductions(n)) accept(context, event)
    })
  }
  return context
}

/** Runs something between the begin and the end of a batch of partition 0. */
export function inBatch(context: StepContext, run: () => void): void {
  context.states.begin(0)
  run()
  context.states.writes(0)
  context.states.installed(0)
}

/** Steps what a customer buys on the days before a journey. */
export function buyUntil(context: StepContext, customer: number, journey: number): void {
  for (let day = 1; day < between; day++) accept(context, purchase(customer, journey * between - between + day))
}

/** The journey of a customer, counted from 1: hits the trigger. */
export function journeyOf(customer: number, journey: number): Event {
  return purchase(customer, journey * between)
}

/** The customer's id. */
export function customerOf(n: number): string {
  return `customer-${String(n).padStart(5, '0')}`
}

function accept(context: StepContext, event: Event): void {
  const input = { event, acceptedAt: event.time, now: event.time }
  const { status } = stepEvent(context, context.states.find(event.customerId), input)
  if (status !== 'accepted') throw new Error(`an event of the load was ${status}`)
}

function purchase(customer: number, day: number): Event {
  const merchantCategory =
    day % between === 0 ? 'travel' : (bought[(day + customer) % (bought.length - 1)] ?? 'grocery')
  return {
    ...headOf(customer, 'card.purchase', day),
    data: {
      amount: 5_000 + 100 * (customer % 50),
      currency: 'CNY',
      merchantCategory,
      merchantId: `m-${merchantCategory}-0042`,
      channel: 'pos',
      country: 'CN',
    },
  }
}

function introductions(n: number): readonly Event[] {
  const data = {
    employmentStatus: 'employed',
    studentStatus: false,
    riskGrade: n % 2 === 0 ? 'balanced' : 'steady',
    birthDate: Date.UTC(1985, 0, 1),
    totalAssets: 60_000_000,
    currency: 'CNY',
    residenceRegion: null,
    tier: null,
    hasChildren: n % 2 === 0,
    cleared: [],
  }
  return [
    { ...headOf(n, 'profile.updated', 0), data },
    { ...headOf(n, 'consent.updated', 0), data: { channel: 'push', granted: true, purpose: 'marketing' } },
  ]
}

function headOf(n: number, type: string, day: number): Omit<Event, 'data'> {
  return {
    id: `${type}-${n}-${day}`,
    source: 'core-banking',
    type,
    customerId: customerOf(n),
    time: startMs + day * dayMs + (n % 60) * 60_000,
    provenance: { via: 'stream', consentId: null },
  }
}
