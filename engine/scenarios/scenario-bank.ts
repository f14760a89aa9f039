/** A bank in memory that takes the inputs of a scenario one by one, at the instants the scenario says. */
import assert from 'node:assert/strict'
import type { Event } from '../../ingest/event.ts'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { DecisionField, Refusal, Scenario, ScenarioInput } from '../../rules/scenarios/scenario.ts'
import type { Codecs } from '../../sinks/codecs.ts'
import type { Decision } from '../../sinks/decision.ts'
import { BatchTally } from '../shard/batch-tally.ts'
import { packEvents } from '../shard/event-frame.ts'
import { WorkMark } from '../shard/rule-board.ts'
import type { BatchTask } from '../shard/shard-port.ts'
import { type BatchTools, type SteppedBatch, stepBatch } from '../shard/step-batch.ts'
import { createStates, type FlatStates } from '../state/flat-states.ts'
import type { Due, Slot, States } from '../state/states.ts'
import { decisionNumber } from '../step/decision-id.ts'
import { type Permit, permitMessage, refusedPermit } from '../step/permit.ts'
import { settleMessage } from '../step/settle-claims.ts'
import type { EventInput, StepContext } from '../step/step.ts'
import { createStepContext } from '../step/step-context.ts'
import { ScenarioStock } from './scenario-stock.ts'

/** What became of an input. */
export type Came =
  | {
      readonly kind: 'event'
      readonly input: EventInput
      readonly status: 'accepted' | Refusal
      /** Whether it belongs to a decision and none was made before. */
      readonly isOrphan: boolean
      readonly decisions: readonly Decision[]
    }
  | { readonly kind: 'request'; readonly decisions: readonly Decision[] }
  /** What fell due as time passed. */
  | { readonly kind: 'due'; readonly decisions: readonly Decision[] }

/** A scenario has at most 200 customers, each of 256 KB at most; memory is taken from the system as it is used. */
const cacheBytes = 64 * 2 ** 20
/** Decision ids are hashed with it; a fixed one, so that the same scenario gives the same ids. */
const salt = 'scenario'
const partition = 0
const frameLimits = { events: 1, customers: 1, bytes: 2 ** 20 }

/** What banks of one pack share, one bank at a time: made once, as it costs more than most stories. */
export type BankParts = {
  readonly context: StepContext
  readonly states: FlatStates
  readonly codecs: Pick<Codecs, 'events' | 'decisions'>
}

/** The memory that the scenarios of a pack are played in, one after the other. */
export function createBankParts(pack: CompiledPack, codecs: BankParts['codecs']): BankParts {
  const observedSince = pack.layout.series.map(() => 0)
  const states = createStates(pack.layout, { maxBytes: cacheBytes, observedSince })
  return { context: createStepContext(pack, states, salt), states, codecs }
}

/** Hears of everything that comes of a customer's inputs, right after it came: what is looked up of the state then is what it was. */
export type Onlooker = (customerId: string, came: Came) => void

/**
 * One partition as a shard runs it, with one input a batch, without a store: real states in flat memory, the step, the codecs of
 * both logs and the batch's own rules of admission and time. Time is what the scenario says; nothing else moves the clock.
 */
export class ScenarioBank {
  readonly context: StepContext
  readonly #states: States
  readonly #tools: BatchTools
  readonly #gateway: Scenario['gateway']
  readonly #stock: ScenarioStock
  readonly #onCame: Onlooker
  /** The last decision that offered a customer something. */
  readonly #offered = new Map<string, Decision>()
  /** The last decision that offered a customer an offer on a channel that counts, by customer and offer. */
  readonly #messages = new Map<string, Decision>()
  /** When something of a customer is due next. */
  readonly #dues = new Map<string, number>()
  #now = 0
  #clock = 0
  #seq = 0
  #offset = 0

  /**
   * Forgets what the bank before it knew.
   *
   * @param scenario since when the log is complete, what is left of resources, and whether messages are reported as sent
   */
  constructor(
    { context, states, codecs }: BankParts,
    { completeSince, gateway, stock }: Pick<Scenario, 'completeSince' | 'gateway' | 'stock'>,
    onCame: Onlooker = () => {},
  ) {
    const { pack } = context
    this.#gateway = gateway
    this.#stock = new ScenarioStock(pack.loaded.model, stock)
    this.#onCame = onCame
    this.#states = states
    states.discard(partition)
    states.observe(pack.layout.series.map(() => completeSince))
    this.context = context
    this.#tools = { context, codecs, tally: new BatchTally(context), mark: WorkMark.alone() }
  }

  /** The clock of the scenario. */
  get now(): number {
    return this.#now
  }

