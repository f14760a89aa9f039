import type { FeatureDef, Layout, SeriesDef } from '../../rules/compiled.ts'
import { HIGH } from './heap.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Panes a window length is cut into. */
const PANES = 60
const BOUND_MAX = 4096

/** What the state needs to know to keep one series; a pure function of the layout. */
export type SeriesRules = {
  readonly key: string
  readonly valued: boolean
  readonly nonNegative: boolean
  /** Most exact entries kept, 1 to 4,096. */
  readonly bound: number
  /** What is no older than the newest entry by this is kept: what the windows see, and the lateness of an evaluation. */
  readonly keepMs: number
  /** Whether entries may lie 2^32 ms or more before the newest, so that the low half of an instant does not tell it. */
  readonly wide: boolean
  /** Width of a pane's cell for each level, ascending; each a multiple of the one before. */
  readonly widths: Float64Array
  /** Level l > 0 holds once the whole cell is older than `ages[l]`; `ages[0]` is 0. */
  readonly ages: Float64Array
}

/** The rules of no series at all: what a window reader holds until it opens its first series, so that it never holds null. */
export const NO_RULES: SeriesRules = {
  key: '',
  valued: false,
  nonNegative: false,
  bound: 1,
  keepMs: 0,
  wide: false,
  widths: new Float64Array(1),
  ages: new Float64Array(1),
}

/**
 * The instant before which nothing is kept when the newest entry is at `newest`. It lies on the grid of the coarsest cells, so
 * that no pane lies across it: what is dropped depends on the entries alone, not on the order they came in.
 */
export function keptSince(rules: SeriesRules, newest: number): number {
  const cell = rules.widths[rules.widths.length - 1]!
  return Math.floor((newest - rules.keepMs) / cell) * cell
}

/** The rules of each series of a layout. Windows of growth baselines and calendar periods count besides `windowsMs`. */
export function seriesRules(layout: Layout): readonly SeriesRules[] {
  return layout.series.map((def, index) => {
    const features = layout.features.filter((feature) => feature.series === index)
    return rulesOf(def, features, layout.dedupeMs)
  })
}

function rulesOf(def: SeriesDef, features: readonly FeatureDef[], latenessMs: number): SeriesRules {
  const lengths = features.map(lengthOf).filter((length) => length > 0)
  const windows = [...new Set([...def.windowsMs, ...lengths])].sort((a, b) => a - b)
  const retention = Number.isFinite(def.retentionMs) ? def.retentionMs : 0
  if (windows.length === 0) windows.push(Math.max(retention, DAY_MS))
  const widths = new Float64Array(windows.length)
  const ages = new Float64Array(windows.length)
  for (const [level, window] of windows.entries()) {
    const before = level === 0 ? 1 : widths[level - 1]!
    widths[level] = before * Math.max(1, Math.floor(window / PANES / before))
    ages[level] = level === 0 ? 0 : windows[level - 1]!
  }
  const keepMs = Math.max(retention, ...lengths) + latenessMs
  return {
    key: def.key,
    valued: def.valued,
    nonNegative: def.nonNegative === true,
    bound: Math.min(BOUND_MAX, Math.max(1, Math.ceil(def.bound))),
    keepMs,
    wide: keepMs + widths[widths.length - 1]! >= HIGH,
    widths,
    ages,
  }
}

/** How far back a feature looks; 0 for lifetime, which the running totals answer. A day with a change of clocks has 25 hours. */
function lengthOf(feature: FeatureDef): number {
  const { window, baseline } = feature.model
  if (window.kind === 'rolling') return window.ms * (feature.model.kind === 'growth' ? (baseline?.windows ?? 0) + 1 : 1)
  if (window.kind === 'lifetime') return 0
  const days = { day: 1, week: 7, month: 31 }[window.period]
  return days * DAY_MS + HOUR_MS
}
