/** Reads the decisions log as it grows. */
import type { Log } from '../../ingest/log.ts'
import type { Decision } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'

const page = { maxBytes: 512 * 1024, maxRecords: 250 }

export type DecisionsFollower = {
  /** Hands over at most a page of each partition, in the order of each; returns how many there were. */
  poll(): Promise<number>
}

/** Follows a decisions log from its start; each decision that is published is handed over once for each time it is in the log. */
export function followDecisions(log: Log, onDecision: (decision: Decision) => void): DecisionsFollower {
  const next = new Array<number>(log.partitions).fill(0)
  return {
    async poll() {
      let read = 0
      for (const [partition, from] of next.entries()) {
        const records = await log.read(partition, from, page)
        next[partition] = from + records.length
        read += records.length
        for (const { value } of records) onDecision(decodeDecision(value))
      }
      return read
    },
  }
}
