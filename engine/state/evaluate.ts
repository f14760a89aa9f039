import assert from 'node:assert/strict'
import type { FeatureDef, Layout } from '../../rules/compiled.ts'
import type { FeatureKind, FeatureModel } from '../../rules/model.ts'
import { type SourceTable, typeKey } from '../../rules/source-table.ts'
import { Ages } from './age.ts'
import { Calendar } from './calendar.ts'
import type { Heap } from './heap.ts'
import { lifetime } from './lifetime.ts'
import { completeFrom, missingCount, missingTypeOf } from './missing.ts'
import { OriginReader } from './origin-reader.ts'
import { blockAt, type RecordShape } from './record.ts'
import type { SeriesRules } from './series-rules.ts'
import type { FeatureClass } from './states.ts'
import { WindowReader } from './window.ts'

const ATTRIBUTE = 0
const ROLLING = 1
const CALENDAR = 2
const LIFETIME = 3
const GROWTH = 4
const AGE = 5
const NOT_OURS = 255

/** Everything that reads features and attributes out of records of one layout. */
export class Evaluator {
  readonly #heap: Heap
  readonly #shape: RecordShape
  readonly #rules: readonly SeriesRules[]
  readonly #since: Float64Array
  /** By series: the type of its events, as `missing.ts` tells it. */
  readonly #types: Float64Array
  /** Whether the customer at hand lacks events. */
  #lacks = false
  readonly #reader: WindowReader
  readonly #calendar: Calendar
  readonly #ages: Ages
  readonly #features: readonly FeatureDef[]
  /** By frame index: what it is, which attribute or series it reads, its validity or window in ms, which feature it is. */
  readonly #sort: Uint8Array
  readonly #source: Uint16Array
  readonly #ms: Float64Array
  readonly #feature: Uint16Array
  /** By frame index of an attribute: the stored instant until which it holds; -1: it has none of its own. */
  readonly #until: Int32Array

  /** Where the customer's data came from; by frame index: by which types of events a variable is fed. */
  readonly #origins: OriginReader
  readonly #fedBy: (Uint32Array | undefined)[] = []

  constructor(
    heap: Heap,
    shape: RecordShape,
    layout: Layout,
    rules: readonly SeriesRules[],
    observedSince: readonly number[],
  ) {
    assert(observedSince.length === layout.series.length, 'every series says since when it is observed')
    this.#heap = heap
    this.#shape = shape
    this.#rules = rules
    this.#since = Float64Array.from(observedSince)
    this.#types = Float64Array.from(layout.series, ({ event }) => missingTypeOf(event))
    this.#reader = new WindowReader(heap)
    this.#calendar = new Calendar(layout.zone)
    this.#ages = new Ages(layout.zone, this.#calendar)
    this.#features = layout.features
    this.#origins = new OriginReader(heap)
    this.#sort = new Uint8Array(layout.variables).fill(NOT_OURS)
    this.#source = new Uint16Array(layout.variables)
    this.#ms = new Float64Array(layout.variables)
    this.#feature = new Uint16Array(layout.variables)
    this.#until = new Int32Array(layout.variables).fill(-1)
    for (const [index, def] of layout.attributes.entries()) {
      this.#sort[def.variable] = def.isAge === true ? AGE : ATTRIBUTE
      this.#source[def.variable] = index
      this.#ms[def.variable] = def.validForMs ?? Number.POSITIVE_INFINITY
      this.#fedBy[def.variable] = Uint32Array.from(def.setBy ?? [], typeKey)
    }
    for (const [index, { attribute }] of (layout.expiries ?? []).entries())
      this.#until[layout.attributes[attribute]?.variable ?? -1] = layout.attributes.length + index
    for (const [index, def] of layout.features.entries()) {
      const { window } = def.model
      this.#sort[def.variable] = sortOf(def)
      this.#source[def.variable] = def.series
      this.#ms[def.variable] = window.kind === 'rolling' ? window.ms : 0
      this.#feature[def.variable] = index
      this.#fedBy[def.variable] = Uint32Array.of(typeKey(layout.series[def.series]?.event ?? ''))
    }
  }

