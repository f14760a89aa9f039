/**
 * A partition's header as fields of a hash: `token`, `addr`, `seq`, and `rest`, all else as JSON, so that a commit writes two
 * fields. The seq stays text in Redis.
 */
import { z } from 'zod'
import type { CommitMeta, Meta } from '../store.ts'
import { textOf } from './redis-reply.ts'
import { corrupt } from './state-value.ts'

/** In the order `decodeMeta` reads them. */
export const metaFields = ['token', 'addr', 'seq', 'rest'] as const

const whole = z.number().int().nonnegative()

const Rest = z.object({
  next: whole,
  appendTime: z.number(),
  clock: z.number(),
  pack: z.string(),
  activation: whole.default(0),
  published: whole,
  dpos: whole,
  adopting: z.object({ from: whole, to: whole }).nullable(),
  begun: z.array(z.object({ activation: whole, at: whole })).default([]),
  fill: z
    .object({
      number: whole,
      from: whole,
      at: whole,
      isDone: z.boolean(),
      since: z.number(),
    })
    .nullable()
    .default(null),
  accepted: whole,
  duplicates: whole,
  deadLettered: whole,
  decisions: whole,
})

/** The field `rest`. */
export function encodeRest(meta: CommitMeta): string {
  const { next, appendTime, clock, pack, activation, published, dpos, adopting, begun, fill } = meta
  const { accepted, duplicates, deadLettered, decisions } = meta
  return JSON.stringify({
    next,
    appendTime,
    clock,
    pack,
    activation,
    published,
    dpos,
    adopting,
    begun,
    fill,
    accepted,
    duplicates,
    deadLettered,
    decisions,
  } satisfies CommitMeta)
}

/**
 * A header from its fields, null when it has none of them.
 * @throws StoreError `state_corrupt` when some are missing or not what was written
 */
export function decodeMeta(fields: readonly unknown[]): Meta | null {
  const [token, addr, seq, rest] = fields.map(textOf)
  if (token === null && addr === null && seq === null && rest === null) return null
  const parsed = Rest.safeParse(jsonOf(rest ?? ''))
  if (typeof token !== 'string' || typeof addr !== 'string' || !parsed.success) throw damaged()
  return { token, addr, seq: seqOf(seq), ...parsed.data }
}

/**
 * A seq from its text.
 * @throws StoreError `state_corrupt` when it is none
 */
export function seqOf(text: string | null | undefined): number {
  const seq = /^\d{1,16}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(seq)) throw damaged()
  return seq
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function damaged(): Error {
  return corrupt('The header of a partition is damaged.')
}
