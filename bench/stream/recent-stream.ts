import { createStream, type EventStream, type StreamOptions } from '../workload/stream.ts'

const spanMs = 300_000
const dayMs = 86_400_000

/**
 * A stream whose events have happened within the last five minutes: servers have their own clocks, and what is older than the
 * freshness of a trigger leads to no offer.
 */
export function recentStream(options: RecentOptions): EventStream {
  return createStream(recentOptions(options))
}

export type RecentOptions = {
  readonly seed: number
  readonly customers: number
  readonly events: number
  readonly types?: readonly string[]
  /** When the last event happens; now when absent. */
  readonly endMs?: number
}

/** The options of such a stream, for another process. */
export function recentOptions({ events, endMs = Date.now(), ...rest }: RecentOptions): StreamOptions {
  const eventsPerCustomerDay = (events * dayMs) / (rest.customers * spanMs)
  return { ...rest, startMs: endMs - spanMs, eventsPerCustomerDay }
}
