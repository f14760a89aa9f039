/** Follows the decisions log: the decisions of all partitions as they are published. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../ingest/log.ts'
import type { Decision } from './decision.ts'
import { decodeDecision } from './decision-codec.ts'

export type TailFilter = {
  readonly customerId?: string | undefined
  /** Decisions that leave with this offer, or had it among their candidates. */
  readonly offer?: string | undefined
  readonly outcome?: Decision['outcome'] | undefined
}

export type TailOptions = {
  /** `start`: from the oldest decision kept. `now`: only what comes after the call. */
  readonly from: 'start' | 'now'
  readonly filter?: TailFilter
  /** Ends the tail, also while it waits. */
  readonly signal: AbortSignal
  /** How long it rests when there is nothing new, milliseconds; 200 when absent. */
  readonly pollMs?: number
}

const page = { maxBytes: 1024 * 1024, maxRecords: 500 }

/**
 * The decisions that pass the filter; order holds within a customer, not among customers. Holds one page of one partition
 * in memory, whatever the pace of its reader. A reader that retention overtakes goes on with the oldest kept.
 * @throws DecisionDecodeError when the log holds a record of a newer release
 */
export async function* tailDecisions(
  log: Pick<Log, 'partitions' | 'read' | 'bounds'>,
  { from, filter = {}, signal, pollMs = 200 }: TailOptions,
): AsyncGenerator<Decision, void, undefined> {
  const next: number[] = []
  for (let partition = 0; partition < log.partitions; partition++) {
    const bounds = await log.bounds(partition)
    next.push(from === 'start' ? bounds.start : bounds.end)
  }
  while (!signal.aborted) {
    let found = 0
    for (const [partition, position] of next.entries()) {
      const { start, end } = await log.bounds(partition)
      const at = Math.min(Math.max(position, start), end)
      const records = await log.read(partition, at, page)
      next[partition] = at + records.length
      found += records.length
      for (const { key, value } of records) {
        if (signal.aborted) return
        // The key is the customer: records of others need no decoding.
        if (filter.customerId !== undefined && key !== filter.customerId) continue
        const decision = decodeDecision(value)
        if (passes(decision, filter)) yield decision
      }
    }
    if (found === 0) await sleep(pollMs, undefined, { signal }).catch(() => undefined)
  }
}

function passes(decision: Decision, { offer, outcome }: TailFilter): boolean {
  if (outcome !== undefined && decision.outcome !== outcome) return false
  if (offer === undefined) return true
  return decision.offers.some((item) => item.offer === offer) || decision.fates.some((fate) => fate.offer === offer)
}
