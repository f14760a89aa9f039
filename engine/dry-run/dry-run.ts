/**
 * What a request or an event would lead to for a real customer, worked out on a copy of their state. Pure: the copy and everything else
 * is in the task, nothing of it leaves but the answer.
 */
import type { Event } from '../../ingest/event.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Language } from '../../rules/explain-texts.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { withQuarantine } from '../../rules/quarantine.ts'
import type { Decision } from '../../sinks/decision.ts'
import { type DecisionJson, decisionJson } from '../../sinks/decision-json.ts'
import { customerView } from '../explain/customer-view.ts'
import { explainDecision } from '../explain/explain-decision.ts'
import { explainEvent } from '../explain/explain-event.ts'
import { type Past, storedLayout } from '../shard/series-past.ts'
import type { CustomerCopy, CustomerView } from '../shard/shards.ts'
import { createStates } from '../state/flat-states.ts'
import { beginStock } from '../step/funnel/stock.ts'
import { nothingKnown } from '../step/funnel/stock-view.ts'
import type { EventOutcome } from '../step/step.ts'
import { createStepContext, productionFilters } from '../step/step-context.ts'
import { stepEvent } from '../step/step-event.ts'
import { stepRequest } from '../step/step-request.ts'

/** What is tried. */
export type DryRunInput =
  | { readonly kind: 'request'; readonly placement: string; readonly count: number | null; readonly requestId: string }
  /** As the door would have let it in. */
  | { readonly kind: 'event'; readonly event: Event }

/** Plain data, so that it can be worked on in another thread. */
export type DryRunTask = {
  readonly customer: CustomerCopy
  readonly input: DryRunInput
  /** The pack in force, or one that is tried. */
  readonly pack: LoadedPack
  /** Rules out of service, by name. */
  readonly quarantined: readonly string[]
  readonly learned: LoadedLearned | null
  readonly salt: string
  readonly past: Pick<Past, 'observedSince' | 'added'>
  /** Units left of resources by id; null: not known. Of one that is not named there is as much as the pack says. */
  readonly left: Readonly<Record<string, number | null>>
  /** `event`: the event moves the clock to its own time. */
  readonly clock: 'wall' | 'event'
  readonly language: Language
}

/** A decision that would have been made, with its words for staff. */
export type DryDecision = DecisionJson & { readonly explanation: readonly string[] }

export type DryRun = {
  readonly packHash: string
  /** What would have become of the event; null for requests. */
  readonly status: EventOutcome['status'] | null
  readonly decisions: readonly DryDecision[]
  /** Everything in words: of an event, which triggers fired and why the others did not. */
  readonly explanation: readonly string[]
  /** The customer as the pack sees them, before the input. */
  readonly customer: CustomerView
  /** What has to be known to believe the answer, in sentences. */
  readonly notes: readonly string[]
}

export type DryRunResult =
  | { readonly kind: 'done'; readonly run: DryRun }
  /** No inbound placement of the pack has this id. */
  | { readonly kind: 'placement_unknown'; readonly inbound: readonly string[]; readonly isOutbound: boolean }

/** Memory for the one customer, who has 256 KB at most before the event. */
const cacheBytes = 2 * 2 ** 20
/** Compiled packs that are remembered: the one in force and the one that is tried. */
const packsKept = 2

/** Makes the function that tries things. It remembers the last packs it compiled and nothing else. */
export function createDryRunner(): (task: DryRunTask) => DryRunResult {
  const compiled = new Map<string, CompiledPack>()
  return (task) => {
    const { hash } = task.pack
    const pack = compiled.get(hash) ?? compilePack(task.pack)
    compiled.delete(hash)
    compiled.set(hash, pack)
    for (const oldest of [...compiled.keys()].slice(0, -packsKept)) compiled.delete(oldest)
    return dryRun(withQuarantine(pack, new Set(task.quarantined)), task)
  }
}

