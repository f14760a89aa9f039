/** How long decisions took, from the instant they were meant to begin. */
import { build, type Histogram } from 'hdr-histogram-js'

/** Milliseconds of wall time; all 0 when nothing was measured. */
export type LatencyMs = {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/**
 * Collects latencies of events (until their commit) and of live requests (until their answer). The start is always the instant
 * at which the plan of the day wanted them sent, not the instant at which they were: waiting in front of a slow engine counts.
 */
export type LatencyMeter = {
  /** Notes that `count` events took this long, milliseconds. */
  events(tookMs: number, count: number): void
  /** Notes that one live request took this long, milliseconds. */
  request(tookMs: number): void
  /** Events and requests together; each of them alone. */
  readonly figures: () => { readonly all: LatencyMs; readonly events: LatencyMs; readonly requests: LatencyMs }
  /** Highest of all since this was last asked; 0 when there was none. */
  recentMaxMs(): number
}

/** Three significant digits from a microsecond to an hour; longer counts as an hour. */
const longestUs = 3_600_000_000

/** An empty meter. */
export function createLatencyMeter(): LatencyMeter {
  const [all, ofEvents, ofRequests] = [histogram(), histogram(), histogram()]
  let recentMax = 0
  const note = (into: Histogram, tookMs: number, count: number): void => {
    const us = Math.min(Math.max(1, Math.round(tookMs * 1000)), longestUs)
    into.recordValueWithCount(us, count)
    all.recordValueWithCount(us, count)
    recentMax = Math.max(recentMax, tookMs)
  }
  return {
    events: (tookMs, count) => note(ofEvents, tookMs, count),
    request: (tookMs) => note(ofRequests, tookMs, 1),
    figures: () => ({ all: figuresOf(all), events: figuresOf(ofEvents), requests: figuresOf(ofRequests) }),
    recentMaxMs: () => {
      const max = recentMax
      recentMax = 0
      return max
    },
  }
}

function histogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: longestUs, numberOfSignificantValueDigits: 3 })
}

function figuresOf(histogram: Histogram): LatencyMs {
  if (histogram.totalCount === 0) return { p50: 0, p99: 0, p999: 0, max: 0 }
  const max = histogram.maxValue
  // A percentile is the upper end of its bucket, which may lie above the highest value.
  const at = (percentile: number): number => rounded(Math.min(histogram.getValueAtPercentile(percentile), max))
  return { p50: at(50), p99: at(99), p999: at(99.9), max: rounded(max) }
}

function rounded(us: number): number {
  return Math.round(us / 10) / 100
}
