import { Buffer } from 'node:buffer'
import { z } from 'zod'
import type { NewDeadLetter } from '../dead-letters.ts'
import { rejectReasons } from '../event.ts'
import type { LogRecord, NewRecord } from '../log.ts'

/** What the topic of the dead letters carries: letters, marks that one was handed in again and taken, and that one is to go. */
export type DeadLetterNews =
  | { readonly kind: 'letter'; readonly letter: NewDeadLetter }
  | { readonly kind: 'redriven'; readonly id: string; readonly at: number }
  | { readonly kind: 'removed'; readonly id: string }

const newsSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('letter'),
    reason: z.enum(rejectReasons),
    field: z.string().nullable(),
    via: z.enum(['http', 'import', 'stream', 'demo']),
    partition: z.number().nullable(),
    offset: z.number().nullable(),
    at: z.number(),
  }),
  z.object({ kind: z.literal('redriven'), at: z.number() }),
  z.object({ kind: z.literal('removed') }),
])

/** Bytes kept of what came; the rest is cut off. */
const BYTES_MAX = 65_536
const LENGTH_BYTES = 4

/** Key: the letter's id. Value: length of the JSON (u32, little endian), the JSON, the bytes of the letter. */
export function encodeNews(news: DeadLetterNews): NewRecord {
  if (news.kind === 'removed') return recordOf(news.id, { kind: 'removed' }, new Uint8Array(0))
  if (news.kind === 'redriven') return recordOf(news.id, { kind: 'redriven', at: news.at }, new Uint8Array(0))
  const { id, reason, field, via, partition = null, offset = null, at, bytes } = news.letter
  return recordOf(id, { kind: 'letter', reason, field, via, partition, offset, at }, bytes.subarray(0, BYTES_MAX))
}

/** Null when it is none of ours, or of a release that knows more reasons. */
export function decodeNews({ key, value }: LogRecord): DeadLetterNews | null {
  const buffer = Buffer.from(value.buffer, value.byteOffset, value.length)
  if (buffer.length < LENGTH_BYTES) return null
  const split = LENGTH_BYTES + buffer.readUInt32LE(0)
  let json: unknown
  try {
    json = JSON.parse(buffer.toString('utf8', LENGTH_BYTES, split))
  } catch {
    return null
  }
  const parsed = newsSchema.safeParse(json)
  if (!parsed.success) return null
  if (parsed.data.kind === 'removed') return { kind: 'removed', id: key }
  if (parsed.data.kind === 'redriven') return { kind: 'redriven', id: key, at: parsed.data.at }
  const { kind, ...rest } = parsed.data
  return { kind, letter: { id: key, ...rest, bytes: buffer.subarray(split) } }
}

function recordOf(key: string, json: z.infer<typeof newsSchema>, bytes: Uint8Array): NewRecord {
  const head = Buffer.from(JSON.stringify(json))
  const length = Buffer.alloc(LENGTH_BYTES)
  length.writeUInt32LE(head.length, 0)
  return { key, value: Buffer.concat([length, head, bytes]) }
}
