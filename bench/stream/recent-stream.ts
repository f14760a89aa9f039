import { createStream, type EventStream } from '../workload/stream.ts'

const spanMs = 300_000
const dayMs = 86_400_000

/**
 * A stream whose events have happened within the last five minutes: servers have their own clocks, and what is older than the
 * freshness of a trigger leads to no offer.
 */
export function recentStream(options: {
  readonly seed: number
  readonly customers: number
  readonly events: number
  readonly types?: readonly string[]
  /** When the last event happens; now when absent. */
  readonly endMs?: number
}): EventStream {
  const { events, endMs = Date.now(), ...rest } = options
  const eventsPerCustomerDay = (events * dayMs) / (rest.customers * spanMs)
  return createStream({ ...rest, startMs: endMs - spanMs, eventsPerCustomerDay })
}
