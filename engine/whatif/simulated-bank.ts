/**
 * A bank without a store and without a way out: customers in flat memory who meet the inputs of history under one pack. The step, the states
 * and the pack's compiled code are those of the shards.
 */
import type { Event } from '../../ingest/event.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import { formOf } from '../../rules/pack-form.ts'
import type { BatchForm } from '../../sinks/batch.ts'
import type { Decision } from '../../sinks/decision.ts'
import { createStates, type FlatStates } from '../state/flat-states.ts'
import type { Slot } from '../state/states.ts'
import { decisionNumber } from '../step/decision-id.ts'
import { beginStock } from '../step/funnel/stock.ts'
import { settleMessage } from '../step/settle-claims.ts'
import type { StepContext } from '../step/step.ts'
import { createStepContext, productionFilters } from '../step/step-context.ts'
import { stepEvent } from '../step/step-event.ts'
import { stepRequest } from '../step/step-request.ts'
import { stepTimer } from '../step/step-timer.ts'
import { SimulatedDues } from './simulated-dues.ts'
import { SimulatedStock } from './simulated-stock.ts'

export type SimulatedBankOptions = {
  readonly pack: CompiledPack
  readonly learned: LoadedLearned | null
  /** The installation's, so that decisions have the ids they had and holdouts the members. */
  readonly salt: string
  readonly cacheBytes: number
  /** Since when each series of the layout is observed, in its order. */
  readonly observedSince: readonly number[]
  /** Whether a message with this decision id was really sent out: then what was reported of it counts; of others nothing can be. */
  readonly isReal: (decisionId: string) => boolean
  readonly onDecision: (decision: Decision) => void
}

/** A live request as history has it. */
export type PastRequest = {
  readonly customerId: string
  readonly requestId: string
  readonly placement: string
  readonly count: number
  /** Whether it was to be answered from what is known of the customer. */
  readonly personalised: boolean
}

/** An event as history has it, already refused or not for where it stood. */
export type PastEvent = { readonly event: Event; readonly acceptedAt: number; readonly isPoison: boolean }

/** The part of a batch that was stepped at one instant. */
export type PastStep = {
  readonly partition: number
  /** The pack of then. */
  readonly packHash: string
  /** Which rules and sources were out of service then; null: it is not known. */
  readonly form: BatchForm | null
  /** The partition's clock, Unix milliseconds. */
  readonly now: number
  /** On `event` each event moves the clock to its append time. */
  readonly clock: 'wall' | 'event'
  /** Names the first request of the step together with `turn`, as the shard did. */
  readonly base: number
  readonly turn: number
  readonly requests: readonly PastRequest[]
  readonly events: readonly PastEvent[]
  /** Of whom something was due then. */
  readonly due: readonly string[]
}

/**
 * What waits and was not due in reality, because the pack of then did not hold it, is taken up when its time is over by this much: until
 * then it may be due with the next batch, as it was.
 */
const dueGraceMs = 2_000
/** Forms of a pack that are held at once. */
const formsMax = 16

export class SimulatedBank {
  readonly stock: SimulatedStock
  readonly #states: FlatStates
  readonly #options: SimulatedBankOptions
  readonly #dues = new SimulatedDues()
  /** The clock of each partition. */
  readonly #clocks: number[] = []
  /** By what is out of service. */
  readonly #contexts = new Map<string, StepContext>()
  #context: StepContext
  #form: BatchForm | null = null
  #loaded = 0
  #slot: Slot = -1

  constructor(options: SimulatedBankOptions) {
    this.#options = options
    const { pack, cacheBytes: maxBytes, observedSince } = options
    this.#states = createStates(pack.layout, { maxBytes, observedSince })
    this.#context = this.#contextOf({ quarantined: [], revoked: [] })
    this.stock = new SimulatedStock(pack.loaded.model)
  }

  /** Under what inputs are stepped now. */
  get context(): StepContext {
    return this.#context
  }

  /** Customers who came by. */
  get customers(): number {
    return this.#loaded
  }

  /** Whether somebody had to be forgotten for want of memory: then nothing that follows is to be believed. */
  get isFull(): boolean {
    return this.#states.usage().customers < this.#loaded
  }

  get usedBytes(): number {
    return this.#states.usage().bytes
  }

