import assert from 'node:assert'
import { hash53 } from '../hash.ts'

/** What a member of the group says of itself when it joins. */
export type MemberClaim = {
  /** Unique among the members. */
  readonly id: string
  /** Stable name of the node, the same after a restart. */
  readonly node: string
  /** When it began to join, Unix milliseconds. */
  readonly since: number
  /** Partitions it has had until now. */
  readonly held: readonly number[]
}

/**
 * Shares partitions among members: each to exactly one, and to each of them as many as to another or one more.
 *
 * Who has a partition keeps it as far as that allows, so that warm caches stay and no partition moves that does not have to. What nobody
 * has goes to the node that ranks first for it (rendezvous hashing: a fixed order of all nodes for each partition), so that a
 * fleet that starts anew shares as it did before. The order of the members does not matter.
 *
 * Of members with the same node name the one that started last counts and the others get nothing: mostly it is a node that
 * was killed and is back before the group has missed its former self.
 *
 * @returns the partitions of every member, rising; empty for those that get nothing
 */
export function assignPartitions(
  members: readonly MemberClaim[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const serving = latestOfEachNode(members)
  const shares = new Map<string, number[]>(members.map((one) => [one.id, []]))
  if (serving.length === 0) return shares
  const owners = claimedOwners(serving, partitions)
  const quotas = quotasOf(serving, owners, partitions)
  releaseExcess(serving, owners, quotas)
  giveFree(serving, owners, quotas)
  for (const [partition, owner] of owners.entries()) {
    assert(owner !== null)
    shares.get(owner.id)?.push(partition)
  }
  return shares
}

function latestOfEachNode(members: readonly MemberClaim[]): readonly MemberClaim[] {
  const latest = new Map<string, MemberClaim>()
  for (const one of members) {
    const other = latest.get(one.node)
    const isLater = other === undefined || one.since > other.since || (one.since === other.since && one.id > other.id)
    if (isLater) latest.set(one.node, one)
  }
  return [...latest.values()].sort((a, b) => (a.node < b.node ? -1 : 1))
}

/** Who has each partition now. Of two who both say so (one was away) the node that ranks higher. */
function claimedOwners(serving: readonly MemberClaim[], partitions: number): (MemberClaim | null)[] {
  const owners = new Array<MemberClaim | null>(partitions).fill(null)
  for (const one of serving) {
    for (const partition of one.held) {
      if (partition >= partitions) continue
      const other = owners[partition] ?? null
      if (other === null || rank(one, partition) > rank(other, partition)) owners[partition] = one
    }
  }
  return owners
}

/** How many each is to have; the larger shares go to those who have most, as then the fewest move. */
function quotasOf(
  serving: readonly MemberClaim[],
  owners: readonly (MemberClaim | null)[],
  partitions: number,
): Map<string, number> {
  const counts = countsOf(owners)
  const least = Math.floor(partitions / serving.length)
  const larger = partitions % serving.length
  const byCount = [...serving].sort((a, b) => (counts.get(b.id) ?? 0) - (counts.get(a.id) ?? 0))
  return new Map(byCount.map((one, i) => [one.id, i < larger ? least + 1 : least]))
}

/** Those who have too many give up what others rank highest for: a node that comes back mostly gets its own again. */
function releaseExcess(
  serving: readonly MemberClaim[],
  owners: (MemberClaim | null)[],
  quotas: ReadonlyMap<string, number>,
): void {
  const counts = countsOf(owners)
  const takers = serving.filter((one) => (counts.get(one.id) ?? 0) < (quotas.get(one.id) ?? 0))
  const wanted = owners.map((_, partition) => Math.max(0, ...takers.map((one) => rank(one, partition))))
  for (const one of serving) {
    const excess = (counts.get(one.id) ?? 0) - (quotas.get(one.id) ?? 0)
    if (excess <= 0) continue
    const mine = [...owners.keys()].filter((partition) => owners[partition] === one)
    mine.sort((a, b) => (wanted[b] ?? 0) - (wanted[a] ?? 0) || a - b)
    for (const partition of mine.slice(0, excess)) owners[partition] = null
  }
}

/** Partitions that nobody has go to the nodes below their quota, the highest ranks first. */
function giveFree(
  serving: readonly MemberClaim[],
  owners: (MemberClaim | null)[],
  quotas: ReadonlyMap<string, number>,
): void {
  const counts = countsOf(owners)
  const free = [...owners.keys()].filter((partition) => owners[partition] === null)
  const pairs = free.flatMap((partition) => serving.map((one) => ({ partition, one, rank: rank(one, partition) })))
  pairs.sort((a, b) => b.rank - a.rank || a.partition - b.partition)
  for (const { partition, one } of pairs) {
    const count = counts.get(one.id) ?? 0
    if (owners[partition] !== null || count >= (quotas.get(one.id) ?? 0)) continue
    owners[partition] = one
    counts.set(one.id, count + 1)
  }
}

function countsOf(owners: readonly (MemberClaim | null)[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const owner of owners) if (owner !== null) counts.set(owner.id, (counts.get(owner.id) ?? 0) + 1)
  return counts
}

function rank({ node }: MemberClaim, partition: number): number {
  return hash53(`${node}\n${partition}`)
}
