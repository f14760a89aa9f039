import type { LogRecord } from '../../ingest/log.ts'
import type { Meta } from '../store/store.ts'
import { batchCustomersMax } from './batch-customers.ts'
import { packEvents } from './event-frame.ts'
import type { PartitionOptions } from './partition-options.ts'
import { type DefiniteResult, definiteResult } from './resend-commit.ts'
import { lostDecisions, type Scan } from './scan-decisions.ts'
import type { BatchResult, Progress } from './shard-port.ts'
import type { Tenure } from './standstill.ts'

/** Commit numbers jump this far beyond every one that ever left, so that none is used for a second content. */
const seqJump = 1_000
const limits = { events: 4_096, customers: batchCustomersMax, bytes: 512 * 1024 } as const

type Steps = Pick<PartitionOptions, 'partition' | 'port' | 'decisions' | 'timing'> & { readonly tenure: Tenure }

/** What came of adopting: how the partition stands, or a result that ended it. */
export type AdoptEnd =
  | { readonly kind: 'adopted'; readonly progress: Progress; readonly decisions: number }
  | Exclude<DefiniteResult, { kind: 'done' }>

/**
 * Takes the effects of every decision that left although the store lost its commit, before anything else is stepped. Commits
 * in pieces; the header says so until the last one, and a take-over in between begins anew, as adopting twice changes nothing.
 */
export async function adoptLost(steps: Steps, meta: Meta, scan: Scan): Promise<AdoptEnd> {
  const adopting = { from: meta.adopting?.from ?? meta.seq, to: scan.lostTo ?? meta.adopting?.to ?? meta.seq }
  let to = Math.max(meta.seq, adopting.to) + seqJump
  let decisions = 0
  let waiting: LogRecord[] = []
  let customers = new Set<string>()
  let bytes = 0
  const adopt = async (): Promise<Stopped | null> => {
    const { buffer } = packEvents(waiting, { ...limits, events: waiting.length, bytes: Number.POSITIVE_INFINITY })
    const task = { partition: steps.partition, records: buffer, to, adopting, notAfter: steps.tenure.until() }
    const result = await definite(steps, steps.port.adopt(task))
    if (result.kind !== 'done') return result
    to = result.progress.seq + 1
    decisions += waiting.length
    waiting = []
    customers = new Set()
    bytes = 0
    return null
  }
  for await (const record of lostDecisions(steps.decisions, steps.partition, meta, scan.end)) {
    customers.add(record.key)
    bytes += record.value.length
    const isFull = customers.size > limits.customers || bytes > limits.bytes || waiting.length >= limits.events
    if (isFull && waiting.length > 0) {
      const stopped = await adopt()
      if (stopped !== null) return stopped
      customers.add(record.key)
      bytes = record.value.length
    }
    waiting.push(record)
  }
  const stopped = waiting.length > 0 ? await adopt() : null
  if (stopped !== null) return stopped
  const change = { adopting: null, dpos: scan.end }
  const task = { partition: steps.partition, to, change, notAfter: steps.tenure.until() }
  const result = await definite(steps, steps.port.amend(task))
  return result.kind === 'done' ? { kind: 'adopted', progress: result.progress, decisions } : result
}

type Stopped = Exclude<DefiniteResult, { kind: 'done' }>

/** The answer of a commit, sent again while there is none. */
async function definite(steps: Steps, sent: Promise<BatchResult>): Promise<DefiniteResult> {
  return definiteResult(steps, await sent, () => {})
}
