import type { Meta } from '../store/store.ts'
import type { BatchResult, BatchStats } from './shard-port.ts'

/** A batch that went through. */
export type BatchDone = Extract<BatchResult, { kind: 'done' }>

const noStats: BatchStats = {
  events: 0,
  requests: 0,
  customers: 0,
  loaded: 0,
  loadMs: 0,
  stepMs: 0,
  stepCpuMs: 0,
  commitMs: 0,
  tally: null,
}

/** What a commit outside of a batch answers and lets out. */
export const nothingSaid = { answers: [], outbox: null, exceptions: 0, stats: noStats } as const

/** The result of a batch behind which the header is `meta`. */
export function doneWith(
  part: { readonly waitingBytes: number; readonly nextDue: number; readonly schemas: { readonly held: string | null } },
  meta: Meta,
  rest: Omit<BatchDone, 'kind' | 'progress' | 'waitingBytes' | 'held' | 'erased'>,
): BatchDone {
  const { seq, next, published, dpos, begun, fill, accepted, duplicates, deadLettered, decisions } = meta
  const { nextDue } = part
  const progress = { seq, next, published, dpos, begun, fill, accepted, duplicates, deadLettered, decisions, nextDue }
  return { kind: 'done', progress, waitingBytes: part.waitingBytes, held: part.schemas.held, erased: [], ...rest }
}
