/** The cursor over a real log: fair shares, gaps of retention, logs made anew. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLmdbLog } from '../../../ingest/lmdb-log.ts'
import type { Log } from '../../../ingest/log.ts'
import { createLogCursor, type LogCursor } from '../../../sinks/history/log-cursor.ts'
import type { LogSource } from '../../../sinks/history/log-source.ts'

let dir: string
let log: Log
let now = 1_000_000
beforeEach(async () => {
  now = 1_000_000
  dir = await mkdtemp(join(tmpdir(), 'proffer-cursor-'))
  const limits = { retentionMs: 10_000, maxBytes: 100_000_000 }
  log = await openLmdbLog({ dir, name: 'events', partitions: 3, now: () => now, ...limits })
})
afterEach(async () => {
  await log.close()
  await rm(dir, { recursive: true, force: true })
})

const add = (partition: number, count: number) =>
  log.append(
    partition,
    Array.from({ length: count }, (_, i) => ({ key: 'customer', value: Uint8Array.of(partition, i % 256) })),
  )
/** A real log as history reads it. */
function sourceOf(read: Log): LogSource {
  return {
    name: 'events',
    partitions: read.partitions,
    async read(partition, from, limit) {
      const records = await read.read(partition, from, limit)
      return { records, next: (records.at(-1)?.offset ?? from - 1) + 1 }
    },
    bounds: () => Promise.all([0, 1, 2].map((partition) => read.bounds(partition))),
    done: () => undefined,
  }
}
function cursorFrom(start: ReadonlyMap<number, number>, partitions: readonly number[] = [0, 1, 2]): LogCursor {
  const cursor = createLogCursor(sourceOf(log))
  cursor.own(partitions, start)
  return cursor
}
const large = { rowsMax: 1_000, bytesMax: 1_000_000 }

test('it reads every record once and in order, whatever the batch', async () => {
  await add(0, 70)
  await add(1, 5)
  await add(2, 33)
  const cursor = cursorFrom(new Map())
  const seen: string[] = []
  while ((await cursor.lag()) > 0) {
    const taken = await cursor.take({ rowsMax: 7, bytesMax: 1_000 })
    expect(taken.records.length).toBeLessThanOrEqual(7)
    for (const { partition, record } of taken.records) seen.push(`${partition}:${record.offset}`)
    cursor.advance(taken)
  }
  const all = [70, 5, 33].flatMap((count, partition) => Array.from({ length: count }, (_, i) => `${partition}:${i}`))
  expect([...seen].sort()).toEqual(all.sort())
  for (const partition of [0, 1, 2]) {
    const offsets = seen.filter((place) => place.startsWith(`${partition}:`)).map((place) => Number(place.slice(2)))
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b))
  }
})

test('a busy partition does not starve a quiet one', async () => {
  await add(0, 100)
  await add(2, 1)
  const cursor = cursorFrom(new Map())
  const taken = await cursor.take({ rowsMax: 12, bytesMax: 1_000 })
  expect(taken.records.map(({ partition }) => partition)).toContain(2)
})

test('what was not kept is read again', async () => {
  await add(0, 3)
  const cursor = cursorFrom(new Map())
  const first = await cursor.take(large)
  expect((await cursor.take(large)).records.length).toBe(first.records.length)
})

test('records that retention removed first are skipped and counted', async () => {
  await add(0, 10)
  const start = new Map([[0, 4]])
  now += 20_000
  await add(0, 2)
  await log.trim()
  const bounds = await log.bounds(0)
  expect(bounds.start).toBeGreaterThan(4)
  const cursor = cursorFrom(start)
  expect(await cursor.lag()).toBe(bounds.end - bounds.start)
  expect(cursor.skipped()).toBe(bounds.start - 4)
  expect((await cursor.take(large)).records.map(({ record }) => record.offset)[0]).toBe(bounds.start)
})

test('a position beyond the end of a log made anew goes back to its start', async () => {
  await add(1, 5)
  const cursor = cursorFrom(new Map([[1, 500]]))
  expect(await cursor.lag()).toBe(5)
  expect(cursor.skipped()).toBe(0)
  expect((await cursor.take(large)).records).toHaveLength(5)
})

test('the first copy of a log that retention has shortened skips nothing', async () => {
  await add(0, 10)
  now += 20_000
  await add(0, 1)
  await log.trim()
  const cursor = cursorFrom(new Map())
  await cursor.lag()
  expect(cursor.skipped()).toBe(0)
})

test('it reads only the partitions it covers, and goes on in those it keeps', async () => {
  await add(0, 3)
  await add(1, 4)
  await add(2, 5)
  const cursor = cursorFrom(new Map([[1, 1]]), [0, 1])
  expect(await cursor.lag()).toBe(6)
  cursor.advance(await cursor.take({ rowsMax: 4, bytesMax: 1_000 }))
  const kept = cursor.positions().get(1) ?? 0
  cursor.own([1, 2], new Map([[1, 0]]))
  expect(cursor.positions().get(1)).toBe(kept)
  expect(await cursor.lag()).toBe(4 - kept + 5)
  const places = (await cursor.take(large)).records.map(({ partition }) => partition)
  expect(new Set(places)).toEqual(new Set([1, 2]))
  cursor.drop()
  cursor.own([1], new Map([[1, 0]]))
  expect(await cursor.lag()).toBe(4)
})
