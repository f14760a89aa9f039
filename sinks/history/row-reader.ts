/** Reads values of ClickHouse's RowBinary, one after the other: https://clickhouse.com/docs/interfaces/formats/RowBinary. */
export class RowReader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  /** Also of a Bool. @throws RangeError behind the end, like every other one */
  uint8(): number {
    return this.#bytes.readUInt8(this.#at++)
  }

  /** A whole number of at most 2^53; of Int64 only those that are not negative. */
  uint64(): number {
    this.#at += 8
    return this.#bytes.readUInt32LE(this.#at - 8) + this.#bytes.readUInt32LE(this.#at - 4) * 2 ** 32
  }

  text(): string {
    const length = this.#varUint()
    return this.#bytes.toString('utf8', this.#at, this.#skip(length))
  }

  /** A String as it is: a view of what was read. */
  bytes(): Uint8Array {
    const length = this.#varUint()
    return this.#bytes.subarray(this.#at, this.#skip(length))
  }

  /** Passes over a String. */
  skipText(): void {
    this.#skip(this.#varUint())
  }

  #skip(length: number): number {
    this.#at += length
    if (this.#at > this.#bytes.length) throw new RangeError('the answer is cut')
    return this.#at
  }

  #varUint(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = this.uint8()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
  }
}
