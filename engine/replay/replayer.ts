/**
 * Steps the recorded batches of one partition again, with the functions that stepped them: `stepBatch`, adoption and backfill. Pure: what it
 * needs is given to it.
 */
import assert from 'node:assert/strict'
import type { CompiledPack, Layout } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import { formOf } from '../../rules/pack-form.ts'
import type { Batch, BatchForm, BatchSeries, BatchStep, BatchStock } from '../../sinks/batch.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { Decision } from '../../sinks/decision.ts'
import { decisionIdOf } from '../../sinks/decision-codec.ts'
import { BatchTally } from '../shard/batch-tally.ts'
import { packEvents } from '../shard/event-frame.ts'
import { WorkMark } from '../shard/rule-board.ts'
import type { BatchTask } from '../shard/shard-port.ts'
import { type BatchPart, type BatchTools, stepBatch } from '../shard/step-batch.ts'
import { createStates, type FlatStates } from '../state/flat-states.ts'
import { adoptDecision } from '../step/adopt-decision.ts'
import { fillEvent } from '../step/fill-event.ts'
import type { StockInput } from '../step/funnel/stock-view.ts'
import type { StepContext } from '../step/step.ts'
import { createStepContext, productionFilters, putInForce } from '../step/step-context.ts'
import type { RecordedEvent, ReplayedDecision } from './recorded.ts'
import type { ReplayPacks } from './replay-packs.ts'
import { ReplayedCustomers } from './replayed-customers.ts'

export type ReplayerOptions = {
  readonly partition: number
  /** Of the log. */
  readonly partitions: number
  readonly salt: string
  readonly codecs: Pick<Codecs, 'events' | 'decisions'>
  /** Everything that the batches name was loaded before they are stepped. */
  readonly packs: Pick<ReplayPacks, 'pack' | 'learned'>
  /** The only customer that is stepped; absent: everybody. */
  readonly customerId?: string
  /** Most bytes of states; 512 MB when absent. */
  readonly stateBytes?: number
  /** Room for the customers of one batch, in bytes, taken at once for each form of a pack; 64 MB when absent. */
  readonly cacheBytes?: number
}

/** What a batch is stepped with besides its record. */
export type BatchInputs = {
  /** Its events, ascending by offset. */
  readonly events: readonly RecordedEvent[]
  /** The decisions that it adopted. */
  readonly adopted: readonly Decision[]
  /** The events that a backfill added entries from. */
  readonly filled: readonly RecordedEvent[]
}

type InForce = {
  readonly form: BatchForm
  /** With every rule in service. */
  readonly pack: CompiledPack
  readonly learned: LoadedLearned | null
  readonly states: FlatStates
  readonly context: StepContext
  readonly tools: BatchTools
}

const usualCacheBytes = 64 * 2 ** 20

export class Replayer {
  readonly #options: ReplayerOptions
  readonly #customers: ReplayedCustomers
  #inForce: InForce | null = null
  #series: BatchSeries | null = null

  constructor(options: ReplayerOptions) {
    this.#options = options
    this.#customers = new ReplayedCustomers(options.partition, options.stateBytes ?? 512 * 2 ** 20)
  }

  /** States held now. */
  get usage(): { readonly customers: number; readonly bytes: number } {
    return this.#customers.usage
  }

  /** What the last step was computed under; null before the first. To look at a decision with: changing it changes what follows. */
  get context(): StepContext | null {
    return this.#inForce?.context ?? null
  }

  /**
   * Steps a batch behind those before it. Returns its decisions in the order in which they left.
   * @throws ReplayMemoryError
   */
  step(batch: Batch, inputs: BatchInputs): readonly ReplayedDecision[] {
    const decisions = batch.steps.flatMap((step, i) => {
      const isLast = batch.kind === 'step' && i === batch.steps.length - 1
      return this.#step(batch, step, isLast, isLast ? { events: inputs.events, due: batch.due } : nothingMore)
    })
    if (batch.kind === 'adopt') this.#adopt(batch, inputs.adopted)
    else if (batch.kind === 'fill') this.#fill(batch, inputs.filled)
    return decisions
  }

