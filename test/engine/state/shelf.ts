import type { FlatStates } from '../../../engine/state/flat-states.ts'
import type { Slot, Stored, Write } from '../../../engine/state/states.ts'

/** A store in a Map, with the rules of the port: patches are appended in order, a base replaces all before it. */
export class Shelf {
  readonly customers = new Map<string, { base: Uint8Array | null; patches: Uint8Array[] }>()

  apply(writes: readonly Write[]): void {
    for (const write of writes) {
      const known = this.customers.get(write.customerId) ?? { base: null, patches: [] }
      if (write.kind === 'erase') {
        this.customers.delete(write.customerId)
      } else if (write.kind === 'base') {
        if (known.patches.length !== write.patches) throw new Error('the base replaces another number of patches')
        this.customers.set(write.customerId, { base: write.bytes, patches: [] })
      } else {
        if (known.patches.length !== write.index) throw new Error('a patch is missing')
        known.patches.push(write.bytes)
        this.customers.set(write.customerId, known)
      }
    }
  }

  get(customerId: string): Stored | null {
    return this.customers.get(customerId) ?? null
  }

  bytes(customerId: string): number {
    const known = this.customers.get(customerId)
    return (known?.base?.length ?? 0) + (known?.patches ?? []).reduce((sum, patch) => sum + patch.length, 0)
  }
}

/** The customer's slot, from the store when it is not cached. */
export function slotOf(states: FlatStates, shelf: Shelf, partition: number, customerId: string): Slot {
  const slot = states.find(customerId)
  return slot === -1 ? states.load(partition, customerId, shelf.get(customerId)) : slot
}

/** Runs a batch to its commit. */
export function commit(states: FlatStates, shelf: Shelf, partition: number, batch: () => void): void {
  states.begin(partition)
  batch()
  shelf.apply(states.writes(partition))
  states.installed(partition)
}

/** Bytes that are taken when everything that was discarded has been taken back, as it is while others come in. */
export function bytesLeft(states: FlatStates): number {
  const partition = 99
  let bytes = 0
  for (let i = 0; i < 200; i++) {
    const slot = states.load(partition, 'who comes in', null)
    bytes = states.usage().bytes - states.bytesOf(slot)
    states.discard(partition)
  }
  return bytes
}
