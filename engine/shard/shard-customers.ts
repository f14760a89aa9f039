import { erasedForMs } from '../../ingest/erasure.ts'
import type { FlatStates } from '../state/flat-states.ts'
import type { Slot } from '../state/states.ts'
import type { StepContext } from '../step/step.ts'
import type { Commit, Store, StoreWrite } from '../store/store.ts'
import type { Failpoint } from './failpoint.ts'
import { tombstoneOf } from './tombstone.ts'

/** The customers of a shard between its cache and its store: who is there, who has to be loaded, who was erased. */
export class ShardCustomers {
  readonly #store: Store
  readonly #states: FlatStates
  readonly #salt: string
  readonly #failpoint: Failpoint
  /** Tombstones of the partitions that are owned, so that nothing of an erased customer comes back. */
  readonly #erased: Map<number, Map<string, number>>

  /** @param erased where the tombstones are kept, which do not depend on the pack */
  constructor(
    parts: {
      readonly store: Store
      readonly states: FlatStates
      readonly context: StepContext
      readonly failpoint: Failpoint
    },
    erased: Map<number, Map<string, number>>,
  ) {
    this.#erased = erased
    this.#store = parts.store
    this.#states = parts.states
    this.#salt = parts.context.salt
    this.#failpoint = parts.failpoint
  }

  /** A partition was taken. `clock`: its own, by which old tombstones go. */
  async acquired(partition: number, clock: number): Promise<void> {
    this.#erased.set(partition, new Map(await this.#store.tombstones(partition, clock - erasedForMs)))
  }

  /** Begins a batch: where its cached customers are, and who is missing. */
  open(partition: number, customers: ReadonlySet<string>): { slots: Map<string, Slot>; missing: readonly string[] } {
    this.#states.begin(partition)
    const slots = new Map<string, Slot>()
    const missing: string[] = []
    for (const customerId of customers) {
      const slot = this.#states.find(customerId)
      if (slot < 0) missing.push(customerId)
      else slots.set(customerId, slot)
    }
    return { slots, missing }
  }

  /**
   * Loads the missing customers of the open batch with one store call.
   * @throws StoreError, StateError
   */
  async load(partition: number, slots: Map<string, Slot>, missing: readonly string[]): Promise<void> {
    if (missing.length === 0) return
    const stored = await this.#store.load(partition, missing)
    this.#failpoint('loaded')
    missing.forEach((customerId, i) => {
      const slot = this.#states.load(partition, customerId, stored[i] ?? null)
      slots.set(customerId, slot)
      if ((stored[i] ?? null) === null) this.#markErased(partition, slot, customerId)
    })
  }

  /** Looks at one customer, changing nothing; `known`: whether the store holds anything of them. */
  async look<Value>(partition: number, customerId: string, of: (slot: Slot, known: boolean) => Value): Promise<Value> {
    const [stored = null] = await this.#store.load(partition, [customerId])
    this.#states.begin(partition)
    try {
      const cached = this.#states.find(customerId)
      const slot = cached >= 0 ? cached : this.#states.load(partition, customerId, stored)
      if (cached < 0 && stored === null) this.#markErased(partition, slot, customerId)
      return of(slot, stored !== null)
    } finally {
      // Nothing was changed, also when they could not be read: the next batch begins all the same.
      this.#states.installed(partition)
    }
  }

  /** The writes of the open batch, as the store takes them. */
  writes(partition: number): StoreWrite[] {
    return this.#states
      .writes(partition)
      .map((write) =>
        write.kind === 'erase' ? { ...write, tombstone: tombstoneOf(this.#salt, write.customerId) } : write,
      )
  }

  /** Whom a commit erases. */
  erasedIn({ writes }: Commit): readonly string[] {
    return writes.flatMap((write) => (write.kind === 'erase' ? [write.customerId] : []))
  }

  /** A commit was applied: its erasures count from now on. */
  committed(partition: number, { writes }: Commit): void {
    for (const write of writes) {
      if (write.kind === 'erase') this.#erased.get(partition)?.set(write.tombstone, write.at)
    }
  }

  /** A customer without a state may be one that was erased. */
  #markErased(partition: number, slot: Slot, customerId: string): void {
    const erased = this.#erased.get(partition)
    if (erased === undefined || erased.size === 0) return
    const at = erased.get(tombstoneOf(this.#salt, customerId))
    if (at !== undefined) this.#states.markErased(slot, at)
  }
}
