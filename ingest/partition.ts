import { Buffer } from 'node:buffer'

/**
 * Partition of a customer, 0 to `partitions - 1`, the one Kafka's default partitioner gives a record with this key:
 * positive(murmur2(UTF-8 of the id)) modulo the number of partitions.
 */
export function partitionOf(customerId: string, partitions: number): number {
  return (murmur2(customerId) & 0x7fffffff) % partitions
}

/**
 * MurmurHash2 (Appleby, 2008) over UTF-8, seed 0x9747b28c, as in Kafka's `Utils.murmur2`. Signed 32 bits.
 * Text that is all ASCII, which every valid customer id is, is hashed without allocating.
 */
export function murmur2(text: string): number {
  const length = text.length
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const a = text.charCodeAt(i)
    const b = text.charCodeAt(i + 1)
    const c = text.charCodeAt(i + 2)
    const d = text.charCodeAt(i + 3)
    if ((a | b | c | d) > 0x7f) return murmur2OfBytes(Buffer.from(text, 'utf8'))
    h = mixWord(h, a | (b << 8) | (c << 16) | (d << 24))
  }
  if (i === length) return finish(h)
  let tail = 0
  for (let at = length - 1; at >= i; at--) {
    const unit = text.charCodeAt(at)
    if (unit > 0x7f) return murmur2OfBytes(Buffer.from(text, 'utf8'))
    tail = (tail << 8) | unit
  }
  return finish(Math.imul(h ^ tail, MULTIPLIER))
}

const MULTIPLIER = 0x5bd1e995

function murmur2OfBytes(bytes: Uint8Array): number {
  const length = bytes.length
  let h = 0x9747b28c ^ length
  let i = 0
  for (; i + 4 <= length; i += 4) {
    h = mixWord(h, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  }
  if (i === length) return finish(h)
  let tail = 0
  for (let at = length - 1; at >= i; at--) tail = (tail << 8) | bytes[at]!
  return finish(Math.imul(h ^ tail, MULTIPLIER))
}

function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, MULTIPLIER)
  k = Math.imul(k ^ (k >>> 24), MULTIPLIER)
  return Math.imul(hash, MULTIPLIER) ^ k
}

function finish(hash: number): number {
  let h = hash
  h = Math.imul(h ^ (h >>> 13), MULTIPLIER)
  return h ^ (h >>> 15)
}
