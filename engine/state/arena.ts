import assert from 'node:assert/strict'

/** Blocks are counted in words of 8 bytes; word 0 is never given out, so that 0 means "no block". */
const WORD = 8
/** Memory is touched this far ahead of its first use, a megabyte at a time: a page fault costs up to 2 us, a huge page ms. */
const TOUCH_STEP = 1 << 20
const PAGE = 4096
const BINS = 240
const BIN_WORDS = 8
const USED = 1

/**
 * One big buffer that hands out and takes back blocks: two-level segregated fit (Masmano et al., ECRTS 2004) with 8 bins
 * a doubling and immediate coalescing. `alloc` and `free` take constant time; nothing is ever moved.
 *
 * A pointer is the index of the block's first word: `f64[p]`, `u32[p * 2]`, `u16[p * 4]`, `u8[p * 8]`. Word `p - 1` is the
 * header: the block's words (shifted by one, with the used bit) and the words of the block before it.
 */
export class Arena {
  readonly f64: Float64Array
  readonly u32: Uint32Array
  readonly u16: Uint16Array
  readonly u8: Uint8Array
  readonly #heads = new Uint32Array(BINS)
  readonly #filled = new Uint32Array(BIN_WORDS)
  readonly #words: number
  #usedWords = 0
  #touched = 0

  /** @param bytes size of the buffer, at least 4 KB; memory is taken from the system as it is used */
  constructor(bytes: number) {
    assert(bytes >= PAGE, 'an arena has at least a page')
    const words = Math.floor(bytes / WORD)
    const buffer = new ArrayBuffer(words * WORD)
    this.f64 = new Float64Array(buffer)
    this.u32 = new Uint32Array(buffer)
    this.u16 = new Uint16Array(buffer)
    this.u8 = new Uint8Array(buffer)
    this.#words = words
    // The last word is a used block without content, so that every block has one after it.
    this.u32[(words - 1) * 2] = (1 << 1) | USED
    this.#release(1, words - 2, 0)
    this.#touch(1)
  }

  /** Takes a block of at least `bytes`; 0 when there is no room. The content is whatever was there. */
  alloc(bytes: number): number {
    const words = Math.max(2, ((bytes + WORD - 1) >>> 3) + 1)
    const header = this.#find(words)
    if (header === 0) return 0
    const u32 = this.u32
    const size = u32[header * 2]! >>> 1
    this.#unlink(header, size)
    if (size - words >= 2) {
      this.#release(header + words, size - words, words)
      u32[header * 2] = (words << 1) | USED
      this.#usedWords += words
    } else {
      u32[header * 2] = (size << 1) | USED
      this.#usedWords += size
    }
    if (header + words > this.#touched) this.#touch(header + words)
    return header + 1
  }

  /** Gives a block back. */
  free(pointer: number): void {
    const u32 = this.u32
    let header = pointer - 1
    let size = u32[header * 2]! >>> 1
    assert((u32[header * 2]! & USED) === USED, 'a block is freed once')
    this.#usedWords -= size
    const next = header + size
    if ((u32[next * 2]! & USED) === 0) {
      const nextSize = u32[next * 2]! >>> 1
      this.#unlink(next, nextSize)
      size += nextSize
    }
    let before = u32[header * 2 + 1]!
    if (before !== 0 && (u32[(header - before) * 2]! & USED) === 0) {
      header -= before
      size += before
      this.#unlink(header, before)
      before = u32[header * 2 + 1]!
    }
    this.#release(header, size, before)
  }

  /** Bytes a block takes, its header included; 0 for no block. */
  sizeOf(pointer: number): number {
    return pointer === 0 ? 0 : (this.u32[(pointer - 1) * 2]! >>> 1) * WORD
  }

  /** Bytes given out, headers included. */
  get usedBytes(): number {
    return this.#usedWords * WORD
  }

  /** Bytes not given out; how large a block they can hold depends on how they lie. */
  get freeBytes(): number {
    return (this.#words - 2 - this.#usedWords) * WORD
  }

  /** Header of a free block of at least `words`: the smallest bin whose every block is large enough. */
  #find(words: number): number {
    const top = 31 - Math.clz32(words)
    const bin = binOf(words < 16 ? words : words + (1 << (top - 3)) - 1)
    let at = bin >>> 5
    if (at >= BIN_WORDS) return 0
    let bits = this.#filled[at]! & (-1 << (bin & 31))
    while (bits === 0) {
      if (++at === BIN_WORDS) return 0
      bits = this.#filled[at]!
    }
    return this.#heads[at * 32 + (31 - Math.clz32(bits & -bits))]!
  }

  /** Makes a free block of these words and puts it into its bin. */
  #release(header: number, words: number, before: number): void {
    const u32 = this.u32
    const bin = binOf(words)
    const head = this.#heads[bin]!
    u32[header * 2] = words << 1
    u32[header * 2 + 1] = before
    u32[(header + words) * 2 + 1] = words
    u32[header * 2 + 2] = head
    u32[header * 2 + 3] = 0
    if (head !== 0) u32[head * 2 + 3] = header
    this.#heads[bin] = header
    this.#filled[bin >>> 5]! |= 1 << (bin & 31)
  }

  #unlink(header: number, words: number): void {
    const u32 = this.u32
    const after = u32[header * 2 + 2]!
    const before = u32[header * 2 + 3]!
    if (after !== 0) u32[after * 2 + 3] = before
    if (before !== 0) {
      u32[before * 2 + 2] = after
      return
    }
    const bin = binOf(words)
    this.#heads[bin] = after
    if (after === 0) this.#filled[bin >>> 5]! &= ~(1 << (bin & 31))
  }

  /** Touches the pages up to a step beyond `words`. */
  #touch(words: number): void {
    const u8 = this.u8
    const end = Math.min(words * WORD + TOUCH_STEP, u8.length)
    for (let at = this.#touched * WORD; at < end; at += PAGE) u8[at] = u8[at]!
    this.#touched = Math.floor(end / WORD)
  }
}

/** Bin of a block: one a size below 16 words, then 8 a doubling. */
function binOf(words: number): number {
  if (words < 16) return words
  const top = 31 - Math.clz32(words)
  return 16 + (top - 4) * 8 + ((words >>> (top - 3)) & 7)
}