  /** Takes a step of history: requests first, then events, then what is due, as the shard does. */
  take(step: PastStep): void {
    const { partition, requests, events, due } = step
    const states = this.#states
    if (step.form !== null && step.form !== this.#form) {
      this.#form = step.form
      this.#context = this.#contextOf(step.form)
    }
    const before = this.#clocks[partition] ?? 0
    this.#overdue(partition, before, step.now)
    let clock = Math.max(before, step.now)
    states.begin(partition)
    this.#beginStock(clock)
    for (const [place, { customerId, requestId, placement, count, personalised }] of requests.entries()) {
      const slot = this.#slotOf(partition, customerId)
      const turn = `${step.base}.${step.turn + place}`
      const request = { customerId, requestId, placement, count, personalised, now: clock, turn }
      const { decision, repeats } = stepRequest(this.#context, slot, request)
      if (!repeats && states.erasedAt(slot) === 0) this.#decided(slot, decision)
    }
    for (const { event, acceptedAt, isPoison } of events) {
      const slot = this.#slotOf(partition, event.customerId)
      if (step.clock === 'event') {
        clock = Math.max(clock, acceptedAt)
        const dueAt = states.nextDue(slot)
        if (dueAt > 0 && dueAt <= clock) this.#takeDue(slot, event.customerId, clock)
      }
      const { decisions } = stepEvent(this.#context, slot, { event, acceptedAt, now: clock, isPoison })
      for (const decision of decisions) this.#decided(slot, decision)
    }
    for (const customerId of due) {
      const at = this.#dues.of(partition, customerId)
      if (at > 0 && at <= clock) this.#takeDue(this.#slotOf(partition, customerId), customerId, clock)
    }
    this.#end(partition)
    this.#clocks[partition] = clock
  }

  /** What was due and no batch of history took up, at its own instant. */
  #overdue(partition: number, clock: number, now: number): void {
    for (;;) {
      const first = this.#dues.first(partition)
      if (first === null || first.at + dueGraceMs > now) return
      this.#states.begin(partition)
      const at = Math.max(clock, first.at)
      this.#beginStock(at)
      this.#takeDue(this.#slotOf(partition, first.customerId), first.customerId, at)
      this.#end(partition, first.customerId)
    }
  }

  #takeDue(slot: Slot, customerId: string, now: number): void {
    for (const decision of stepTimer(this.#context, slot, { customerId, now })) this.#decided(slot, decision)
  }

  /** The pack with the rules and sources of then out of service. Names that it does not have do nothing. */
  #contextOf({ quarantined, revoked }: Pick<BatchForm, 'quarantined' | 'revoked'>): StepContext {
    const key = `${quarantined.join(' ')}|${revoked.join(' ')}`
    const known = this.#contexts.get(key)
    if (known !== undefined) return known
    const { pack, salt, learned } = this.#options
    const form = formOf(pack, { quarantined: new Set(quarantined), revoked: new Set(revoked) })
    const context = createStepContext(form, this.#states, salt, productionFilters, learned)
    if (this.#contexts.size >= formsMax) this.#contexts.clear()
    this.#contexts.set(key, context)
    return context
  }

  #beginStock(now: number): void {
    const { run } = this.#context
    run.settlements.length = 0
    if (this.stock.isUsed) beginStock(this.stock.at(now), run)
  }

  #decided(slot: Slot, decision: Decision): void {
    const { onDecision, isReal } = this.#options
    if (this.stock.isUsed) this.stock.claim(decision)
    onDecision(decision)
    // Nobody reports of a message that was never sent: it counts as sent, or its contact would lapse.
    if (decision.confirmBy === 0 || isReal(decision.id)) return
    const number = decisionNumber(decision.id)
    this.#states.confirmContact(slot, number)
    settleMessage(this.#context, slot, decision.customerId, number, 'sent')
  }

  /** @param settled whose entry is looked at again also when nothing of it changed */
  #end(partition: number, settled: string | null = null): void {
    const states = this.#states
    const { settlements } = this.#context.run
    if (settlements.length > 0) {
      this.stock.settle(settlements)
      settlements.length = 0
    }
    if (settled !== null) this.#dues.set(partition, settled, states.nextDue(states.find(settled)))
    for (const { customerId, at } of states.dues(partition)) this.#dues.set(partition, customerId, at)
    states.keep(partition)
  }

  #slotOf(partition: number, customerId: string): Slot {
    this.#slot = this.#states.find(customerId)
    if (this.#slot >= 0) return this.#slot
    this.#loaded++
    return this.#states.load(partition, customerId, null)
  }
}
