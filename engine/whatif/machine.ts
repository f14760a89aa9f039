/** Both sides of a what-if over the same slices in one thread, as a shadow needs them: slice by slice, pair by pair. */
import { performance } from 'node:perf_hooks'
import type { CompiledPack } from '../../rules/compiled.ts'
import type { Decision } from '../../sinks/decision.ts'
import { reportOf, type WhatIfReport } from './report.ts'
import { type Assumptions, type PastSlice, Side } from './side.ts'

export type MachineOptions = Assumptions & {
  readonly current: CompiledPack
  readonly next: CompiledPack
  /** Told of each decision of the window, under either pack. */
  readonly onNext?: (decision: Decision) => void
  readonly onCurrent?: (decision: Decision) => void
}

export class WhatIfMachine {
  readonly #options: MachineOptions
  readonly #current: Side
  readonly #next: Side
  readonly #started = performance.now()
  readonly #cpuBefore = process.cpuUsage()

  constructor(options: MachineOptions) {
    this.#options = options
    const { current, next, onCurrent, onNext, ...assumptions } = options
    const told = (onDecision?: (decision: Decision) => void) => (onDecision === undefined ? {} : { onDecision })
    this.#current = new Side({ ...assumptions, pack: current, isCompared: true, ...told(onCurrent) })
    this.#next = new Side({ ...assumptions, pack: next, isCompared: false, ...told(onNext) })
  }

  /** Customers who came by. */
  get customers(): number {
    return this.#current.customers
  }

  /** Takes the next slice, see `Side.take`. @throws WhatIfError `customers_do_not_fit` */
  take(slice: PastSlice): void {
    this.#current.take(slice)
    this.#next.take(slice)
  }

  /** @param liveUs what a step costs this engine lately, microseconds an input; null: nothing was measured */
  report(liveUs: number | null): WhatIfReport {
    const { warmedFrom, from } = this.#options
    const tookMs = performance.now() - this.#started
    const { user, system } = process.cpuUsage(this.#cpuBefore)
    return reportOf(
      { current: this.#current.data(), next: this.#next.data() },
      { warmedFrom, from, liveUs, tookMs, cpuUs: user + system },
    )
  }
}
