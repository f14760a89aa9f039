/**
 * A bank in one process for tests of the step: real pack, real compiled conditions, real states, no shard and no store.
 * Days count from `day0`; every input names its instant, and `now` is that instant unless said otherwise.
 */
import { createStates } from '../../../engine/state/flat-states.ts'
import type { Slot, States } from '../../../engine/state/states.ts'
import type { Filters } from '../../../engine/step/funnel/run.ts'
import type { EventOutcome, RequestOutcome, StepContext } from '../../../engine/step/step.ts'
import { createStepContext } from '../../../engine/step/step-context.ts'
import { stepEvent } from '../../../engine/step/step-event.ts'
import { stepRequest } from '../../../engine/step/step-request.ts'
import { stepTimer } from '../../../engine/step/step-timer.ts'
import type { Event, FieldValue } from '../../../ingest/event.ts'
import { compilePack } from '../../../rules/compile-pack.ts'
import type { CompiledPack } from '../../../rules/compiled.ts'
import type { LoadedLearned } from '../../../rules/learned-table.ts'
import type { LoadedPack } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { noGate } from '../proof/tampered.ts'

export const dayMs = 86_400_000
export const day0 = Date.UTC(2026, 0, 1)

export type Sent = {
  readonly at: number
  readonly id?: string
  readonly source?: string
  readonly consentId?: string
  /** When the log took it; the event's own time unless said otherwise. */
  readonly acceptedAt?: number
  readonly now?: number
  readonly isPoison?: boolean
}

export type Asked = {
  readonly at: number
  readonly requestId?: string
  readonly count?: number
  readonly personalised?: boolean
}

export type Bank = {
  readonly context: StepContext
  readonly states: States
  slot(customerId: string): Slot
  send(customerId: string, type: string, data: Readonly<Record<string, FieldValue>>, sent: Sent): EventOutcome
  ask(customerId: string, placement: string, asked: Asked): RequestOutcome
  /** Takes up what is due. */
  wake(customerId: string, at: number): readonly Decision[]
}

export type BankOptions = {
  readonly hardLimitBytes?: number
  /** Whether the final gate asks anything; a test that has to see leaks takes it away. */
  readonly gate?: 'asks' | 'none'
  /** Told of every event that is sent, and when the log took it. */
  readonly onEvent?: (event: Event, acceptedAt: number) => void
  /** How the pack is compiled; as it is unless said otherwise. */
  readonly compile?: (pack: LoadedPack) => CompiledPack
}

export function createBank(
  pack: LoadedPack,
  filters?: Filters,
  { gate = 'asks', onEvent = () => {}, compile = compilePack, ...limits }: BankOptions = {},
  learned: LoadedLearned | null = null,
): Bank {
  const compiled = compile(pack)
  const states = createStates(compiled.layout, {
    maxBytes: 8 * 1024 * 1024,
    observedSince: compiled.layout.series.map(() => 0),
    ...limits,
  })
  const sound = createStepContext(compiled, states, 'salt of the test', filters, learned)
  const context = gate === 'asks' ? sound : withoutGate(sound)
  let count = 0
  const turns = new Map<string, number>()
  states.begin(0)
  const commit = (): void => {
    states.writes(0)
    states.installed(0)
    states.begin(0)
  }
  const slot = (customerId: string): Slot => {
    const found = states.find(customerId)
    return found >= 0 ? found : states.load(0, customerId, null)
  }
  return {
    context,
    states,
    slot,
    send: (customerId, type, data, sent) => {
      const event = eventOf(customerId, type, data, { ...sent, id: sent.id ?? `event-${++count}` })
      onEvent(event, sent.acceptedAt ?? sent.at)
      const outcome = stepEvent(context, slot(customerId), {
        event,
        acceptedAt: sent.acceptedAt ?? sent.at,
        now: sent.now ?? sent.acceptedAt ?? sent.at,
        isPoison: sent.isPoison === true,
      })
      commit()
      return outcome
    },
    ask: (customerId, placement, asked) => {
      const turn = (turns.get(customerId) ?? 0) + 1
      turns.set(customerId, turn)
      const outcome = stepRequest(context, slot(customerId), {
        customerId,
        requestId: asked.requestId ?? `request-${++count}`,
        placement,
        count: asked.count ?? 1,
        now: asked.at,
        personalised: asked.personalised !== false,
        turn: String(turn),
      })
      commit()
      return outcome
    },
    wake: (customerId, at) => {
      const decisions = stepTimer(context, slot(customerId), { customerId, now: at })
      commit()
      return decisions
    },
  }
}

