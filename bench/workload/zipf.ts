/** A few customers do much, many do little. */
import type { Random } from './random.ts'

/**
 * Makes the draw of a rank from 0 to `count - 1` where rank r has the weight (r + 1)^-exponent (Zipf), in constant time
 * by Vose's alias method (1991). 12 bytes a rank; a draw allocates nothing.
 */
export function createZipf(count: number, exponent: number): (random: Random) => number {
  const scaled = new Float64Array(count)
  let sum = 0
  for (let i = 0; i < count; i++) {
    scaled[i] = (i + 1) ** -exponent
    sum += scaled[i]!
  }
  const alias = new Int32Array(count)
  const small: number[] = []
  const large: number[] = []
  for (let i = 0; i < count; i++) {
    scaled[i] = (scaled[i]! * count) / sum
    alias[i] = i
    ;(scaled[i]! < 1 ? small : large).push(i)
  }
  for (let s = small.pop(), l = large.pop(); s !== undefined && l !== undefined; ) {
    alias[s] = l
    scaled[l] = scaled[l]! + scaled[s]! - 1
    if (scaled[l]! < 1) {
      s = l
      l = large.pop()
    } else s = small.pop()
  }
  return (random) => {
    const column = random.below(count)
    return random.next() < scaled[column]! ? column : alias[column]!
  }
}
