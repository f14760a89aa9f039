/** How records hang together: bytes, hashes, seals. What was changed, taken out or put in by somebody else is found. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { LogRecord, NewRecord } from '../../ingest/log.ts'
import { type ControlRecord, controlRecord } from './control-record.ts'
import { type ControlState, emptyControl } from './control-state.ts'
import { type Folded, fold } from './fold.ts'
import type { Verdict } from './verdict.ts'

/** A record with what became of it. */
export type Audited = { readonly record: ControlRecord; readonly verdict: Verdict; readonly hash: string }

/** Where the chain is broken: a record there is not what was written. */
export type Broken = { readonly offset: number; readonly number: number; readonly why: string }

export type Link =
  | ({ readonly kind: 'next' } & Folded & { readonly audited: Audited })
  /** Two nodes wrote at the same moment: the first counts, the second is written again by its node. Or one that was sent twice. */
  | { readonly kind: 'overtaken' }
  | { readonly kind: 'broken'; readonly broken: Broken }

/** The record as the log takes it. The seal says that a node of the installation wrote it: others may write to the topic. */
export function sealedRecord(record: ControlRecord, secret: Uint8Array): NewRecord {
  const value = Buffer.from(JSON.stringify(record))
  return { key: 'control', value, headers: { seal: sealOf(value, secret).toString('hex') } }
}

/** sha-256, in hex, of a record's bytes. */
export function hashOfRecord(value: Uint8Array): string {
  return createHash('sha256').update(value).digest('hex')
}

/** Takes the next record of the log. @param past the hashes of the records folded so far, by number */
export function link(state: ControlState, past: readonly string[], found: LogRecord, secret: Uint8Array): Link {
  const broken = (why: string): Link => ({
    kind: 'broken',
    broken: { offset: found.offset, number: state.number + 1, why },
  })
  const seal = Buffer.from(found.headers?.['seal'] ?? '', 'hex')
  const expected = sealOf(found.value, secret)
  if (seal.length !== expected.length || !timingSafeEqual(seal, expected))
    return broken('it was changed, or no node of this installation wrote it')
  const parsed = controlRecord.safeParse(parseJson(found.value))
  if (!parsed.success) return broken('it is no record that this release understands')
  const record = parsed.data
  const hash = hashOfRecord(found.value)
  if (record.number <= state.number)
    return record.prev === (past[record.number - 2] ?? emptyControl.head)
      ? { kind: 'overtaken' }
      : broken('it hangs on another record than the one before it')
  if (record.number !== state.number + 1) return broken(`records before number ${record.number} are missing`)
  if (record.prev !== state.head) return broken('the record before it is another one than it was')
  const folded = fold(state, record, hash)
  return { kind: 'next', ...folded, audited: { record, verdict: folded.verdict, hash } }
}

function sealOf(value: Uint8Array, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(value).digest()
}

function parseJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8'))
  } catch {
    return undefined
  }
}
