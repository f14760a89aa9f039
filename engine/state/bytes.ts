import { HIGH, StateError } from './heap.ts'

/** Integers up to this size are written as varints with one tag bit; larger ones and fractions as 8 raw bytes. */
const INTEGER_MAX = 2 ** 50
const INSTANT_MAX = 65536 * HIGH - 1
const START_BYTES = 4096

/** Writes the stored formats into one growing buffer that is reused. */
export class ByteWriter {
  bytes: Uint8Array
  at = 0
  #view: DataView

  constructor() {
    this.bytes = new Uint8Array(START_BYTES)
    this.#view = new DataView(this.bytes.buffer)
  }

  /** Makes sure of room for `n` more bytes: once a record, not once a field. */
  reserve(n: number): void {
    if (this.at + n <= this.bytes.length) return
    const larger = new Uint8Array(Math.max(this.bytes.length * 2, this.at + n))
    larger.set(this.bytes)
    this.bytes = larger
    this.#view = new DataView(larger.buffer)
  }

  u8(value: number): void {
    this.bytes[this.at++] = value
  }

  u32(value: number): void {
    this.#view.setUint32(this.at, value, true)
    this.at += 4
  }

  /** A raw double. */
  f64(value: number): void {
    this.#view.setFloat64(this.at, value, true)
    this.at += 8
  }

  /** A non-negative integer below 2^53: 7 bits a byte. */
  varint(value: number): void {
    let rest = value
    while (rest >= 0x8000_0000) {
      this.bytes[this.at++] = (rest % 128) | 128
      rest = Math.floor(rest / 128)
    }
    this.small(rest | 0)
  }

  /** As `varint`, below 2^31. A double handed to a function that is not inlined is an object each time; this is none. */
  small(value: number): void {
    const { bytes } = this
    let rest = value
    let at = this.at
    while (rest >= 128) {
      bytes[at++] = (rest & 127) | 128
      rest >>>= 7
    }
    bytes[at++] = rest
    this.at = at
  }

  /** An integer of either sign below 2^52. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value)
  }

  /** Any number but -0: integers shortly, the rest raw. */
  number(value: number): void {
    if (Number.isInteger(value) && value < INTEGER_MAX && value > -INTEGER_MAX) {
      this.varint((value < 0 ? -2 * value - 1 : 2 * value) * 2)
    } else {
      this.u8(1)
      this.f64(value)
    }
  }

  /** As `number`; NaN means nothing. */
  numberOrNothing(value: number): void {
    if (Number.isNaN(value)) this.u8(3)
    else this.number(value)
  }

  /** A key: 13 hex digits as a number, 7 bytes. */
  key(value: number): void {
    this.u32(value % HIGH)
    const high = Math.floor(value / HIGH)
    this.u8(high & 255)
    this.u8((high >>> 8) & 255)
    this.u8(high >>> 16)
  }
}

/** Reads what `ByteWriter` wrote. Every method throws StateError `state_corrupt` beyond the end. */
export class ByteReader {
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #at = 0
  #end = 0

  /** Starts on the first `end` bytes. */
  open(bytes: Uint8Array, end: number): void {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#at = 0
    this.#end = end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#end - this.#at
  }

  u8(): number {
    if (this.#at >= this.#end) throw truncated()
    return this.#bytes[this.#at++]!
  }

  u32(): number {
    if (this.#at + 4 > this.#end) throw truncated()
    this.#at += 4
    return this.#view.getUint32(this.#at - 4, true)
  }

  f64(): number {
    if (this.#at + 8 > this.#end) throw truncated()
    this.#at += 8
    return this.#view.getFloat64(this.#at - 8, true)
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.u8()
      value += (byte & 127) * scale
      if (byte < 128) break
      scale *= 128
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new StateError('state_corrupt', 'a stored integer is too large')
    return value
  }

  /** A varint that must not exceed `max`: lengths and counts, so that wrong bytes cannot ask for memory. */
  count(max: number): number {
    const value = this.varint()
    if (value > max) throw new StateError('state_corrupt', 'a stored count is too large')
    return value
  }

  zigzag(): number {
    const value = this.varint()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  /** An instant, or a difference of two. */
  instant(): number {
    return this.count(INSTANT_MAX)
  }

  number(): number {
    const value = this.numberOrNothing()
    if (!Number.isFinite(value)) throw new StateError('state_corrupt', 'a stored number is none')
    return value
  }

  numberOrNothing(): number {
    const tagged = this.varint()
    if (tagged === 3) return Number.NaN
    if (tagged % 2 === 1) return this.f64()
    const value = tagged / 2
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  key(): number {
    const low = this.u32()
    const high = this.u8() + this.u8() * 256 + this.u8() * 65536
    return high * HIGH + low
  }
}

/**
 * 32 bits over the bytes from `from` to `to`, against torn and flipped bytes, not against anybody: the multiplication of FNV-1a
 * (Fowler, Noll, Vo), four bytes at a time, with a rotation. Each step is a bijection, so damage within four aligned bytes
 * always shows.
 */
export function checksum(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0x811c9dc5 ^ (to - from)
  let i = from
  for (; i + 3 < to; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    hash = Math.imul(((hash << 13) | (hash >>> 19)) ^ word, 0x01000193)
  }
  for (; i < to; i++) hash = Math.imul(((hash << 13) | (hash >>> 19)) ^ bytes[i]!, 0x01000193)
  return hash >>> 0
}

function truncated(): StateError {
  return new StateError('state_corrupt', 'a stored state ends too early')
}
