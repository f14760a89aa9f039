import { erasedForMs } from '../../ingest/erasure.ts'
import type { FlatStates } from '../state/flat-states.ts'
import type { Slot, Stored, Write } from '../state/states.ts'

/** The replay holds more states than it may. Say which days or customers matter, or give it more memory. */
export class ReplayMemoryError extends Error {
  readonly code = 'replay_memory_full'
}

/** The customers of a partition as a store would keep them, in memory: in the stored form, which every layout reads. */
export class ReplayedCustomers {
  readonly #partition: number
  readonly #bytesMax: number
  readonly #stored = new Map<string, Stored>()
  readonly #erased = new Map<string, number>()
  #bytes = 0

  /** @param bytesMax most bytes of states */
  constructor(partition: number, bytesMax: number) {
    this.#partition = partition
    this.#bytesMax = bytesMax
  }

  /** Bytes of the states, and of how many customers. */
  get usage(): { readonly customers: number; readonly bytes: number } {
    return { customers: this.#stored.size, bytes: this.#bytes }
  }

  /** Begins a batch of these customers, loading who is not there. `clock`: the partition's, by which erasures are forgotten. */
  open(states: FlatStates, customers: Iterable<string>, clock: number): Map<string, Slot> {
    states.begin(this.#partition)
    const slots = new Map<string, Slot>()
    for (const customerId of customers) {
      const found = states.find(customerId)
      slots.set(customerId, found >= 0 ? found : this.#load(states, customerId, clock))
    }
    return slots
  }

  /** Ends the batch: what it changed is kept. @throws ReplayMemoryError */
  keep(states: FlatStates): void {
    for (const write of states.writes(this.#partition)) this.#apply(write)
    states.installed(this.#partition)
    if (this.#bytes > this.#bytesMax)
      throw new ReplayMemoryError(
        `The states of partition ${this.#partition} take more than ${this.#bytesMax} bytes; this replay may hold no more.`,
      )
  }

  #load(states: FlatStates, customerId: string, clock: number): Slot {
    const stored = this.#stored.get(customerId) ?? null
    const slot = states.load(this.#partition, customerId, stored)
    const erasedAt = this.#erased.get(customerId)
    if (stored === null && erasedAt !== undefined && erasedAt >= clock - erasedForMs) states.markErased(slot, erasedAt)
    return slot
  }

  #apply(write: Write): void {
    const { customerId } = write
    const before = this.#stored.get(customerId)
    if (write.kind === 'erase') {
      this.#bytes -= bytesOf(before)
      this.#stored.delete(customerId)
      this.#erased.set(customerId, write.at)
      return
    }
    const after =
      write.kind === 'base'
        ? { base: write.bytes, patches: [] }
        : { base: before?.base ?? null, patches: [...(before?.patches ?? []).slice(0, write.index), write.bytes] }
    this.#stored.set(customerId, after)
    this.#bytes += bytesOf(after) - bytesOf(before)
  }
}

function bytesOf(stored: Stored | undefined): number {
  if (stored === undefined) return 0
  return stored.patches.reduce((sum, patch) => sum + patch.length, stored.base?.length ?? 0)
}
