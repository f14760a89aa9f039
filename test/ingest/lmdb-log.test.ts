import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLmdbLog, openLogEnvironment } from '../../ingest/lmdb-log.ts'
import { openLogReader } from '../../ingest/lmdb-log-reader.ts'
import type { NewRecord } from '../../ingest/log.ts'

const run = promisify(execFile)
const source = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
const diskChild = fileURLToPath(new URL('./lmdb-log-disk-child.ts', import.meta.url))
const WIDE = { maxBytes: 1e9, maxRecords: 1e6 }

let dir: string
let nowMs = 1_000_000
const settings = { partitions: 2, now: () => nowMs, retentionMs: 10_000, maxBytes: 1e9 }

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-log-'))
  nowMs = 1_000_000
})
afterEach(() => rm(dir, { recursive: true, force: true }))

function records(count: number, size = 100): readonly NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({ key: `C${i}`, value: Buffer.alloc(size, i) }))
}

test('several logs live in one environment and know nothing of each other', async () => {
  const environment = openLogEnvironment(dir)
  const events = await environment.openLog({ ...settings, name: 'events' })
  const decisions = await environment.openLog({ ...settings, name: 'decisions', partitions: 4 })
  await Promise.all([events.append(0, records(3)), decisions.append(0, records(2)), events.append(1, records(1))])
  expect(await events.bounds(0)).toEqual({ start: 0, end: 3 })
  expect(await decisions.bounds(0)).toEqual({ start: 0, end: 2 })
  await decisions.close()
  expect(await events.append(0, records(1))).toEqual({ firstOffset: 3, lastOffset: 3 })
  await environment.close()
  await expect(events.append(0, records(1))).rejects.toMatchObject({ code: 'log_closed' })
})

test('a reader in another process sees what was committed when it asks, while the log grows', async () => {
  const log = await openLmdbLog({ dir, name: 'events', ...settings })
  await log.append(0, records(1_000))
  const script = `
    import { openLogReader } from ${source('../../ingest/lmdb-log-reader.ts')}
    const reader = openLogReader(${JSON.stringify(dir)})
    process.stdout.write(JSON.stringify([reader.names(), reader.partitions('events'), reader.bounds('events', 0)]) + '\\n')
    let seen = 0
    while (seen < 3_000) {
      const read = reader.read('events', 0, seen, { maxBytes: 50_000, maxRecords: 500 })
      for (const record of read) if (record.offset !== seen++ || record.value.length !== 100) throw new Error('torn')
      if (read.length === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await reader.close()
    process.stdout.write(String(seen))`
  const child = run(process.execPath, ['--input-type=module', '-e', script])
  child.child.stdout?.once('data', async () => {
    for (let i = 0; i < 20; i++) await log.append(0, records(100))
  })
  const { stdout } = await child
  expect(stdout).toBe(`${JSON.stringify([['events'], 2, { start: 0, end: 1_000 }])}\n3000`)
  await log.close()
})

test('a reader of a place without logs says so, and may be tried again', async () => {
  expect(() => openLogReader(join(dir, 'nothing'))).toThrow(
    expect.objectContaining({ code: 'log_unavailable', retryable: true }),
  )
  const log = await openLmdbLog({ dir, name: 'events', ...settings })
  const reader = openLogReader(dir)
  expect(() => reader.bounds('decisions', 0)).toThrow(expect.objectContaining({ code: 'log_unavailable' }))
  expect(() => reader.read('events', 0, 1, WIDE)).toThrow(expect.objectContaining({ code: 'log_gap' }))
  expect(reader.read('events', 0, 0, WIDE)).toEqual([])
  await log.append(0, records(1))
  expect(reader.read('events', 0, 0, WIDE)).toHaveLength(1)
  await reader.close()
  await log.close()
})

test('threads that append to one partition at the same time never get the same offset', async () => {
  const log = await openLmdbLog({ dir, name: 'events', ...settings })
  const script = `
    import { parentPort } from 'node:worker_threads'
    import { openLmdbLog } from ${source('../../ingest/lmdb-log.ts')}
    const log = await openLmdbLog({ dir: ${JSON.stringify(dir)}, name: 'events', partitions: 2, now: Date.now, retentionMs: 1e15, maxBytes: 1e9 })
    const offsets = []
    for (let i = 0; i < 60; i++) {
      const value = Buffer.from('thread')
      const { firstOffset, lastOffset } = await log.append(0, [{ key: 'a', value }, { key: 'b', value }])
      offsets.push(firstOffset, lastOffset)
    }
    await log.close()
    parentPort.postMessage(offsets)`
  const theirs = [0, 1].map(
    () =>
      new Promise<readonly number[]>((resolve, reject) => {
        const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(script)}`))
        worker.once('message', resolve).once('error', reject)
      }),
  )
  const mine: number[] = []
  for (let i = 0; i < 60; i++) mine.push((await log.append(0, records(1))).firstOffset)
  const all = [...mine, ...(await Promise.all(theirs)).flat()]
  expect(new Set(all).size).toBe(60 + 240)
  expect(await log.bounds(0)).toEqual({ start: 0, end: 300 })
  const read = await log.read(0, 0, WIDE)
  expect(read.map((record) => record.offset)).toEqual(Array.from({ length: 300 }, (_, i) => i))
  await log.close()
})

test('a partition beyond its bytes loses its oldest records, younger than the retention or not', async () => {
  const log = await openLmdbLog({ dir, name: 'events', ...settings, retentionBytes: 300_000 })
  for (let i = 0; i < 100; i++) await log.append(0, records(100))
  await log.append(1, records(10))
  expect(await log.trim()).toBeGreaterThan(0)
  const { start, end } = await log.bounds(0)
  expect(end).toBe(10_000)
  expect(end - start).toBeGreaterThan(1_500)
  expect(end - start).toBeLessThan(3_000)
  expect(await log.bounds(1)).toEqual({ start: 0, end: 10 })
  await log.close()
})

test('the file does not grow while old records leave at the rate new ones come', async () => {
  const log = await openLmdbLog({ dir, name: 'events', ...settings, maxBytes: 3_000_000 })
  for (let i = 0; i < 300; i++) {
    nowMs += 100
    await log.append(i % 2, records(200))
    if (i % 20 === 19) await log.trim()
  }
  await log.close()
  const { stdout } = await run('du', ['-sk', dir])
  expect(Number(stdout.split('\t')[0])).toBeLessThan(9_000)
})

test('the log trims itself as time goes by', async () => {
  const log = await openLmdbLog({ dir, name: 'events', ...settings, trimEveryMs: 10 })
  await log.append(0, records(5))
  nowMs += 10_001
  await expect.poll(() => log.bounds(0)).toEqual({ start: 5, end: 5 })
  await log.close()
})

test('a disk that takes no more refuses appends, loses nothing, and the log goes on once it has room', async () => {
  // A limit on file size is the full disk that needs no rights to arrange.
  const limited = ['-c', `trap '' XFSZ; ulimit -f 6000; exec "$0" "$1" "$2"`, process.execPath, diskChild, dir]
  const full = JSON.parse((await run('bash', limited)).stdout)
  expect(full).toMatchObject({ before: 0, retryable: true })
  expect(['log_full', 'log_unavailable']).toContain(full.code)
  expect(full.appended).toBeGreaterThan(1_000)
  expect(full.end).toBe(full.appended)
  expect(full.read).toBe(full.appended)

  const after = JSON.parse((await run(process.execPath, [diskChild, dir])).stdout)
  expect(after).toMatchObject({ before: full.end, appended: 40_000, end: full.end + 40_000, read: full.end + 40_000 })
})
