import { expect, test } from 'vitest'
import { createGroupCommit, type Outcome } from '../../ingest/group-commit.ts'

/** A group commit whose commits finish when told to. */
function slowCommit(limits: { groupBytes: number; waitingBytes: number }) {
  const groups: (readonly string[])[] = []
  const finish: (() => void)[] = []
  const group = createGroupCommit<string, string>({
    ...limits,
    overloaded: () => new Error('overloaded'),
    commit: async (items) => {
      groups.push(items)
      await new Promise<void>((resolve) => finish.push(resolve))
      if (items.includes('broken disk')) throw new Error('broken disk')
      return items.map(
        (item): Outcome<string> =>
          item === 'refused' ? { kind: 'failed', error: new Error('refused') } : { kind: 'done', result: `${item}!` },
      )
    },
  })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  return {
    group,
    groups,
    async finishOne() {
      await turn()
      finish.shift()?.()
      await turn()
    },
  }
}

test('what is added together or during a commit is committed together, in order', async () => {
  const { group, groups, finishOne } = slowCommit({ groupBytes: 100, waitingBytes: 1_000 })
  const first = [group.add('a', 1), group.add('b', 1)]
  await Promise.resolve()
  await Promise.resolve()
  const later = [group.add('c', 1), group.add('d', 1)]
  await finishOne()
  await finishOne()
  expect(await Promise.all([...first, ...later])).toEqual(['a!', 'b!', 'c!', 'd!'])
  expect(groups).toEqual([
    ['a', 'b'],
    ['c', 'd'],
  ])
  await group.idle()
})

test('a group stays within its bytes unless one item alone is larger', async () => {
  const { group, groups, finishOne } = slowCommit({ groupBytes: 10, waitingBytes: 1_000 })
  const all = [group.add('a', 6), group.add('b', 6), group.add('large', 50), group.add('c', 4), group.add('d', 6)]
  for (let i = 0; i < 4; i++) await finishOne()
  await Promise.all(all)
  expect(groups).toEqual([['a'], ['b'], ['large'], ['c', 'd']])
})

test('beyond the bytes that may wait an item is refused at once, and taken again when there is room', async () => {
  const { group, finishOne } = slowCommit({ groupBytes: 10, waitingBytes: 20 })
  const running = group.add('running', 10)
  await Promise.resolve()
  await Promise.resolve()
  const waiting = [group.add('a', 10), group.add('b', 10)]
  await expect(group.add('c', 1)).rejects.toThrow('overloaded')
  for (let i = 0; i < 3; i++) await finishOne()
  await Promise.all([running, ...waiting])
  for (let round = 0; round < 5; round++) {
    const again = [group.add('d', 10), group.add('e', 10)]
    for (let i = 0; i < 2; i++) await finishOne()
    expect(await Promise.all(again)).toEqual(['d!', 'e!'])
  }
})

test('an item that is refused fails alone; a commit that fails fails its whole group and no other', async () => {
  const { group, finishOne } = slowCommit({ groupBytes: 10, waitingBytes: 1_000 })
  const outcomes = Promise.allSettled([
    group.add('a', 5),
    group.add('refused', 5),
    group.add('b', 5),
    group.add('broken disk', 5),
    group.add('c', 5),
  ])
  for (let i = 0; i < 3; i++) await finishOne()
  const told = (await outcomes).map((one) => (one.status === 'fulfilled' ? one.value : String(one.reason)))
  expect(told).toEqual(['a!', 'Error: refused', 'Error: broken disk', 'Error: broken disk', 'c!'])
})
