/** The packs of a shard: the one in force, and one that is being prepared beside it. */
import type { Meta } from '../store/store.ts'
import { Edition, type EditionParts, type EditionShared } from './edition.ts'
import type { Owned } from './owned-partition.ts'
import type { Past } from './series-past.ts'
import type { PackTask, Prepared, Switched } from './shard-port.ts'

/** Opens what a pack needs, in slices; null: it was given up meanwhile. `before`: whose states may be gone on with. */
export type OpenEdition = (task: PackTask, before: Edition, isOver: () => boolean) => Promise<EditionParts | null>

export class ShardEditions {
  readonly #shared: EditionShared
  readonly #open: OpenEdition | null
  readonly #owned: ReadonlyMap<number, Owned>
  /** Calls under way, by partition. */
  readonly #flights = new Map<number, Set<Promise<unknown>>>()
  #current: Edition
  #ready: Edition | null = null
  /** Changes whenever what is being prepared is not wanted any more. */
  #round = 0

  /** @param open null: no other pack can be put in force */
  constructor(first: EditionParts, shared: EditionShared, open: OpenEdition | null, owned: ReadonlyMap<number, Owned>) {
    this.#shared = shared
    this.#open = open
    this.#owned = owned
    this.#current = new Edition(first, shared)
  }

  get current(): Edition {
    return this.#current
  }

  /** Compiles a pack between the batches, and keeps it ready. One that was ready before is forgotten. */
  async prepare(task: PackTask): Promise<Prepared> {
    if (this.#isCurrent(task)) return { kind: 'prepared', packHash: this.#current.packHash }
    this.#ready = null
    const round = ++this.#round
    if (this.#open === null) return { kind: 'given_up' }
    const parts = await this.#open(task, this.#current, () => this.#round !== round)
    if (parts === null || this.#round !== round) return { kind: 'given_up' }
    this.#ready = new Edition(parts, this.#shared)
    await this.#ready.stock.begin(0)
    return { kind: 'prepared', packHash: this.#ready.packHash }
  }

  /** Nothing is ready any more. */
  forget(): void {
    this.#round++
    this.#ready = null
  }

  /**
   * Has what is ready come into force: each partition goes over before its next call. Resolves when no call runs under another
   * pack any more; a commit in doubt is sent again under the one it was made with.
   */
  async switchTo(past: Past, packHash: string): Promise<Switched> {
    if (!this.#isCurrent({ past, packHash })) {
      const ready = this.#ready
      if (ready === null || ready.activation !== past.activations || ready.packHash !== packHash)
        return { kind: 'not_prepared' }
      this.#ready = null
      this.#current = ready
      ready.observe()
    }
    this.#current.learn(past)
    this.#idleGoOver()
    await Promise.allSettled([...this.#flights.values()].flatMap((calls) => [...calls]))
    this.#idleGoOver()
    const { packHash: runs, laterThanRecorded: observedLater } = this.#current
    const behind = [...this.#owned.values()].filter(({ edition }) => edition !== this.#current).length
    return { kind: 'switched', packHash: runs, observedLater, behind }
  }

  /** The partition, under the pack in force unless a commit of it is in doubt; absent: it is not owned. */
  goOver(partition: number): Owned | undefined {
    const part = this.#owned.get(partition)
    if (part === undefined || part.open !== null || part.edition === this.#current) return part
    const before = part.edition
    const next = this.#current
    before.fills.forget(partition)
    // Another layout reads the same stored states otherwise.
    if (before.states !== next.states) before.states.discard(partition)
    next.tools.tally.merge(before.tools.tally)
    next.takesOver(part.meta)
    part.edition = next
    return part
  }

  /**
   * Why nothing may be decided of a partition that was taken before this shard has a newer pack, in a sentence; null: it may.
   * @throws StoreError
   */
  async newerPack(partition: number, { activation, token }: Meta): Promise<string | null> {
    const { store } = this.#shared
    const inForce = Math.max((await store.cluster())?.activations ?? 0, activation)
    const { activation: own } = this.#current
    if (inForce <= own) return null
    await store.release(partition, token)
    return `pack_behind: activation ${inForce} is in force and this node runs ${own}; it takes the pack up first.`
  }

  /** Notes a call of a partition that is under way. */
  flight<Result>(partition: number, result: Promise<Result>): Promise<Result> {
    const calls = this.#flights.get(partition) ?? new Set()
    this.#flights.set(partition, calls)
    const noted = result.finally(() => {
      calls.delete(noted)
      if (calls.size === 0 && this.#flights.get(partition) === calls) this.#flights.delete(partition)
    })
    calls.add(noted)
    return noted
  }

  #idleGoOver(): void {
    for (const partition of this.#owned.keys()) if (!this.#flights.has(partition)) this.goOver(partition)
  }

  #isCurrent({ past, packHash }: Pick<PackTask, 'past' | 'packHash'>): boolean {
    return this.#current.activation === past.activations && this.#current.packHash === packHash
  }
}