  /** Since when each series of the layout is observed from now on. */
  observe(observedSince: readonly number[]): void {
    assert(observedSince.length === this.#since.length, 'every series says since when it is observed')
    this.#since.set(observedSince)
  }

  /** See `States.evaluate`; `r` is the record. */
  evaluate(
    r: number,
    asOf: number,
    now: number,
    reads: readonly number[],
    lo: Float64Array,
    hi: Float64Array,
    purposes: number,
  ): void {
    const reader = this.#reader
    const { out } = reader
    reader.close()
    this.#lacks = missingCount(this.#heap, r) > 0
    const spoils = this.#origins.begin(r, now, purposes)
    for (let i = 0; i < reads.length; i++) {
      const variable = reads[i]!
      const sort = this.#sort[variable]!
      if (sort === NOT_OURS) continue
      if (spoils && this.#origins.isSpoilt(this.#fedBy[variable]!, this.#reachOf(r, variable, asOf))) reader.unknown()
      else if (sort === ATTRIBUTE || sort === AGE) this.#attribute(r, variable, sort, now)
      else this.#read(r, variable, sort, asOf)
      lo[variable] = out[0]!
      hi[variable] = out[1]!
    }
  }

  /** See `States.judgeSources`. */
  judgeSources(table: SourceTable): void {
    this.#origins.judge(table)
  }

  /** See `States.limitsOf`. */
  limitsOf(r: number): number {
    return this.#origins.limitsOf(r)
  }

  /** See `States.originsOf`. */
  originsOf(r: number, variable: number, asOf: number, visit: (origin: number) => void): void {
    const types = this.#fedBy[variable]
    if (types !== undefined) this.#origins.visit(r, types, this.#reachOf(r, variable, asOf), visit)
  }

  /** The earliest instant of what a variable reads. Of an attribute: when it was set. */
  #reachOf(r: number, variable: number, asOf: number): number {
    const sort = this.#sort[variable]!
    if (sort === ATTRIBUTE || sort === AGE) return this.#heap.f64[r + this.#shape.setAts + this.#source[variable]!]!
    const { window, baseline } = this.#features[this.#feature[variable]!]!.model
    switch (window.kind) {
      case 'rolling':
        return asOf - window.ms * (sort === GROWTH ? 1 + (baseline?.windows ?? 0) : 1)
      case 'calendar':
        return this.#calendar.startOf(window.period, asOf)
      case 'lifetime':
        return 0
    }
  }

  #attribute(r: number, variable: number, sort: number, now: number): void {
    const { f64 } = this.#heap
    const attribute = this.#source[variable]!
    const value = f64[r + this.#shape.values + attribute]!
    const setAt = f64[r + this.#shape.setAts + attribute]!
    if (setAt < 0 || Number.isNaN(value) || now - setAt > this.#ms[variable]! || this.#hasExpired(r, variable, now)) {
      this.#reader.unknown()
      return
    }
    const { out } = this.#reader
    const read = sort === AGE ? this.#ages.years(value, now) : value
    out[0] = read
    out[1] = read
  }

  /** Whether the event that set an attribute said until when it holds, and that is over. Another event's word does not count. */
  #hasExpired(r: number, variable: number, now: number): boolean {
    const until = this.#until[variable]!
    if (until < 0) return false
    const { f64 } = this.#heap
    const { values, setAts } = this.#shape
    return f64[r + setAts + until] === f64[r + setAts + this.#source[variable]!] && now > f64[r + values + until]!
  }

  #read(r: number, variable: number, sort: number, asOf: number): void {
    const series = this.#source[variable]!
    const p = this.#heap.u32[blockAt(this.#shape, r, series)]!
    const rules = this.#rules[series]!
    const since = this.#sinceOf(r, series)
    const { model } = this.#features[this.#feature[variable]!]!
    if (sort === LIFETIME) {
      lifetime(this.#heap, this.#reader, model.kind, p, rules, asOf, since)
      return
    }
    if (sort === GROWTH) {
      this.#growth(p, rules, model, asOf, since)
      return
    }
    const { window } = model
    const start = window.kind === 'calendar' ? this.#calendar.startOf(window.period, asOf) : asOf - this.#ms[variable]!
    this.#reader.open(p, rules, start, asOf, since)
    ask(this.#reader, model.kind)
  }

  /** From when on the customer's series is complete: it is observed, and none of its events is missing. */
  #sinceOf(r: number, series: number): number {
    const since = this.#since[series]!
    return this.#lacks ? Math.max(since, completeFrom(this.#heap, r, this.#types[series]!)) : since
  }

  /**
   * (aggregate of the window) / (mean of the same aggregate over the n windows before) - 1. The windows before end where the
   * recent one begins: [asOf - (k+1)W, asOf - kW) for k = 1..n, so no entry counts twice.
   */
  #growth(p: number, rules: SeriesRules, model: FeatureModel, asOf: number, since: number): void {
    const { window, baseline, value } = model
    assert(window.kind === 'rolling' && baseline !== null, 'growth has a rolling window and a baseline')
    const reader = this.#reader
    const { out } = reader
    const start = asOf - window.ms
    reader.open(p, rules, start - baseline.windows * window.ms, start - 1, since)
    if (value === null) reader.count()
    else reader.sum()
    const meanLo = out[0]! / baseline.windows
    const meanHi = out[1]! / baseline.windows
    // The mean may lie below the minimum, or be nothing to divide by.
    if (!(meanLo >= baseline.minimum && meanLo > 0)) {
      reader.unknown()
      return
    }
    reader.open(p, rules, start, asOf, since)
    if (value === null) reader.count()
    else reader.sum()
    out[0] = quotient(out[0]!, out[0]! >= 0 ? meanHi : meanLo) - 1
    out[1] = quotient(out[1]!, out[1]! >= 0 ? meanLo : meanHi) - 1
  }
}

function sortOf({ model }: FeatureDef): number {
  if (model.kind === 'growth') return GROWTH
  return { rolling: ROLLING, calendar: CALENDAR, lifetime: LIFETIME }[model.window.kind]
}

/** How a value is known. */
export function classOf(lo: number, hi: number): FeatureClass {
  if (lo === hi) return 'exact'
  return lo === Number.NEGATIVE_INFINITY && hi === Number.POSITIVE_INFINITY ? 'unknown' : 'bounded'
}

/** Division of ends of intervals: nothing by an open end is nothing, an open end by anything is open. */
function quotient(a: number, b: number): number {
  return Number.isFinite(b) ? a / b : 0
}

function ask(reader: WindowReader, kind: FeatureKind): void {
  switch (kind) {
    case 'count':
      reader.count()
      return
    case 'sum':
      reader.sum()
      return
    case 'min':
      reader.min()
      return
    case 'max':
      reader.max()
      return
    case 'average':
      reader.average()
      return
    case 'first':
      reader.first()
      return
    case 'last':
      reader.last()
      return
    case 'time_since':
      reader.timeSince()
      return
    case 'distinct':
      reader.distinct()
      return
    case 'growth':
      assert.fail('growth is read over two stretches')
  }
}
