/**
 * The bytes of a customer's state in Redis: a sequence of entries, each a head (u32, little endian: length * 2 + kind) and so
 * many bytes. Kind 1 is the base, which only the first entry can be, kind 0 a patch. So a patch is one APPEND, whether or not
 * the customer has a value yet, a base is one SET, and the lowest bit of an entry says which.
 */
import type { Stored } from '../../state/states.ts'
import { StoreError, type StoreWrite } from '../store.ts'

const headBytes = 4
const kindBase = 1

/** Each write as the entry it adds, views into one buffer; an erasure adds nothing, its entry is empty. */
export function encodeEntries(writes: readonly StoreWrite[]): Buffer[] {
  let size = 0
  for (const write of writes) size += write.kind === 'erase' ? 0 : headBytes + write.bytes.length
  const all = Buffer.allocUnsafe(size)
  let at = 0
  return writes.map((write) => {
    const start = at
    if (write.kind === 'erase') return all.subarray(start, start)
    const { kind, bytes } = write
    at = all.writeUInt32LE(bytes.length * 2 + (kind === 'base' ? kindBase : 0), at)
    all.set(bytes, at)
    at += bytes.length
    return all.subarray(start, at)
  })
}

/** The value of a customer, whole. */
export function encodeState({ base, patches }: Stored): Buffer {
  const writes: StoreWrite[] = patches.map((bytes, index) => ({ kind: 'patch', customerId: '', index, bytes }))
  if (base !== null) writes.unshift({ kind: 'base', customerId: '', bytes: base, patches: 0 })
  return Buffer.concat(encodeEntries(writes))
}

/**
 * Base and patches of a value, views into it.
 * @throws StoreError `state_corrupt` when it is anything but whole entries
 */
export function decodeState(value: Buffer): Stored {
  let base: Uint8Array | null = null
  const patches: Uint8Array[] = []
  let at = 0
  do {
    if (value.length - at < headBytes) throw corrupt('A stored state ends within the head of an entry.')
    const head = value.readUInt32LE(at)
    const start = at + headBytes
    const end = start + (head >>> 1)
    if (end > value.length) throw corrupt('A stored state ends within an entry.')
    const bytes = value.subarray(start, end)
    if ((head & 1) === kindBase) {
      if (at > 0) throw corrupt('A stored state has a base behind its first entry.')
      base = bytes
    } else patches.push(bytes)
    at = end
  } while (at < value.length)
  return { base, patches }
}

/** What is stored is not what was written: nothing may go on with it, least of all as if nothing were stored. */
export function corrupt(message: string): StoreError {
  return new StoreError('state_corrupt', `${message} Restore the store from a backup.`, { retryable: false })
}
