/** What a what-if found, as data. Counts are of the window; `current` is the pack in force, `next` the candidate version. */
import type { CompiledPack } from '../../rules/compiled.ts'
import type { BeliefCount } from './belief.ts'
import { CustomerNumbers, CustomerSet } from './customer-set.ts'
import type { SideData } from './side.ts'
import type { Refusals, TallyData } from './side-tally.ts'

/** The same number under both packs. */
export type Pair = { readonly current: number; readonly next: number }

export type OfferLine = {
  readonly offer: string
  readonly made: Pair
  readonly customers: Pair
  /** Customers who got it under the candidate version alone, and under the pack in force alone. */
  readonly gained: number
  readonly lost: number
  /** The first of them, for who may read ids. */
  readonly gainedExamples: readonly string[]
  readonly lostExamples: readonly string[]
}

export type RefusalLine = Omit<Refusals, 'count'> & { readonly count: Pair }

export type StockLine = {
  readonly resource: string
  /** Units left at the end of the window; null: the pack does not have it. */
  readonly left: { readonly current: number | null; readonly next: number | null }
  /** When an offer found too little of it first, Unix milliseconds; null: never. */
  readonly ranOutAt: { readonly current: number | null; readonly next: number | null }
}

export type UnknownPast = {
  readonly feature: string
  /** When its window lies within what was counted, Unix milliseconds; null: never, it looks at a whole life. */
  readonly completeFrom: number | null
}

/** A stretch of history that is not there: batches, or events of a batch that nobody's erasure explains. */
export type Hole = {
  readonly kind: 'batches_missing' | 'events_missing'
  readonly partition: number
  /** Offsets of the log: events from `from` up to and without `to`; the same: batches that had no events. */
  readonly from: number
  readonly to: number
  /** About when, Unix milliseconds. */
  readonly at: number
}

export type WhatIfReport = {
  readonly packs: { readonly current: string; readonly next: string }
  /** Unix milliseconds: counted since, the window. */
  readonly warmedFrom: number
  readonly from: number
  readonly to: number
  /** Inputs of the window. */
  readonly events: number
  readonly requests: number
  /** Customers who had any input since the warm-up began. */
  readonly customers: number
  readonly offers: readonly OfferLine[]
  readonly outcomes: readonly { readonly placement: string; readonly outcome: string; readonly count: Pair }[]
  readonly refusals: readonly RefusalLine[]
  readonly candidates: Pair
  readonly days: readonly { readonly day: string; readonly decisions: Pair; readonly offers: Pair }[]
  readonly stock: readonly StockLine[]
  readonly unknownPast: readonly UnknownPast[]
  readonly holes: readonly Hole[]
  /** Holes beyond those that are listed. */
  readonly holesMore: number
  readonly belief: BeliefCount
  /** Processor time of the step, microseconds an event or request, all inputs of the window shared; `live`: as this engine measured lately, null: nothing. `whole`: of everything, both packs, reading and warm-up, an input. */
  readonly cost: Pair & { readonly live: number | null; readonly whole: number }
  /** Events a second, both packs, reading included, warm-up too. */
  readonly speed: number
}

/** Most examples and holes that are kept. */
export const examplesMax = 10
export const holesMax = 100

type Sides<Value> = { readonly current: Value; readonly next: Value }

/** When counting began and the window did, Unix milliseconds, how long all took, and what a step costs live, see `WhatIfReport.cost`. */
export type ReportFrame = {
  readonly warmedFrom: number
  readonly from: number
  readonly tookMs: number
  /** Processor time of all of it, microseconds. */
  readonly cpuUs: number
  readonly liveUs: number | null
}

/** The report of both sides. */
export function reportOf(
  sides: Sides<SideData>,
  { warmedFrom, from, tookMs, cpuUs, liveUs }: ReportFrame,
): WhatIfReport {
  const { current, next } = sides
  const { events, requests, customers, to, inputs, holes, holesMore, belief } = current
  const ofWindow = Math.max(1, events + requests)
  return {
    packs: { current: current.hash, next: next.hash },
    ...{ warmedFrom, from, to, events, requests, customers },
    ...compared({ current: current.tally, next: next.tally }),
    stock: stockLines(sides),
    unknownPast: next.unknownPast,
    ...{ holes, holesMore, belief },
    cost: {
      current: current.cpuUs / ofWindow,
      next: next.cpuUs / ofWindow,
      live: liveUs,
      whole: cpuUs / Math.max(1, inputs),
    },
    speed: (inputs * 1_000) / Math.max(1, tookMs),
  }
}

