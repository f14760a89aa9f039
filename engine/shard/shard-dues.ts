import type { FlatStates } from '../state/flat-states.ts'
import type { Due, Slot } from '../state/states.ts'
import type { Commit, Store } from '../store/store.ts'
import { EventCursor } from './event-frame.ts'
import type { Owned } from './owned-partition.ts'
import type { BatchTask } from './shard-port.ts'

/** Most customers of whom something due is taken up in one batch: a quarter of it. */
const dueMax = 64

/** What is due in the partitions of a shard: the store has one entry for each customer, their states what it is about. */
export class ShardDues {
  readonly #store: Store
  readonly #states: FlatStates
  readonly #clock: 'wall' | 'event'

  constructor(parts: { readonly store: Store; readonly states: FlatStates; readonly clock: 'wall' | 'event' }) {
    this.#store = parts.store
    this.#states = parts.states
    this.#clock = parts.clock
  }

  /**
   * When something is due next in a partition; 0: nothing is.
   * @throws StoreError
   */
  async next(partition: number): Promise<number> {
    const [first] = await this.#store.due(partition, 1)
    return first?.at ?? 0
  }

  /** The instant up to which a batch has to take up what is due; 0: nothing is. */
  until({ nextDue, meta }: Owned, task: BatchTask): number {
    if (!task.takesDue || nextDue === 0) return 0
    const until = Math.max(meta.clock, this.#clock === 'wall' ? task.now : lastAppendTime(task.events))
    return nextDue <= until ? until : 0
  }

  /**
   * The customers of whom something is due, longest first, as many as go into a batch.
   * @throws StoreError
   */
  async due(partition: number, until: number): Promise<readonly string[]> {
    const found = await this.#store.due(partition, dueMax)
    return found.filter(({ at }) => at <= until).map(({ customerId }) => customerId)
  }

  /** What a batch changes of when its customers are due; of those it took up everything, so that nothing comes by for ever. */
  changed(partition: number, slots: ReadonlyMap<string, Slot>, taken: readonly string[]): readonly Due[] {
    const dues = new Map(this.#states.dues(partition).map(({ customerId, at }) => [customerId, at]))
    for (const customerId of taken) {
      const slot = slots.get(customerId)
      if (slot !== undefined) dues.set(customerId, this.#states.nextDue(slot))
    }
    return [...dues].map(([customerId, at]) => ({ customerId, at }))
  }

  /** When something is due next behind a commit that was applied. Should the store not say, at once: the next batch asks again. */
  async nextAfter(partition: number, before: number, { due }: Commit): Promise<number> {
    if (due.length === 0) return before
    try {
      return await this.next(partition)
    } catch {
      return before > 0 ? before : 1
    }
  }
}

/** Append time of the last record of a frame; 0: there is none. */
function lastAppendTime(events: ArrayBuffer | null): number {
  if (events === null) return 0
  let last = 0
  const record = new EventCursor(events)
  while (record.next()) last = record.appendTime
  return last
}