/** The context with a final gate that asks nothing: only for tests, which have to see something leak through it. */
function withoutGate(context: StepContext): StepContext {
  const { run, pack } = context
  const { model } = pack.loaded
  const grade = model.attributes.findIndex(({ id }) => id === model.suitability.attribute)
  const grades = model.attributes[grade]?.values ?? []
  const best = grades.findIndex((value) => grades.every((one) => allows(model, value) >= allows(model, one)))
  // It reads nothing, so its frame stays as it is here: of the boldest grade.
  run.gateLo[grade] = best
  run.gateHi[grade] = best
  return { ...context, run: { ...run, tables: noGate(pack) } }
}

function allows({ suitability }: LoadedPack['model'], value: string): number {
  return suitability.allows[value] ?? suitability.whenUnknown
}

/** An event as tests tell it. */
export function eventOf(
  customerId: string,
  type: string,
  data: Readonly<Record<string, FieldValue>>,
  sent: Sent & { readonly id: string },
): Event {
  return {
    id: sent.id,
    source: sent.source ?? 'core-banking',
    type,
    customerId,
    time: sent.at,
    provenance: { via: 'http', consentId: sent.consentId ?? null },
    data: { ...blank[type], ...data },
  }
}

/** Fields that an event of the type must have, with values that mean nothing. */
const blank: Readonly<Record<string, Readonly<Record<string, FieldValue>>>> = {
  'card.purchase': {
    amount: 10_000,
    currency: 'CNY',
    merchantCategory: 'grocery',
    merchantId: null,
    channel: 'pos',
    country: 'CN',
  },
  'page.viewed': { page: '/', pageGroup: 'home', dwellMs: 1_000 },
  'search.made': { category: 'other', text: null },
  'repayment.made': { amount: 10_000, currency: 'CNY', product: 'credit_card' },
  'life_event.reported': { kind: 'other', resolved: false, occurredAt: null },
  'consent.updated': { channel: 'sms', granted: true, purpose: 'marketing' },
  'complaint.updated': { kind: 'complaint', resolved: false, openCases: 1, caseId: null },
  'customer.erased': { ground: null },
  'guardrail.overridden': { guardrail: '', role: '', by: 'colleague', reason: 'a test', until: 0, revoked: false },
  'message.failed': { decisionId: '', channel: 'sms', reason: null },
  'profile.updated': {
    employmentStatus: null,
    studentStatus: null,
    riskGrade: null,
    birthDate: null,
    totalAssets: null,
    currency: null,
    residenceRegion: null,
    tier: null,
    hasChildren: null,
    cleared: [],
  },
}

/** An employed customer of known grade and assets who takes SMS: nothing stands in the way of any offer. */
export function settle(bank: Bank, customerId: string, at: number): void {
  bank.send(
    customerId,
    'profile.updated',
    {
      employmentStatus: 'employed',
      studentStatus: false,
      riskGrade: 'balanced',
      totalAssets: 10_000_000,
      currency: 'CNY',
    },
    { at },
  )
  bank.send(customerId, 'consent.updated', {}, { at })
}

export const offersOf = (outcome: RequestOutcome): readonly string[] =>
  outcome.decision.offers.map((item) => item.offer)

/** What became of an offer: `stage/reason/rule`, of all its fates. */
export function fateOf(decision: RequestOutcome['decision'] | undefined, offer: string): string {
  return (decision?.fates ?? [])
    .filter((fate) => fate.offer === offer)
    .map((fate) => [fate.stage, fate.reason, ...(fate.rule === null ? [] : [fate.rule])].join('/'))
    .join(', ')
}
