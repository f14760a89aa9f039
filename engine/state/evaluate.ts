import assert from 'node:assert/strict'
import type { FeatureDef, Layout } from '../../rules/compiled.ts'
import type { FeatureKind, Window } from '../../rules/model.ts'
import { Calendar } from './calendar.ts'
import type { Heap } from './heap.ts'
import { lifetime } from './lifetime.ts'
import type { RecordShape } from './record.ts'
import type { SeriesRules } from './series-rules.ts'
import type { FeatureClass } from './states.ts'
import { WindowReader } from './window.ts'

/** Everything that reads features and attributes out of records of one layout. */
export class Evaluator {
  readonly #heap: Heap
  readonly #shape: RecordShape
  readonly #rules: readonly SeriesRules[]
  readonly #since: Float64Array
  readonly #reader: WindowReader
  readonly #calendar: Calendar
  /** By frame index: -1 not ours, an attribute's index, or the number of attributes plus a feature's index. */
  readonly #sources: Int32Array
  readonly #validFor: Float64Array
  readonly #features: readonly FeatureDef[]

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
    this.#reader = new WindowReader(heap)
    this.#calendar = new Calendar(layout.zone)
    this.#sources = new Int32Array(layout.variables).fill(-1)
    this.#validFor = Float64Array.from(layout.attributes, (def) => def.validForMs ?? Number.POSITIVE_INFINITY)
    this.#features = layout.features
    for (const [index, def] of layout.attributes.entries()) this.#sources[def.variable] = index
    for (const [index, def] of layout.features.entries()) this.#sources[def.variable] = shape.attributes + index
  }

  /** See `States.evaluate`; `r` is the record. */
  evaluate(r: number, asOf: number, now: number, reads: readonly number[], lo: Float64Array, hi: Float64Array): void {
    const attributes = this.#shape.attributes
    const { out } = this.#reader
    for (let i = 0; i < reads.length; i++) {
      const variable = reads[i]!
      const source = this.#sources[variable]!
      if (source < 0) continue
      if (source < attributes) this.#attribute(r, source, now)
      else this.#feature(r, this.#features[source - attributes]!, asOf)
      lo[variable] = out[0]!
      hi[variable] = out[1]!
    }
  }

  #attribute(r: number, attribute: number, now: number): void {
    const { f64 } = this.#heap
    const value = f64[r + this.#shape.values + attribute]!
    const setAt = f64[r + this.#shape.setAts + attribute]!
    if (setAt < 0 || Number.isNaN(value) || now - setAt > this.#validFor[attribute]!) {
      this.#reader.unknown()
      return
    }
    const { out } = this.#reader
    out[0] = value
    out[1] = value
  }

  #feature(r: number, def: FeatureDef, asOf: number): void {
    const { model, series } = def
    const p = this.#heap.u32[r * 2 + this.#shape.blocks + series]!
    const rules = this.#rules[series]!
    const since = this.#since[series]!
    if (model.window.kind === 'lifetime') {
      lifetime(this.#heap, this.#reader, model.kind, p, rules, asOf, since)
      return
    }
    const start = this.#startOf(model.window, asOf)
    if (model.kind === 'growth') {
      this.#growth(p, rules, def, asOf, since)
      return
    }
    this.#reader.open(p, rules, start, asOf, since)
    read(this.#reader, model.kind)
  }

  #startOf(window: Exclude<Window, { kind: 'lifetime' }>, asOf: number): number {
    return window.kind === 'rolling' ? asOf - window.ms : this.#calendar.startOf(window.period, asOf)
  }

  /**
   * (aggregate of the window) / (mean of the same aggregate over the n windows before) - 1. The windows before end where the
   * recent one begins: [asOf - (k+1)W, asOf - kW) for k = 1..n, so no entry counts twice.
   */
  #growth(p: number, rules: SeriesRules, def: FeatureDef, asOf: number, since: number): void {
    const { window, baseline, value } = def.model
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

/** How a value is known. */
export function classOf(lo: number, hi: number): FeatureClass {
  if (lo === hi) return 'exact'
  return lo === Number.NEGATIVE_INFINITY && hi === Number.POSITIVE_INFINITY ? 'unknown' : 'bounded'
}

/** Division of ends of intervals: nothing by an open end is nothing, an open end by anything is open. */
function quotient(a: number, b: number): number {
  return Number.isFinite(b) ? a / b : 0
}

function read(reader: WindowReader, kind: FeatureKind): void {
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
