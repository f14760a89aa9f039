/**
 * Hashes of ids: fast, stable across releases (they are stored), not secret and not collision-proof against an adversary.
 * Two 32-bit lanes over UTF-16 code units with the finaliser of MurmurHash3 (Appleby, 2011).
 */

/** 64-bit hash of a text as two unsigned 32-bit halves, written to `into[0]` (high) and `into[1]` (low). */
export function hash64(text: string, into: Uint32Array): void {
  let a = 0x9747b28c
  let b = 0x3c6ef372
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x85ebca6b)
    a = (a << 13) | (a >>> 19)
    b = Math.imul(b ^ unit, 0xc2b2ae35)
    b = (b << 15) | (b >>> 17)
    b = (b + a) | 0
  }
  a ^= text.length
  into[0] = finalise(a ^ b)
  into[1] = finalise(b + Math.imul(a, 0x27d4eb2f))
}

const lanes = new Uint32Array(2)

/** 53-bit hash of a text, exact as a number. */
export function hash53(text: string): number {
  hash64(text, lanes)
  return (lanes[0]! >>> 11) * 0x1_0000_0000 + lanes[1]!
}

/** Unsigned 32-bit hash of a text, never 0 so that 0 can mean "none". */
export function hash32(text: string): number {
  hash64(text, lanes)
  return lanes[1]! === 0 ? 1 : lanes[1]!
}

function finalise(value: number): number {
  let h = value
  h ^= h >>> 16
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  h ^= h >>> 16
  return h >>> 0
}