function dryRun(pack: CompiledPack, task: DryRunTask): DryRunResult {
  const { customer, input, language } = task
  const { customerId, partition, known, asOf } = customer
  const placement = input.kind === 'event' ? null : pack.placements.find(({ id }) => id === input.placement)
  if (placement !== null && placement?.direction !== 'inbound') {
    const inbound = pack.placements.filter(({ direction }) => direction === 'inbound').map(({ id }) => id)
    return { kind: 'placement_unknown', inbound, isOutbound: placement !== undefined }
  }
  const { observedSince, added } = task.past
  const states = createStates(storedLayout(pack.layout, added), {
    maxBytes: cacheBytes,
    observedSince: pack.layout.series.map(({ key }) => observedSince[key] ?? Number.POSITIVE_INFINITY),
  })
  const context = createStepContext(pack, states, task.salt, productionFilters, task.learned)
  const { resources } = pack.loaded.model
  const left = resources.map(({ id, units }) => (Object.hasOwn(task.left, id) ? (task.left[id] ?? Number.NaN) : units))
  beginStock({ left, ...nothingKnown }, context.run)
  states.begin(partition)
  const slot = states.load(partition, customerId, known ? { base: customer.state, patches: [] } : null)
  const view = customerView(context, slot, { customerId, partition, known, asOf })
  const told = (decision: Decision): DryDecision => ({
    ...decisionJson(decision),
    explanation: explainDecision(decision, pack.loaded, language),
  })
  const rest = { packHash: pack.loaded.hash, customer: view, notes: notesOf(pack, task) }
  if (input.kind === 'request') {
    const { requestId } = input
    const wanted = Math.min(input.count ?? Number.POSITIVE_INFINITY, placement?.slots ?? 1)
    const request = { customerId, requestId, placement: input.placement, count: wanted, now: asOf, turn: 'dry-run' }
    const decision = told(stepRequest(context, slot, request).decision)
    return {
      kind: 'done',
      run: { ...rest, status: null, decisions: [decision], explanation: decision.explanation },
    }
  }
  const { event } = input
  const now = task.clock === 'event' ? Math.max(asOf, event.time) : asOf
  const stepped = { event, acceptedAt: now, now }
  const outcome = stepEvent(context, slot, stepped)
  const explanation = explainEvent(context, slot, stepped, outcome, language)
  return {
    kind: 'done',
    run: { ...rest, status: outcome.status, decisions: outcome.decisions.map(told), explanation },
  }
}

function notesOf(pack: CompiledPack, { customer, past, quarantined, left, language }: DryRunTask): readonly string[] {
  const say = phrases[language]
  const { features, series } = pack.layout
  const unfilled = features.filter(({ series: index }) => past.observedSince[series[index]?.key ?? ''] === undefined)
  const unknown = pack.loaded.model.resources.filter(({ id }) => left[id] === null).map(({ id }) => id)
  return [
    say.nothing,
    ...(customer.known ? [] : [say.unknown]),
    ...(unfilled.length === 0 ? [] : [say.unfilled(unfilled.map(({ model }) => model.id))]),
    ...(quarantined.length === 0 ? [] : [say.quarantined(quarantined)]),
    ...(unknown.length === 0 ? [] : [say.stock(unknown)]),
  ]
}

/** Most names in a sentence; the rest is counted. */
const namesMax = 10
const listed = (names: readonly string[]) =>
  names.length <= namesMax ? names.join(', ') : `${names.slice(0, namesMax).join(', ')} (+${names.length - namesMax})`

const phrases = {
  en: {
    nothing: 'A dry run: nothing was counted, reserved, sent or written down.',
    unknown: 'Nothing is known of this customer: this is what anybody new would get.',
    unfilled: (names: readonly string[]) =>
      `The pack in force does not count what these features need, so they are not known here: ${listed(names)}.`,
    quarantined: (names: readonly string[]) => `Out of service on this node: ${listed(names)}.`,
    stock: (names: readonly string[]) => `It is not known what is left of ${listed(names)}.`,
  },
  zh: {
    nothing: '试运行：未计数、未预留、未发送、未记录。',
    unknown: '该客户无任何记录：结果与任何新客户相同。',
    unfilled: (names: readonly string[]) => `生效规则包未统计以下特征所需数据，此处为未知：${listed(names)}。`,
    quarantined: (names: readonly string[]) => `本节点已停用：${listed(names)}。`,
    stock: (names: readonly string[]) => `剩余数量未知：${listed(names)}。`,
  },
} as const
