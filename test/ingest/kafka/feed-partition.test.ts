import type { KafkaMessage } from 'kafkajs'
import { expect, test } from 'vitest'
import { FeedPartition } from '../../../ingest/kafka/feed-partition.ts'

const WIDE = { maxBytes: 1_000_000, maxRecords: 1_000 }

function message(offset: number, size = 10): KafkaMessage {
  const value = Buffer.alloc(size, offset % 256)
  return {
    key: Buffer.from(`C${offset}`),
    value,
    timestamp: '1000',
    attributes: 0,
    offset: String(offset),
    headers: {},
  }
}

function fetched(first: number, count: number, { from = first, size = 10 } = {}) {
  const messages = Array.from({ length: count }, (_, i) => message(first + i, size))
  return { topic: 't', partition: 0, fetchedOffset: from, nextOffset: first + count, messages }
}

function begun(from: number, bytesMax = 10_000): FeedPartition {
  const partition = new FeedPartition('t', bytesMax)
  partition.begin(from)
  return partition
}

function offsetsFrom(partition: FeedPartition, from: number): readonly number[] {
  return partition.take(from, WIDE).map((one) => one.offset)
}

test('what nobody has asked for is not kept', () => {
  const partition = new FeedPartition('t', 1_000)
  expect(partition.add(fetched(0, 3))).toBe('idle')
  expect(partition.covers(0)).toBe(false)
})

test('records are kept until one above them is read from, and fetching stops while too much waits', () => {
  const partition = begun(0)
  expect(partition.add(fetched(0, 5))).toBe('fetching')
  expect(partition.add(fetched(5, 20, { size: 1_000 }))).toBe('full')
  expect(partition.add(fetched(25, 5))).toBe('full')
  expect(offsetsFrom(partition, 2).slice(0, 5)).toEqual([2, 3, 4, 5, 6])
  expect(partition.makeRoom()).toBe(false)
  expect(offsetsFrom(partition, 24)).toEqual([24])
  expect(partition.covers(5)).toBe(false)
  expect(offsetsFrom(partition, 25)).toEqual([])
  expect(partition.bytes).toBe(0)
  expect(partition.makeRoom()).toBe(true)
  expect([partition.state, partition.position]).toEqual(['fetching', 25])
})

test('records below the offset that is asked for are left out of a batch that begins before it', () => {
  const partition = begun(3)
  expect(partition.add(fetched(0, 6, { from: 3 }))).toBe('fetching')
  expect(offsetsFrom(partition, 3)).toEqual([3, 4, 5])
})

test('a batch that begins below because the leader changed is dropped, and fetching goes on where it was', () => {
  const partition = begun(0)
  partition.add(fetched(0, 10))
  expect(partition.add(fetched(0, 10))).toBe('checking')
  expect(partition.look({ start: 0, end: 30 })).toBe('fetching')
  expect(partition.position).toBe(10)
  expect(offsetsFrom(partition, 0)).toHaveLength(10)
})

test('a batch that begins above goes over a hole while the log still begins before it', () => {
  const partition = begun(0)
  expect(partition.add(fetched(4, 2))).toBe('checking')
  expect(partition.look({ start: 0, end: 6 })).toBe('fetching')
  expect(partition.position).toBe(4)
  expect(partition.add(fetched(4, 2))).toBe('fetching')
  expect(offsetsFrom(partition, 0)).toEqual([4, 5])
})

test('a batch that begins above because the log was cut is told, once, after what was fetched before is read', () => {
  const partition = begun(0)
  partition.add(fetched(0, 3))
  expect(partition.add(fetched(50, 2))).toBe('checking')
  expect(partition.look({ start: 50, end: 52 })).toBe('gone')
  expect(partition.takeError(0)).toBeNull()
  expect(offsetsFrom(partition, 0)).toEqual([0, 1, 2])
  expect(partition.takeError(3)).toMatchObject({ code: 'log_gap' })
  expect([partition.state, partition.takeError(3)]).toEqual(['idle', null])
})

test('a position beyond the end is told, although nothing comes', () => {
  const partition = begun(10)
  expect(partition.needsLook()).toBe(true)
  expect(partition.look({ start: 0, end: 9 })).toBe('gone')
  expect(partition.takeError(10)).toMatchObject({ code: 'log_gap' })
})

test('bounds that were asked for before kafkajs went elsewhere are known to be too old', () => {
  const partition = begun(0)
  const asked = partition.generation
  partition.add(fetched(50, 2))
  expect(partition.generation).not.toBe(asked)
})

test('holes move the position, but only from where it is', () => {
  const partition = begun(5)
  partition.skipHoles(7, 9)
  expect(partition.position).toBe(5)
  partition.skipHoles(5, 9)
  expect(partition.position).toBe(9)
  expect(offsetsFrom(partition, 5)).toEqual([])
  expect(partition.add(fetched(9, 1))).toBe('fetching')
  expect(offsetsFrom(partition, 5)).toEqual([9])
})
