/** Replies as the values they have to be. A reply of another shape is not Redis's: a proxy, or a bug of ours. */
import assert from 'node:assert/strict'

/** A text, or null when there is none. */
export function textOf(reply: unknown): string | null {
  if (reply === null) return null
  assert(Buffer.isBuffer(reply), 'the reply is a text')
  return reply.toString()
}

/** A value's bytes, or null when there is none. */
export function bytesOf(reply: unknown): Buffer | null {
  assert(reply === null || Buffer.isBuffer(reply), 'the reply is bytes')
  return reply
}

/** A whole number. */
export function numberOf(reply: unknown): number {
  assert(typeof reply === 'number', 'the reply is a number')
  return reply
}

/** Several replies. */
export function listOf(reply: unknown): readonly unknown[] {
  assert(Array.isArray(reply), 'the reply is a list')
  return reply
}
