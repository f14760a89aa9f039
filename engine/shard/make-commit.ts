/** Commits, and what their batches answer once they are applied. */
import type { Commit, CommitMeta } from '../store/store.ts'
import { doneWith, nothingSaid } from './batch-done.ts'
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
    /** Hash of the pack in force. */
    readonly pack: string
    readonly clock: 'wall' | 'event'
    readonly begun: CommitMeta['begun']
  },
): OpenCommit {
  const { task, stepped, stats, pack, begun, writes, due } = parts
  const { token, addr, seq, adopting } = part.meta
  const to = seq + 1
  const decisions = [...part.waiting, ...task.records, ...stepped.decisions]
  const { deadLetters, duplicates, settlements, clock, answers, next, appendTime } = stepped
  const from = part.meta.next
  const left = { decisions, deadLetters, duplicates, settlements }
  const outbox = encodeOutbox({ seq: to, now: clock, pack, from, next, ...left })
  const meta: CommitMeta = {
    next,
    appendTime,
    clock: parts.clock === 'event' && task.events === null ? part.meta.clock : clock,
    pack,
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
  part.waiting = []
  part.waitingBytes = 0
  const exceptions = duplicates.length + deadLetters.length
  return {
    commit: { token, from: seq, to, meta, writes, outbox, trim: task.published, notAfter: task.notAfter, due },
    done: doneWith(part, { ...meta, token, addr, seq: to }, { committed: true, answers, outbox, exceptions, stats }),
  }
}

/** A commit that lets nothing out: what was changed outside of a step, and what the header says besides. */
export function amendment(
  part: Owned,
  parts: Pick<Commit, 'to' | 'notAfter' | 'writes' | 'due'> & { readonly change: Partial<CommitMeta> },
): OpenCommit {
  const { to, notAfter, writes, due, change } = parts
  const { token, addr, seq, ...before } = part.meta
  const meta: CommitMeta = { ...before, ...change }
  return {
    commit: { token, from: seq, to, meta, writes, outbox: null, trim: meta.published, notAfter, due },
    done: doneWith(part, { ...meta, token, addr, seq: to }, { ...nothingSaid, committed: true }),
  }
}
