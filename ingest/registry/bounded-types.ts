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
  _read(this: { readonly itemsType: object }, tap: Tap): readonly unknown[] {
    const items = readable(this.itemsType)
    let list: unknown[] = []
    let length = 0
    for (let count = blockCount(tap, false); count !== 0; count = blockCount(tap, false)) {
      // Most lists are one block: made at its length, they need not grow.
      if (length === 0) list = new Array(count)
      for (let i = 0; i < count; i++) {
        list[length++] = items._read(tap)
        if (tap.pos > tap.buf.length) throw new RangeError('cut off')
      }
    }
    return list
  }

  _skip(tap: Tap): void {
    const items = skippable(this.itemsType)
    for (let count = blockCount(tap, true); count !== 0; count = blockCount(tap, true)) {
      for (let i = 0; i < count; i++) {
        items._skip(tap)
        refuseBeyondEnd(tap)
      }
    }
  }
}

/** A map, which is only ever skipped: no record of ours has one. */
export class BoundedMap extends avro.types.MapType {
  _skip(tap: Tap): void {
    const values = skippable(this.valuesType)
    for (let count = blockCount(tap, true); count !== 0; count = blockCount(tap, true)) {
      for (let i = 0; i < count; i++) {
        tap.skipString()
        values._skip(tap)
        refuseBeyondEnd(tap)
      }
    }
  }
}

/**
 * The entries of the next block, 0 at the end. A block may state its size in bytes; with `jump` such a block is jumped
 * over.
 */
function blockCount(tap: Tap, jump: boolean): number {
  for (;;) {
    const count = tap.readLong()
    const rest = tap.buf.length - tap.pos
    if (!(Math.abs(count) <= rest)) throw new RangeError('more entries than bytes')
    if (count >= 0) return count
    const size = tap.readLong()
    if (!(size >= 0 && size <= tap.buf.length - tap.pos)) throw new RangeError('a block beyond the bytes')
    if (!jump) return -count
    tap.pos += size
  }
}

function refuseBeyondEnd(tap: Tap): void {
  if (tap.pos > tap.buf.length) throw new RangeError('cut off')
}

function readable(type: object): Readable {
  if (isReadable(type)) return type
  throw new TypeError('not a type of the Avro library')
}

function skippable(type: object): Skippable {
  if (isSkippable(type)) return type
  throw new TypeError('not a type of the Avro library')
}

function isReadable(type: object): type is Readable {
  return '_read' in type
}

function isSkippable(type: object): type is Skippable {
  return '_skip' in type
}
