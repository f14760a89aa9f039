/** Collects what arrives during a commit into the next one. */
export type GroupCommit<Item, Result> = {
  /** Resolves with what `commit` returned for the item; rejects with what it threw, or with `overloaded()`. */
  add(item: Item, bytes: number): Promise<Result>
  /** Resolves when nothing waits. */
  idle(): Promise<void>
}

type Waiting<Item, Result> = {
  readonly item: Item
  readonly bytes: number
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

/** What became of an item: its result, or the error of this item alone. */
export type Outcome<Result> =
  | { readonly kind: 'done'; readonly result: Result }
  | { readonly kind: 'failed'; readonly error: Error }

/**
 * Commits items in groups, one group at a time, in the order they were added. A group holds at most `groupBytes` or one item.
 * At most `waitingBytes` wait (or one item); what comes then is refused with `overloaded()`.
 */
export function createGroupCommit<Item, Result>(options: {
  readonly groupBytes: number
  readonly waitingBytes: number
  /** Makes a group durable; one outcome per item, in order. A throw fails the whole group. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Outcome<Result>[]>
  readonly overloaded: () => Error
}): GroupCommit<Item, Result> {
  let waiting: Waiting<Item, Result>[] = []
  let waitingBytes = 0
  let running: Promise<void> | null = null

  function takeGroup(): readonly Waiting<Item, Result>[] {
    let bytes = 0
    let count = 0
    for (const one of waiting) {
      if (count > 0 && bytes + one.bytes > options.groupBytes) break
      bytes += one.bytes
      count++
    }
    const group = waiting.slice(0, count)
    waiting = waiting.slice(count)
    waitingBytes -= bytes
    return group
  }

  async function commitAll(): Promise<void> {
    // One turn of microtasks later, so that appends made together are committed together.
    await Promise.resolve()
    while (waiting.length > 0) {
      const group = takeGroup()
      try {
        const outcomes = await options.commit(group.map((one) => one.item))
        for (const [i, one] of group.entries()) settle(one, outcomes[i])
      } catch (error) {
        for (const one of group) one.reject(error)
      }
    }
    running = null
  }

  return {
    add(item, bytes) {
      if (waiting.length > 0 && waitingBytes + bytes > options.waitingBytes) return Promise.reject(options.overloaded())
      return new Promise((resolve, reject) => {
        waiting.push({ item, bytes, resolve, reject })
        waitingBytes += bytes
        running ??= commitAll()
      })
    },
    async idle() {
      await running
    },
  }
}

function settle<Item, Result>(one: Waiting<Item, Result>, outcome: Outcome<Result> | undefined): void {
  if (outcome?.kind === 'done') one.resolve(outcome.result)
  else one.reject(outcome?.error ?? new RangeError('a commit answers for every item'))
}
