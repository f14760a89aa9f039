/**
 * The part of the board that tells the shards of a node which sources the bank revoked: their names in states, at most
 * `revokedMax`. The main thread writes, then changes the board's edition; shards read when the edition has changed.
 */
/** Most sources that are revoked at a time. */
export const revokedMax = 1_024
/** 32-bit words it takes: how many, then the names. */
export const revokedWords = 1 + revokedMax

/** Writes the revoked sources. @throws RangeError when there are too many */
export function writeRevoked(words: Int32Array, from: number, keys: readonly number[]): void {
  if (keys.length > revokedMax) throw new RangeError(`at most ${revokedMax} sources may be revoked at a time`)
  for (const [i, key] of keys.entries()) Atomics.store(words, from + 1 + i, key | 0)
  Atomics.store(words, from, keys.length)
}

/** The revoked sources, by `sourceKey`. */
export function readRevoked(words: Int32Array, from: number): ReadonlySet<number> {
  const keys = new Set<number>()
  for (let i = 0; i < Atomics.load(words, from); i++) keys.add(Atomics.load(words, from + 1 + i) >>> 0)
  return keys
}
