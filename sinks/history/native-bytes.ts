/** A growing buffer of little-endian values, as ClickHouse's Native format wants them. */
export type NativeBytes = {
  /** Unsigned, 7 bits a byte. */
  varUint(value: number): void
  byte(value: number): void
  uint16(value: number): void
  uint32(value: number): void
  /** Integer of 64 bits, signed or not, exact for whole numbers of at most 2^53 either way. */
  int64(value: number): void
  float64(value: number): void
  /** Length and UTF-8. */
  text(value: string): void
  /** Length and the bytes. */
  bytes(value: Uint8Array): void
  /** What was written, as a view; valid until the next write. */
  take(): Buffer
  /** Begins anew in the same memory. */
  reset(): void
}

const word = 0x1_0000_0000
/** Below this a loop over the letters is faster than a call into the runtime. */
const shortText = 48

export function nativeBytes(initialBytes = 1024 * 1024): NativeBytes {
  let buffer = Buffer.allocUnsafe(initialBytes)
  let view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  let at = 0

  function reserve(bytes: number): void {
    if (at + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, at + bytes))
    buffer.copy(larger, 0, 0, at)
    buffer = larger
    view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength)
  }

  function varUint(value: number): void {
    reserve(5)
    let rest = value
    while (rest >= 0x80) {
      buffer[at++] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    buffer[at++] = rest
  }

  // Most text is ASCII: written at once, and again by the runtime when it was not.
  function shortAscii(value: string): boolean {
    reserve(value.length + 1)
    let to = at
    buffer[to++] = value.length
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit >= 0x80) return false
      buffer[to++] = unit
    }
    at = to
    return true
  }

  return {
    varUint,
    byte(value) {
      reserve(1)
      buffer[at++] = value
    },
    uint16(value) {
      reserve(2)
      view.setUint16(at, value, true)
      at += 2
    },
    uint32(value) {
      reserve(4)
      view.setUint32(at, value, true)
      at += 4
    },
    int64(value) {
      reserve(8)
      view.setInt32(at, value | 0, true)
      view.setInt32(at + 4, Math.floor(value / word), true)
      at += 8
    },
    float64(value) {
      reserve(8)
      view.setFloat64(at, value, true)
      at += 8
    },
    text(value) {
      if (value.length <= shortText && shortAscii(value)) return
      const length = Buffer.byteLength(value)
      varUint(length)
      reserve(length)
      at += buffer.write(value, at, length, 'utf8')
    },
    bytes(value) {
      varUint(value.length)
      reserve(value.length)
      buffer.set(value, at)
      at += value.length
    },
    take: () => buffer.subarray(0, at),
    reset() {
      at = 0
    },
  }
}
