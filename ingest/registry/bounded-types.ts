/**
 * Types of the Avro library that do not believe the counts on the wire: without them ten bytes could fill memory or loop
 * for hours. Lists end where the bytes end.
 */
import avro from 'avsc'

/** The part of the library's cursor that types are handed. */
export type Tap = {
  pos: number
  readonly buf: Uint8Array
  readLong(): number
  skipLong(): void
  skipString(): void
}

/** What the library calls on the type of an item, or on what resolves it. */
type Readable = { _read(tap: Tap): unknown }
type Skippable = { _skip(tap: Tap): void }

/** A list of items that take at least a byte each. */
export class BoundedArray extends avro.types.ArrayType {
  // Also called on a resolver, which has items of its own.
  _read(this: { readonly itemsType: Readable }, tap: Tap): readonly unknown[] {
    const items = this.itemsType
    const end = tap.buf.length
    let list: unknown[] = []
    let length = 0
    for (let count = tap.readLong(); count !== 0; count = tap.readLong()) {
      if (!(count > 0 && count <= end - tap.pos)) count = entriesOf(tap, count)
      // Most lists are one block: made at its length, they need not grow.
      if (length === 0) list = new Array(count)
      for (let i = 0; i < count; i++) {
        list[length++] = items._read(tap)
        if (tap.pos > end) throw new RangeError('cut off')
      }
    }
    return list
  }

  _skip(this: { readonly itemsType: Skippable }, tap: Tap): void {
    const items = this.itemsType
    for (let count = entriesToSkip(tap); count !== 0; count = entriesToSkip(tap)) {
      for (let i = 0; i < count; i++) {
        items._skip(tap)
        refuseBeyondEnd(tap)
      }
    }
  }
}

/** A map, which is only ever skipped: no record of ours has one. */
export class BoundedMap extends avro.types.MapType {
  _skip(this: { readonly valuesType: Skippable }, tap: Tap): void {
    const values = this.valuesType
    for (let count = entriesToSkip(tap); count !== 0; count = entriesToSkip(tap)) {
      for (let i = 0; i < count; i++) {
        tap.skipString()
        values._skip(tap)
        refuseBeyondEnd(tap)
      }
    }
  }
}

/** The entries of a block whose count is negative, as its size in bytes follows, or more than there are bytes. */
function entriesOf(tap: Tap, count: number): number {
  // Also when it is not a number, which bytes can make of a count.
  if (!(-count <= tap.buf.length - tap.pos && count < 0)) throw new RangeError('more entries than bytes')
  tap.skipLong()
  return -count
}

/** The entries of the next block that does not state its size, 0 at the end; those that do are jumped over. */
function entriesToSkip(tap: Tap): number {
  for (let count = tap.readLong(); ; count = tap.readLong()) {
    if (count >= 0) return count
    const size = tap.readLong()
    if (!(size >= 0)) throw new RangeError('a block of less than nothing')
    tap.pos += size
    refuseBeyondEnd(tap)
  }
}

function refuseBeyondEnd(tap: Tap): void {
  if (tap.pos > tap.buf.length) throw new RangeError('cut off')
}