/** The lines of the report that compare both sides. */
function compared(
  tallies: Sides<TallyData>,
): Pick<WhatIfReport, 'offers' | 'outcomes' | 'refusals' | 'candidates' | 'days'> {
  const { current, next } = tallies
  return {
    offers: offerLines(tallies),
    outcomes: paired(
      tallies,
      (side) => side.outcomes,
      ({ placement, outcome }) => `${placement} ${outcome}`,
    ).map(({ line: { placement, outcome }, count }) => ({ placement, outcome, count })),
    refusals: paired(
      tallies,
      (side) => side.refusals,
      ({ stage, reason, rule }) => `${stage} ${reason} ${rule}`,
    )
      .map(({ line: { stage, reason, rule }, count }) => ({ stage, reason, rule, count }))
      .sort((a, b) => differenceOf(b.count) - differenceOf(a.count) || b.count.current - a.count.current),
    candidates: { current: current.candidates, next: next.candidates },
    days: [...new Set([...current.days.keys(), ...next.days.keys()])].sort().map((day) => ({
      day,
      decisions: pair(current.days.get(day)?.decisions, next.days.get(day)?.decisions),
      offers: pair(current.days.get(day)?.offers, next.days.get(day)?.offers),
    })),
  }
}

/** What is left of resources on both sides, each by the pack that has it. */
function stockLines({ current, next }: Sides<SideData>): readonly StockLine[] {
  const sideOf = ({ stock }: SideData, resource: string) => {
    const line = stock.find((one) => one.resource === resource)
    const ranOutAt = line?.ranOutAt ?? 0
    return { left: line?.left ?? null, ranOutAt: ranOutAt === 0 ? null : ranOutAt }
  }
  const resources = [...current.stock, ...next.stock].map(({ resource }) => resource)
  return [...new Set(resources)].map((resource) => {
    const [now, then] = [sideOf(current, resource), sideOf(next, resource)]
    return {
      resource,
      left: { current: now.left, next: then.left },
      ranOutAt: { current: now.ranOutAt, next: then.ranOutAt },
    }
  })
}

/** Features of a pack that did not see all of their window when the window of the report began. */
export function unknownPast(
  { layout }: Pick<CompiledPack, 'layout'>,
  observedSince: readonly number[],
  from: number,
): readonly UnknownPast[] {
  return layout.features.flatMap(({ model, series }) => {
    const since = observedSince[series] ?? Number.POSITIVE_INFINITY
    const reach = layout.series[series]?.retentionMs ?? Number.POSITIVE_INFINITY
    if (since <= 0 || since + reach <= from) return []
    return [{ feature: model.id, completeFrom: Number.isFinite(since + reach) ? since + reach : null }]
  })
}

function offerLines({ current, next }: Sides<TallyData>): readonly OfferLine[] {
  const nobody = new CustomerSet()
  const numbers = new CustomerNumbers()
  const [now, then] = [offersOf(current, numbers), offersOf(next, numbers)]
  const lines = [...new Set([...now.keys(), ...then.keys()])].map((offer) => {
    const [before, after] = [now.get(offer), then.get(offer)]
    const [had, has] = [before?.customers ?? nobody, after?.customers ?? nobody]
    const gained = has.without(had, examplesMax)
    const lost = had.without(has, examplesMax)
    const ids = (list: readonly number[]) => list.map((number) => numbers.idOf(number))
    return {
      offer,
      made: pair(before?.made, after?.made),
      customers: { current: had.size, next: has.size },
      gained: gained.count,
      lost: lost.count,
      gainedExamples: ids(gained.first),
      lostExamples: ids(lost.first),
    }
  })
  return lines.sort((a, b) => b.gained + b.lost - (a.gained + a.lost) || b.made.current - a.made.current)
}

/** Offers of a side with their customers by numbers that both sides share. */
function offersOf({ offers, customers }: TallyData, numbers: CustomerNumbers) {
  const shared = customers.map((id) => numbers.of(id))
  return new Map(
    offers.map(({ offer, made, customers: own }) => {
      const set = new CustomerSet()
      for (const number of own) set.add(shared[number] ?? 0)
      return [offer, { made, customers: set }]
    }),
  )
}

function paired<Line extends { readonly count: number }>(
  { current, next }: Sides<TallyData>,
  linesOf: (side: TallyData) => readonly Line[],
  keyOf: (line: Line) => string,
): readonly { readonly line: Line; readonly count: Pair }[] {
  const now = new Map(linesOf(current).map((line) => [keyOf(line), line]))
  const then = new Map(linesOf(next).map((line) => [keyOf(line), line]))
  return [...new Set([...now.keys(), ...then.keys()])].sort().flatMap((key) => {
    const line = now.get(key) ?? then.get(key)
    return line === undefined ? [] : [{ line, count: pair(now.get(key)?.count, then.get(key)?.count) }]
  })
}

function pair(current: number | undefined, next: number | undefined): Pair {
  return { current: current ?? 0, next: next ?? 0 }
}

function differenceOf({ current, next }: Pair): number {
  return Math.abs(current - next)
}
