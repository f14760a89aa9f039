import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assignPartitions, type MemberClaim } from '../../../ingest/kafka/assign-partitions.ts'

const nodeNames = fc.uniqueArray(fc.stringMatching(/^[a-z0-9-]{1,12}$/), { minLength: 1, maxLength: 12 })
const partitionCounts = fc.integer({ min: 1, max: 130 })

function claims(nodes: readonly string[], held: ReadonlyMap<string, readonly number[]> = new Map()): MemberClaim[] {
  return nodes.map((node) => ({ id: `${node}-id`, node, since: 1, held: held.get(node) ?? [] }))
}

/** Shares by node. */
function shareOut(members: readonly MemberClaim[], partitions: number): Map<string, readonly number[]> {
  const shares = assignPartitions(members, partitions)
  return new Map(members.map((one) => [one.node, shares.get(one.id) ?? []]))
}

function expectFair(shares: ReadonlyMap<string, readonly number[]>, partitions: number): void {
  const all = [...shares.values()].flat().sort((a, b) => a - b)
  expect(all).toEqual(Array.from({ length: partitions }, (_, i) => i))
  for (const share of shares.values()) {
    expect(share.length).toBeLessThanOrEqual(Math.ceil(partitions / shares.size))
    expect(share.length).toBeGreaterThanOrEqual(Math.floor(partitions / shares.size))
  }
}

/** Partitions that a node that is still there has lost. */
function moved(before: ReadonlyMap<string, readonly number[]>, after: ReadonlyMap<string, readonly number[]>): number {
  let count = 0
  for (const [node, share] of after) {
    count += (before.get(node) ?? []).filter((partition) => !share.includes(partition)).length
  }
  return count
}

test('every partition goes to exactly one node, and nobody has more than one more than another', () => {
  fc.assert(
    fc.property(nodeNames, partitionCounts, (nodes, partitions) => {
      expectFair(shareOut(claims(nodes), partitions), partitions)
    }),
  )
})

test('the order of the members does not matter, nor do their ids', () => {
  fc.assert(
    fc.property(nodeNames, partitionCounts, fc.infiniteStream(fc.nat()), (nodes, partitions, random) => {
      const shares = shareOut(claims(nodes), partitions)
      const shuffled = claims(nodes)
        .map((one) => ({ one: { ...one, id: `${random.next().value}-${one.node}` }, by: random.next().value }))
        .sort((a, b) => a.by - b.by)
      expect(
        shareOut(
          shuffled.map(({ one }) => one),
          partitions,
        ),
      ).toEqual(new Map(shuffled.map(({ one }) => [one.node, shares.get(one.node)])))
    }),
  )
})

test('when a node leaves, only its own partitions move', () => {
  fc.assert(
    fc.property(nodeNames, partitionCounts, fc.nat(), (nodes, partitions, leaver) => {
      fc.pre(nodes.length > 1)
      const before = shareOut(claims(nodes), partitions)
      const left = nodes.filter((_, i) => i !== leaver % nodes.length)
      const after = shareOut(claims(left, before), partitions)
      expectFair(after, partitions)
      expect(moved(before, after)).toBe(0)
    }),
  )
})

test('when a node joins, no more move than it gets', () => {
  fc.assert(
    fc.property(nodeNames, partitionCounts, (nodes, partitions) => {
      fc.pre(nodes.length > 1)
      const before = shareOut(claims(nodes.slice(1)), partitions)
      const after = shareOut(claims(nodes, before), partitions)
      expectFair(after, partitions)
      expect(moved(before, after)).toBe(after.get(nodes[0] ?? '')?.length)
    }),
  )
})

test('a node that leaves and comes back changes nothing but its own share, which is as large as before', () => {
  fc.assert(
    fc.property(nodeNames, partitionCounts, (nodes, partitions) => {
      fc.pre(nodes.length > 1)
      const before = shareOut(claims(nodes), partitions)
      const without = shareOut(claims(nodes.slice(1), before), partitions)
      const after = shareOut(claims(nodes, without), partitions)
      expectFair(after, partitions)
      expect(moved(without, after)).toBe(after.get(nodes[0] ?? '')?.length)
    }),
  )
})

test('of a node back among three others most of its former partitions are its own again', () => {
  const nodes = ['n1', 'n2', 'n3', 'n4']
  const before = shareOut(claims(nodes), 64)
  const without = shareOut(claims(nodes.slice(1), before), 64)
  const after = shareOut(claims(nodes, without), 64)
  const again = (after.get('n1') ?? []).filter((partition) => before.get('n1')?.includes(partition))
  expect(again.length).toBeGreaterThan(8)
})

test('whatever members claim, also the same and what does not exist, the shares are fair', () => {
  const held = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 60 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), held), { minLength: 1 }),
      partitionCounts,
      (said, n) => {
        const members = said.map(([node, claim], i) => ({ id: `m${i}`, node, since: i % 3, held: claim }))
        const shares = assignPartitions(members, n)
        const serving = new Set(said.map(([node]) => node)).size
        const counts = members.map((one) => shares.get(one.id)?.length ?? 0)
        expect([...shares.values()].flat().sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i))
        expect(Math.max(...counts)).toBeLessThanOrEqual(Math.ceil(n / serving))
      },
    ),
  )
})

test('of members with one name only the one that started last gets partitions', () => {
  const members = [
    { id: 'x', node: 'a', since: 5, held: [0, 1, 2, 3] },
    { id: 'y', node: 'a', since: 9, held: [] },
    { id: 'z', node: 'b', since: 1, held: [] },
  ]
  const shares = assignPartitions(members, 8)
  expect([shares.get('x')?.length, shares.get('y')?.length, shares.get('z')?.length]).toEqual([0, 4, 4])
  expect(assignPartitions([...members].reverse(), 8)).toEqual(shares)
})
