/**
 * What a shard's decisions came to, counted for metrics and handed over about once a second, and what a trigger's condition
 * costs, sampled then. Counts only: no decision or event is kept.
 */
import { performance } from 'node:perf_hooks'
import type { EventData } from '../../rules/compiled.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { StepContext } from '../step/step.ts'
import { occasionsOf } from './occasions.ts'

/** Candidates that ended in a stage for a reason; `rule` is the guardrail or cap, empty when there is none. */
export type FateCount = {
  readonly stage: string
  readonly reason: string
  readonly rule: string
  readonly count: number
}
export type OutcomeCount = { readonly placement: string; readonly outcome: string; readonly count: number }
/** Occasions to write to a customer, see `occasionsOf`; `reason` is empty for those at which a message left. */
export type OccasionCount = {
  readonly placement: string
  readonly channel: string
  readonly reason: string
  readonly count: number
}
export type TriggerCost = { readonly trigger: string; readonly seconds: number }

export type Tally = {
  readonly fates: readonly FateCount[]
  readonly outcomes: readonly OutcomeCount[]
  readonly occasions: readonly OccasionCount[]
  readonly triggers: readonly TriggerCost[]
}

const everyMs = 1_000
/** A single evaluation is shorter than the clock's resolution. */
const evaluations = 32
/** Separates the parts of a key; occurs in no id. */
const gap = '\u0000'

export class BatchTally {
  readonly #context: StepContext
  readonly #fates = new Map<string, number>()
  readonly #outcomes = new Map<string, number>()
  readonly #occasions = new Map<string, number>()
  #nextAt = 0

  constructor(context: StepContext) {
    this.#context = context
  }

  add(decision: Decision): void {
    // What a recall names was no candidate: its fates say why the message may not leave any more.
    for (const { stage, reason, rule } of decision.recalls.length > 0 ? [] : decision.fates)
      count(this.#fates, `${stage}${gap}${reason}${gap}${rule ?? ''}`)
    const { placement, channel, outcome } = decision
    count(this.#outcomes, `${placement}${gap}${outcome}`)
    for (const { best } of occasionsOf(decision)) {
      const reason = best.stage === 'offered' ? '' : best.reason
      count(this.#occasions, `${placement}${gap}${channel}${gap}${reason}`)
    }
  }

  /** Takes the counts of another one over, which is empty then. */
  merge(other: BatchTally): void {
    for (const [key, number] of other.#fates) count(this.#fates, key, number)
    for (const [key, number] of other.#outcomes) count(this.#outcomes, key, number)
    for (const [key, number] of other.#occasions) count(this.#occasions, key, number)
    other.clear()
  }

  /** Forgets what was counted since the last time. */
  clear(): void {
    this.#fates.clear()
    this.#outcomes.clear()
    this.#occasions.clear()
  }

  /**
   * The counts since the last time, when that was about a second ago; else null.
   * @param event an event of the batch, whose type's triggers are timed on the frame as the step left it; null: none
   */
  take(event: { readonly type: string; readonly data: EventData } | null): Tally | null {
    const now = performance.now()
    if (now < this.#nextAt) return null
    this.#nextAt = now + everyMs
    const fates = Array.from(this.#fates, ([key, count]) => {
      const [stage = '', reason = '', rule = ''] = key.split(gap)
      return { stage, reason, rule, count }
    })
    const outcomes = Array.from(this.#outcomes, ([key, count]) => {
      const [placement = '', outcome = ''] = key.split(gap)
      return { placement, outcome, count }
    })
    const occasions = Array.from(this.#occasions, ([key, count]) => {
      const [placement = '', channel = '', reason = ''] = key.split(gap)
      return { placement, channel, reason, count }
    })
    this.clear()
    return { fates, outcomes, occasions, triggers: event === null ? [] : this.#timeTriggers(event) }
  }

  #timeTriggers({ type, data }: { readonly type: string; readonly data: EventData }): TriggerCost[] {
    const { pack, lo, hi } = this.#context
    const costs: TriggerCost[] = []
    for (const index of pack.types.get(type)?.triggerIndex ?? []) {
      const trigger = pack.triggers[index]
      if (trigger === undefined || trigger.condition === null) continue
      const started = performance.now()
      for (let i = 0; i < evaluations; i++) trigger.condition.must(lo, hi, data)
      costs.push({ trigger: trigger.id, seconds: (performance.now() - started) / 1_000 / evaluations })
    }
    return costs
  }
}

function count(counts: Map<string, number>, key: string, more = 1): void {
  counts.set(key, (counts.get(key) ?? 0) + more)
}
