/**
 * The membership port: which partitions this process is to handle. One engine alone has all of them; where several share a log
 * its broker's consumer group decides.
 *
 * An assignment is a proposal. Who owns a partition is settled by the token in the store: an owner goes on until somebody else
 * has taken the partition, also while the group is in between two assignments.
 */

/** Who shares the work. */
export type Member = {
  /** Stable name of the node, the same after a restart. */
  readonly node: string
  /** Where it can be asked, `host:port`; empty: nowhere. */
  readonly addr: string
  readonly partitions: readonly number[]
}

export type Membership = {
  /**
   * Takes part. `assigned` is called with all partitions of this process each time they are settled, the first time
   * before `join` resolves. It must not wait: what it starts goes on by itself.
   * @throws LogError when the group cannot be joined
   */
  join(assigned: (partitions: readonly number[]) => void): Promise<void>
  /**
   * Nobody else gets what this process has for so long after it was last at work, milliseconds; null: nobody ever does. Clocks that
   * are apart by half a second are allowed for.
   */
  readonly keepsForMs: number | null
  /** Resolves with the next proof that this process is still a member; at once where nothing can end that. */
  confirmed(): Promise<void>
  /** Everybody as of the last assignment. */
  members(): readonly Member[]
  /** Tells how far a partition is committed, for lag tools only. Never read back. */
  committed(partition: number, next: number): void
  leave(): Promise<void>
}

/** The only process there is: every partition is its own, for ever. */
export function soleMembership(partitions: number): Membership {
  const all = Array.from({ length: partitions }, (_, partition) => partition)
  return {
    keepsForMs: null,
    join: async (assigned) => assigned(all),
    confirmed: async () => {},
    members: () => [{ node: 'this', addr: '', partitions: all }],
    committed: () => {},
    leave: async () => {},
  }
}