  /**
   * Moves the clock, never back. Whatever falls due until then is stepped here, each at its own instant and in that order, before
   * anything that comes at `to`.
   */
  passTime(to: number): readonly Came[] {
    assert(to >= this.#now, 'the steps of a scenario are in order of time')
    const came: Came[] = []
    for (let next = this.#nextDue(); next !== null && next.at <= to; next = this.#nextDue()) {
      this.#now = Math.max(this.#now, next.at)
      this.#dues.delete(next.customerId)
      const batch = this.#step(next.customerId, { events: null, requests: [] }, [next.customerId])
      const decisions = this.#decisionsOf(batch)
      this.#remember(next.customerId, decisions)
      const due: Came = { kind: 'due', decisions }
      this.#onCame(next.customerId, due)
      came.push(due)
    }
    this.#now = to
    return came
  }

  /** Takes an input, now. */
  take(input: ScenarioInput): Came {
    const came = input.kind === 'event' ? this.#takeEvent(input) : this.#takeRequest(input)
    this.#onCame(input.kind === 'event' ? input.event.customerId : input.customerId, came)
    return came
  }

  /** Looks at a customer between two inputs. */
  look<T>(customerId: string, at: (slot: Slot) => T): T {
    const found = this.#states.find(customerId)
    if (found >= 0) return at(found)
    this.#states.begin(partition)
    const seen = at(this.#states.load(partition, customerId, null))
    this.#states.installed(partition)
    return seen
  }

  /** What a gateway is answered now that asks for the last message that offered a customer something. Changes nothing. */
  permit(customerId: string, offer: string): Permit {
    const message = this.#messages.get(`${customerId} ${offer}`)
    if (message === undefined) return refusedPermit('decision_unknown')
    const { id: decisionId, channel } = message
    return this.look(customerId, (slot) => permitMessage(this.context, slot, { decisionId, channel }, this.#now))
  }

  #takeEvent({ event: told, fromDecision }: Extract<ScenarioInput, { kind: 'event' }>): Came {
    const isOrphan = fromDecision.length > 0 && !this.#offered.has(told.customerId)
    const event = this.#complete(told, fromDecision)
    const { customerId } = event
    const value = this.#tools.codecs.events.encode(event)
    const record = { offset: this.#offset, appendTime: this.#now, key: customerId, value }
    const batch = this.#step(customerId, { events: packEvents([record], frameLimits).buffer, requests: [] })
    this.#offset = batch.next
    const decisions = this.#decisionsOf(batch)
    this.#remember(customerId, decisions)
    const input = { event, acceptedAt: this.#now, now: batch.clock }
    return { kind: 'event', input, status: statusOf(batch), isOrphan, decisions }
  }

  #takeRequest(input: Extract<ScenarioInput, { kind: 'request' }>): Came {
    const { customerId, requestId, placement, count, personalised } = input
    const request = { index: 0, customerId, requestId, placement, count, personalised }
    const batch = this.#step(customerId, { events: null, requests: [request] })
    const decisions = batch.answers.map(({ bytes }) => this.#tools.codecs.decisions.decode(bytes))
    this.#remember(customerId, decisions)
    return { kind: 'request', decisions }
  }

  /** One batch of one input, committed. */
  #step(customerId: string, inputs: Pick<BatchTask, 'events' | 'requests'>, due: readonly string[] = []): SteppedBatch {
    const states = this.#states
    states.begin(partition)
    const found = states.find(customerId)
    const slot = found >= 0 ? found : states.load(partition, customerId, null)
    const task: BatchTask = {
      ...inputs,
      partition,
      notAfter: null,
      records: [],
      now: this.#now,
      published: 0,
      dpos: 0,
      flush: false,
      takesDue: due.length > 0,
    }
    const batch = stepBatch(this.#tools, new Map([[customerId, slot]]), task, {
      seq: this.#seq++,
      turn: 0,
      next: this.#offset,
      appendTime: this.#now,
      clock: this.#clock,
      wallNow: this.#now,
      partitions: 1,
      due,
      stock: this.#stock.at(Math.max(this.#clock, this.#now)),
    })
    this.#clock = batch.clock
    const { settlements } = this.context.run
    settlements.length = 0
    if (this.#gateway === 'reports') {
      for (const { id, confirmBy } of this.#decisionsOf(batch)) {
        if (confirmBy === 0) continue
        states.confirmContact(slot, decisionNumber(id))
        settleMessage(this.context, slot, customerId, decisionNumber(id), 'sent')
      }
    }
    this.#stock.take(batch.claims, [...batch.settlements, ...settlements])
    for (const one of states.dues(partition)) {
      if (one.at === 0) this.#dues.delete(one.customerId)
      else this.#dues.set(one.customerId, one.at)
    }
    states.writes(partition)
    states.installed(partition)
    return batch
  }

  #decisionsOf(batch: SteppedBatch): readonly Decision[] {
    return batch.decisions.map(({ bytes }) => this.#tools.codecs.decisions.decode(bytes))
  }

  /** What is due first, of two at one instant by the customer's id. */
  #nextDue(): Due | null {
    let first: Due | null = null
    for (const [customerId, at] of this.#dues) {
      const isFirst = first === null || at < first.at || (at === first.at && customerId < first.customerId)
      if (isFirst) first = { customerId, at }
    }
    return first
  }

  #remember(customerId: string, decisions: readonly Decision[]): void {
    for (const decision of decisions) {
      if (decision.outcome !== 'offered') continue
      this.#offered.set(customerId, decision)
      for (const { offer } of decision.contacts) this.#messages.set(`${customerId} ${offer}`, decision)
    }
  }

  /** The event with the fields that are those of the last decision; their stand-ins stay where none was made. */
  #complete(event: Event, fields: readonly DecisionField[]): Event {
    const decision = this.#offered.get(event.customerId)
    if (decision === undefined || fields.length === 0) return event
    const { id: decisionId, placement, channel, offers } = decision
    const own = { decisionId, offerId: offers[0]?.offer ?? '', placement, channel }
    return { ...event, data: { ...event.data, ...Object.fromEntries(fields.map((field) => [field, own[field]])) } }
  }
}

function statusOf(batch: SteppedBatch): 'accepted' | Refusal {
  if (batch.duplicates.length > 0) return 'duplicate'
  return batch.deadLetters[0]?.reason ?? 'accepted'
}
