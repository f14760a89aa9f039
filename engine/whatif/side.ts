/**
 * One side of a what-if: a simulated bank under one pack that history goes through, and what is counted of it. Both sides are under the same
 * assumptions, so that what differs is the rules'; they share nothing, so that each may have a thread of its own.
 */
import type { CompiledPack } from '../../rules/compiled.ts'
import type { LoadedLearned } from '../../rules/learned-table.ts'
import type { Decision } from '../../sinks/decision.ts'
import type { BeliefCount } from './belief.ts'
import { type PastDecision, RecordedDecisions } from './recorded-decisions.ts'
import { type Hole, holesMax, type UnknownPast, unknownPast } from './report.ts'
import { SideTally, type TallyData } from './side-tally.ts'
import { type PastStep, SimulatedBank } from './simulated-bank.ts'

/** A stretch of history: all that happened up to an instant and not before the last slice. */
export type PastSlice = {
  /** Unix milliseconds; the slice ends before it. */
  readonly until: number
  /** What is decided by later slices is decided at this instant or later. */
  readonly settled: number
  /** In the order of their instants; of a partition in the order of its commits. */
  readonly steps: readonly PastStep[]
  /** Those that were made in it, by their instants. */
  readonly decisions: readonly PastDecision[]
  readonly holes: readonly Hole[]
}

/** What both sides are under. */
export type Assumptions = {
  readonly learned: LoadedLearned | null
  readonly salt: string
  /** Memory of each bank's customers. */
  readonly bankBytes: number
  /** When counting for the states begins, and when the window of the report does, Unix milliseconds. */
  readonly warmedFrom: number
  readonly from: number
  /** Since when what is counted is complete, Unix milliseconds: long ago where history goes back to the first event, else `warmedFrom`. */
  readonly observedSince: number
  /** Units left of resources when the window begins, by id, as far as it is known. */
  readonly stockLeft: ReadonlyMap<string, number>
}

export type SideOptions = Assumptions & {
  readonly pack: CompiledPack
  /** Whether its decisions are held against those that were made under the same pack. */
  readonly isCompared: boolean
  /** Told of each decision of the window; for a shadow. */
  readonly onDecision?: (decision: Decision) => void
}

/** What came of a side, as plain data. */
export type SideData = {
  readonly hash: string
  readonly tally: TallyData
  readonly belief: BeliefCount
  readonly stock: readonly { readonly resource: string; readonly left: number; readonly ranOutAt: number }[]
  readonly unknownPast: readonly UnknownPast[]
  readonly holes: readonly Hole[]
  readonly holesMore: number
  /** Of the window; `inputs` with the warm-up. */
  readonly events: number
  readonly requests: number
  readonly inputs: number
  readonly customers: number
  readonly to: number
  /** Processor time of the steps of the window, microseconds. */
  readonly cpuUs: number
}

/** What keeps a what-if from being worked out; `message` says what to do. */
export class WhatIfError extends Error {
  readonly code: 'customers_do_not_fit' | 'history_missing' | 'pack_refused'
  constructor(code: WhatIfError['code'], message: string) {
    super(message)
    this.code = code
  }
}

export class Side {
  readonly #options: SideOptions
  readonly #recorded = new RecordedDecisions()
  readonly #tally = new SideTally()
  readonly #bank: SimulatedBank
  readonly #holes: Hole[] = []
  #holesMore = 0
  #inWindow = false
  /** Whether the step at hand was under this pack in reality too. */
  #isEvidence = false
  #events = 0
  #requests = 0
  #inputs = 0
  #to: number
  #cpuUs = 0

  constructor(options: SideOptions) {
    this.#options = options
    const { pack, learned, salt, bankBytes: cacheBytes, observedSince } = options
    this.#bank = new SimulatedBank({
      ...{ pack, learned, salt, cacheBytes },
      observedSince: pack.layout.series.map(() => observedSince),
      isReal: (id) => this.#recorded.isOffered(id),
      onDecision: (decision) => {
        if (decision.now < options.from) return
        if (this.#isEvidence) this.#recorded.compute(decision)
        this.#tally.add(decision)
        options.onDecision?.(decision)
      },
    })
    this.#to = options.from
  }

  /** Customers who came by. */
  get customers(): number {
    return this.#bank.customers
  }

  /** Inputs that went through, warm-up included. */
  get inputs(): number {
    return this.#inputs
  }

  /**
   * Takes the next slice. One that is within the window has nothing from before it.
   * @throws WhatIfError `customers_do_not_fit`
   */
  take({ until, settled, steps, decisions, holes }: PastSlice): void {
    const { from, pack, isCompared } = this.#options
    if (!this.#inWindow && until > from) this.#beginWindow()
    for (const hole of holes) {
      if (this.#holes.length < holesMax) this.#holes.push(hole)
      else this.#holesMore++
    }
    const { hash } = pack.loaded
    for (const decision of decisions) {
      const { decidedAt, counts, packHash } = decision
      this.#recorded.record(decision, isCompared && decidedAt >= from && counts && packHash === hash)
    }
    const before = process.threadCpuUsage()
    for (const step of steps) {
      this.#isEvidence = isCompared && step.packHash === hash
      this.#bank.take(step)
    }
    const { user, system } = process.threadCpuUsage(before)
    this.#cpuUs += user + system
    for (const { events, requests } of steps) {
      this.#inputs += events.length + requests.length
      if (!this.#inWindow) continue
      this.#events += events.length
      this.#requests += requests.length
    }
    this.#recorded.forget(settled)
    if (this.#inWindow) this.#to = Math.max(this.#to, until)
    if (!this.#bank.isFull) return
    const mb = Math.round(this.#options.bankBytes / 2 ** 20)
    throw new WhatIfError(
      'customers_do_not_fit',
      `More than ${this.#bank.customers} customers do not fit into ${mb} MB. Raise WHATIF_MB, or look at fewer days.`,
    )
  }

  /** What came of it so far. */
  data(): SideData {
    const { pack, observedSince, from } = this.#options
    const { stock, customers } = this.#bank
    const since = pack.layout.series.map(() => observedSince)
    return {
      hash: pack.loaded.hash,
      tally: this.#tally.data(),
      belief: this.#recorded.belief,
      stock: pack.loaded.model.resources.map(({ id: resource }, i) => {
        return { resource, left: stock.leftOf(i), ranOutAt: stock.ranOutAt[i] ?? 0 }
      }),
      unknownPast: unknownPast(pack, since, from),
      ...{ holes: this.#holes, holesMore: this.#holesMore, customers, to: this.#to, cpuUs: this.#cpuUs },
      ...{ events: this.#events, requests: this.#requests, inputs: this.#inputs },
    }
  }

  #beginWindow(): void {
    this.#inWindow = true
    this.#bank.stock.begin(this.#options.stockLeft)
    this.#cpuUs = 0
  }
}
