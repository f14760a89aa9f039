/** Commits, and what their batches answer once they are applied. */

import type { BatchSeries, BatchStep } from '../../sinks/batch.ts'
import type { Commit, CommitMeta } from '../store/store.ts'
import { doneWith, nothingSaid } from './batch-done.ts'
import { batchRecord, type Changed, changeRecord } from './batch-record.ts'
import { encodeOutbox } from './outbox.ts'
import type { OpenCommit, Owned } from './owned-partition.ts'
import type { BatchStats, BatchTask } from './shard-port.ts'
import type { SteppedBatch } from './step-batch.ts'

/** The commit of a stepped batch. The records that wait in the partition go with it. */
export function batchCommit(
  part: Owned,
  parts: Pick<Commit, 'writes' | 'due'> & {
    readonly task: BatchTask
    readonly stepped: SteppedBatch
    readonly stats: BatchStats
    readonly clock: 'wall' | 'event'
    readonly begun: CommitMeta['begun']
    /** What it was stepped from. */
    readonly step: BatchStep
    readonly series: BatchSeries
    readonly customersDue: readonly string[]
    readonly poisoned: ReadonlySet<number> | null
  },
): OpenCommit {
  const { task, stepped, stats, begun, writes, due } = parts
  const { packHash: pack, activation } = part.edition
  const { token, addr, seq, adopting } = part.meta
  const to = seq + 1
  const decisions = [...part.waiting, ...task.records, ...stepped.decisions]
  const { deadLetters, duplicates, settlements, clock, answers, next, appendTime } = stepped
  const from = part.meta.next
  const meta: CommitMeta = {
    next,
    appendTime,
    clock: parts.clock === 'event' && task.events === null ? part.meta.clock : clock,
    pack,
    activation,
    published: task.published,
    dpos: task.dpos,
    adopting,
    begun,
    fill: part.meta.fill,
    accepted: part.meta.accepted + stepped.accepted,
    duplicates: part.meta.duplicates + duplicates.length,
    deadLettered: part.meta.deadLettered + deadLetters.length,
    decisions: part.meta.decisions + decisions.length,
  }
  const batch = batchRecord(part, { ...parts, clock: parts.clock, now: meta.clock })
  const outbox = encodeOutbox({
    ...{ seq: to, now: clock, pack, from, next },
    ...{ decisions, deadLetters, duplicates, settlements, batch },
  })
  nothingWaits(part)
  const exceptions = duplicates.length + deadLetters.length
  return {
    commit: { token, from: seq, to, meta, writes, outbox, trim: task.published, notAfter: task.notAfter, due },
    done: doneWith(part, { ...meta, token, addr, seq: to }, { committed: true, answers, outbox, exceptions, stats }),
  }
}

/** A commit of what was changed outside of a step, and what the header says besides. The records that wait in the partition go with it. */
export function amendment(
  part: Owned,
  parts: Pick<Commit, 'to' | 'notAfter' | 'writes' | 'due'> & {
    readonly partition: number
    readonly clock: 'wall' | 'event'
    readonly change: Partial<CommitMeta>
    readonly changed: Changed
  },
): OpenCommit {
  const { to, notAfter, writes, due, change } = parts
  const { token, addr, seq, ...before } = part.meta
  const { packHash: pack, activation } = part.edition
  const decisions = part.waiting
  const meta: CommitMeta = {
    ...before,
    ...{ pack, activation },
    ...change,
    decisions: before.decisions + decisions.length,
  }
  const { clock: now, next } = meta
  const batch = changeRecord(part, { ...parts, now, next })
  const left = { decisions, deadLetters: [], duplicates: [], settlements: [] }
  const outbox = encodeOutbox({ seq: to, now, pack, from: part.meta.next, next, ...left, batch })
  nothingWaits(part)
  return {
    commit: { token, from: seq, to, meta, writes, outbox, trim: meta.published, notAfter, due },
    done: doneWith(part, { ...meta, token, addr, seq: to }, { ...nothingSaid, outbox, committed: true }),
  }
}

/** What waited goes with the commit that was just made. */
function nothingWaits(part: Owned): void {
  part.waiting = []
  part.waitingBytes = 0
  part.waitingFallbacks = []
  part.steps = []
  part.stepBytes = 0
}
