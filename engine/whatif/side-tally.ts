import type { Decision } from '../../sinks/decision.ts'
import { CustomerNumbers, CustomerSet } from './customer-set.ts'

/** Separates the parts of a key; occurs in no id. */
const gap = '\u0000'
const dayMs = 86_400_000

type OfferTally = { made: number; readonly customers: CustomerSet }
export type DayTally = { decisions: number; offers: number }

/** What came of the decisions under one pack, as plain data. */
export type TallyData = {
  readonly decisions: number
  readonly candidates: number
  /** `customers`: places in `TallyData.customers`. */
  readonly offers: readonly { readonly offer: string; readonly made: number; readonly customers: Uint32Array }[]
  /** Who was offered anything. */
  readonly customers: readonly string[]
  readonly days: ReadonlyMap<string, DayTally>
  readonly outcomes: readonly { readonly placement: string; readonly outcome: string; readonly count: number }[]
  readonly refusals: readonly Refusals[]
}

/** What came of the decisions under one pack. Counts, and for each offer who got it. */
export class SideTally {
  readonly #offers = new Map<string, OfferTally>()
  /** By day, UTC, `2026-01-31`. */
  readonly #days = new Map<string, DayTally>()
  #decisions = 0
  #candidates = 0
  readonly #outcomes = new Map<string, number>()
  readonly #fates = new Map<string, number>()
  readonly #numbers = new CustomerNumbers()
  #day = -1
  #today: DayTally = { decisions: 0, offers: 0 }

  add(decision: Decision): void {
    this.#decisions++
    const today = this.#dayOf(decision.now)
    today.decisions++
    count(this.#outcomes, `${decision.placement}${gap}${decision.outcome}`)
    if (decision.outcome === 'offered') {
      const customer = this.#numbers.of(decision.customerId)
      today.offers += decision.offers.length
      for (const { offer } of decision.offers) {
        const tally = this.#offers.get(offer) ?? { made: 0, customers: new CustomerSet() }
        this.#offers.set(offer, tally)
        tally.made++
        tally.customers.add(customer)
      }
    }
    // What a recall names was no candidate.
    if (decision.recalls.length > 0) return
    this.#candidates += decision.fates.length
    for (const { stage, reason, rule } of decision.fates)
      if (stage !== 'offered') count(this.#fates, `${stage}${gap}${reason}${gap}${rule ?? ''}`)
  }

  data(): TallyData {
    return {
      ...{ decisions: this.#decisions, candidates: this.#candidates, days: this.#days },
      offers: Array.from(this.#offers, ([offer, { made, customers }]) => {
        return { offer, made, customers: Uint32Array.from(customers.numbers()) }
      }),
      customers: this.#numbers.ids,
      outcomes: this.#counted(),
      refusals: this.#refused(),
    }
  }

  /** Decisions by placement and outcome. */
  #counted(): readonly { readonly placement: string; readonly outcome: string; readonly count: number }[] {
    return Array.from(this.#outcomes, ([key, count]) => {
      const [placement = '', outcome = ''] = key.split(gap)
      return { placement, outcome, count }
    })
  }

  /** Candidates that were not offered, by where they ended and why; `rule` empty: the reason names none. */
  #refused(): readonly Refusals[] {
    return Array.from(this.#fates, ([key, count]) => {
      const [stage = '', reason = '', rule = ''] = key.split(gap)
      return { stage, reason, rule, count }
    })
  }

  #dayOf(now: number): DayTally {
    const day = Math.floor(now / dayMs)
    if (day === this.#day) return this.#today
    const name = new Date(day * dayMs).toISOString().slice(0, 10)
    this.#day = day
    this.#today = this.#days.get(name) ?? { decisions: 0, offers: 0 }
    this.#days.set(name, this.#today)
    return this.#today
  }
}

export type Refusals = {
  readonly stage: string
  readonly reason: string
  readonly rule: string
  readonly count: number
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