  #step(batch: Batch, step: BatchStep, isLast: boolean, { events, due }: Last): ReplayedDecision[] {
    const inForce = this.#enter(step)
    // Behind a hole: it is not known what it was stepped under.
    if (inForce === null) return []
    const isAsked = (customerId: string): boolean =>
      customerId !== '' && (this.#options.customerId === undefined || customerId === this.#options.customerId)
    const requests = step.requests.flatMap((request, place) =>
      isAsked(request.customerId) ? [{ ...request, place }] : [],
    )
    const taken = events.filter(({ key }) => this.#options.customerId === undefined || isAsked(key))
    const dues = due.flatMap((customerId, place) => (isAsked(customerId) ? [{ customerId, place }] : []))
    if (requests.length + taken.length + dues.length === 0) return []
    const customers = new Set<string>()
    for (const { customerId } of [...requests, ...dues]) customers.add(customerId)
    for (const { key } of taken) customers.add(key)
    const clock = isLast ? Math.max(step.now, batch.now) : step.now
    const slots = this.#customers.open(inForce.states, customers, clock)
    const { partition, partitions } = this.#options
    const part: BatchPart = {
      places: requests.map(({ place }) => place),
      requests: step.requests.length,
      dues: dues.map(({ place }) => place),
      events: isLast ? batch.next - batch.from : 0,
      clock,
      taken: [],
    }
    const stepped = stepBatch(inForce.tools, slots, taskOf(partition, requests, taken), {
      seq: batch.prev,
      turn: step.turn,
      next: batch.from,
      appendTime: 0,
      clock: step.now,
      wallNow: batch.clock === 'wall' ? step.now : null,
      due: dues.map(({ customerId }) => customerId),
      poisoned: batch.poisoned.length === 0 ? null : new Set(batch.poisoned),
      stock: stockOf(step.stock),
      partitions,
      part: { ...part, taken: takenByOthers(step.stock, part, taken, batch.from) },
    })
    this.#customers.keep(inForce.states)
    return stepped.decisions.map(({ customerId, bytes }) => ({ id: decisionIdOf(bytes), customerId, bytes }))
  }

  #adopt(batch: Batch, decisions: readonly Decision[]): void {
    if (this.#inForce === null) return
    const { states } = this.#inForce
    const own = decisions.filter(({ customerId }) => customerId === (this.#options.customerId ?? customerId))
    const slots = this.#customers.open(states, new Set(own.map(({ customerId }) => customerId)), batch.now)
    for (const decision of own) {
      const slot = slots.get(decision.customerId)
      if (slot !== undefined) adoptDecision(states, slot, decision)
    }
    this.#customers.keep(states)
  }

  #fill(batch: Batch, events: readonly RecordedEvent[]): void {
    if (this.#inForce === null || batch.filled === null || events.length === 0) return
    const { states, context } = this.#inForce
    const { limits } = batch.filled
    const own = events.filter(({ key }) => key === (this.#options.customerId ?? key))
    const slots = this.#customers.open(states, new Set(own.map(({ key }) => key)), batch.now)
    for (const { key, offset, appendTime, value } of own) {
      const decoded = this.#options.codecs.events.decode(value)
      const slot = slots.get(key)
      if (decoded.kind !== 'ok' || slot === undefined) continue
      const past = { event: decoded.event, acceptedAt: appendTime }
      fillEvent(context, slot, past, (series) => offset < (limits[series] ?? -1))
    }
    this.#customers.keep(states)
  }

  /** Has the form and the series of a step in force; null: the records that said them are missing. */
  #enter({ form: named, series: told }: BatchStep): InForce | null {
    const before = this.#inForce
    const form = named ?? before?.form
    const series = told ?? this.#series
    if (form === undefined || series === null) return null
    const isMoved =
      before === null ||
      form.pack !== before.form.pack ||
      form.learned !== before.form.learned ||
      (told !== null && !isSameNames(told, this.#series))
    this.#series = series
    if (isMoved) return this.#activate(form, series)
    if (told !== null) before.states.observe(told.since)
    if (named === null || isSameRules(named, before.form)) return before
    putInForce(before.context, inForm(before.pack, form), before.learned)
    const inForce = { ...before, form, tools: this.#toolsOf(before.context) }
    this.#inForce = inForce
    return inForce
  }

  /** Customers pass to another layout as they do in an activation: stored form out, stored form in. */
  #activate(form: BatchForm, series: BatchSeries): InForce {
    const pack = this.#options.packs.pack(form.pack)
    const learned = form.learned === '' ? null : this.#options.packs.learned(form.learned)
    assert(pack !== undefined && learned !== undefined, 'what a batch names was loaded before')
    const maxBytes = this.#options.cacheBytes ?? usualCacheBytes
    const states = createStates(namedLayout(pack.layout, series), { maxBytes, observedSince: series.since })
    const context = createStepContext(inForm(pack, form), states, this.#options.salt, productionFilters, learned)
    const inForce = { form, pack, learned, states, context, tools: this.#toolsOf(context) }
    this.#inForce = inForce
    return inForce
  }

  #toolsOf(context: StepContext): BatchTools {
    return { context, codecs: this.#options.codecs, tally: new BatchTally(context), mark: WorkMark.alone() }
  }
}

type Last = { readonly events: readonly RecordedEvent[]; readonly due: readonly string[] }
const nothingMore: Last = { events: [], due: [] }

/** A pack as a form has it. */
function inForm(pack: CompiledPack, { quarantined, revoked }: BatchForm): CompiledPack {
  return formOf(pack, { quarantined: new Set(quarantined), revoked: new Set(revoked) })
}

function isSameRules(a: BatchForm, b: BatchForm): boolean {
  return a.quarantined.join('\0') === b.quarantined.join('\0') && a.revoked.join('\0') === b.revoked.join('\0')
}

function isSameNames(a: BatchSeries, b: BatchSeries | null): boolean {
  const names = (series: BatchSeries) => series.renamed.map(({ index, key }) => `${index} ${key}`).join('\0')
  return b !== null && names(a) === names(b)
}

/** A layout whose series have the keys of stored states. */
function namedLayout(layout: Layout, { renamed }: BatchSeries): Layout {
  const names = new Map(renamed.map(({ index, key }) => [index, key]))
  return { ...layout, series: layout.series.map((def, index) => ({ ...def, key: names.get(index) ?? def.key })) }
}

function taskOf(
  partition: number,
  requests: readonly (BatchStep['requests'][number] & { readonly place: number })[],
  events: readonly RecordedEvent[],
): BatchTask {
  const strange = new Set(events.filter(({ trusted }) => !trusted).map(({ offset }) => offset))
  const all = { events: events.length, customers: events.length, bytes: Number.POSITIVE_INFINITY }
  return {
    partition,
    events: events.length === 0 ? null : packEvents(events, all, ({ offset }) => !strange.has(offset)).buffer,
    requests: requests.map(({ place, customerId, requestId, placement, count, personalised }) => ({
      index: place,
      customerId,
      requestId,
      placement,
      count,
      personalised,
    })),
    ...{ records: [], now: 0, published: 0, dpos: 0, flush: false, takesDue: false, notAfter: null },
  }
}

function stockOf(stock: BatchStock | null): StockInput {
  if (stock === null) return { left: [], kept: new Set(), refused: new Map() }
  const refused = new Map(stock.refused.map(({ id, resource, left }) => [id, { resource, left }]))
  return { left: stock.left, kept: new Set(stock.kept), refused }
}

/** What inputs took that are not stepped: of other customers, or of those who were erased since. */
function takenByOthers(
  stock: BatchStock | null,
  { places, requests, dues, events: count }: BatchPart,
  events: readonly RecordedEvent[],
  from: number,
): BatchPart['taken'] {
  if (stock === null || stock.taken.length === 0) return []
  const own = new Set([
    ...places,
    ...events.map(({ offset }) => requests + offset - from),
    ...dues.map((place) => requests + count + place),
  ])
  return stock.taken.filter(({ input }) => !own.has(input))
}
