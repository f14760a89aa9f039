import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Log, LogError, type LogRecord, type NewRecord } from '../../ingest/log.ts'
import { crashRecord } from './crash-record.ts'

export type LogSettings = {
  readonly partitions: number
  readonly now: () => number
  readonly retentionMs: number
  readonly maxBytes: number
}

/** One storage under test, made anew for each test. */
export type LogFixture = {
  /** Opens the log of this storage; again after it was closed. */
  open(settings: LogSettings): Promise<Log>
  /**
   * Starts a process that opens the log with two partitions and appends batches of `crashRecord` records to both, writing
   * a line `PARTITION FIRST LAST` after each acknowledged append, until it is killed. Null: the adapter has no process of its own to lose.
   */
  readonly crash: (() => ChildProcess) | null
  dispose(): Promise<void>
}

/**
 * What is the log's own. Where a broker keeps it (`false`), its clock stamps the records, and its settings say how long and how
 * many are kept: `ingest/README.md` lists these differences.
 */
export type LogTraits = {
  /** Append times come from `now` or from the record. */
  readonly ownClock: boolean
  /** `retentionMs`, `maxBytes` and `trim` say what is kept. */
  readonly ownRetention: boolean
}

const EMBEDDED: LogTraits = { ownClock: true, ownRetention: true }
const WIDE = { maxBytes: 1_000_000, maxRecords: 10_000 }
const DAY_MS = 86_400_000

/** The suite every adapter of the log port passes. */
export function logConformance(
  name: string,
  makeFixture: () => Promise<LogFixture>,
  { ownClock, ownRetention }: LogTraits = EMBEDDED,
): void {
  describe(`log port on ${name}`, () => {
    let fixture: LogFixture
    let log: Log
    let nowMs = 1_700_000_000_000
    const settings: LogSettings = { partitions: 2, now: () => nowMs, retentionMs: DAY_MS, maxBytes: 64_000_000 }

    beforeEach(async () => {
      nowMs = 1_700_000_000_000
      fixture = await makeFixture()
      log = await fixture.open(settings)
    })
    afterEach(async () => {
      await log.close()
      await fixture.dispose()
    })

    test('an empty partition starts where it ends and reads as nothing', async () => {
      expect(await log.bounds(1)).toEqual({ start: 0, end: 0 })
      expect(await log.read(1, 0, WIDE)).toEqual([])
    })

    test('what was appended is read back in order, with consecutive offsets, keys, values and append times', async () => {
      const first = await log.append(0, [record('a', 1), record('客户', 2)])
      nowMs += 5
      const second = await log.append(0, [record('c', 3)])
      expect(first).toEqual({ firstOffset: 0, lastOffset: 1 })
      expect(second).toEqual({ firstOffset: 2, lastOffset: 2 })
      const read = await log.read(0, 0, WIDE)
      const times = ownClock ? [1_700_000_000_000, 1_700_000_000_005] : [read[0]?.appendTime, read[2]?.appendTime]
      expect(read.map(plain)).toEqual([
        { offset: 0, appendTime: times[0], key: 'a', value: [1] },
        { offset: 1, appendTime: times[0], key: '客户', value: [2] },
        { offset: 2, appendTime: times[1], key: 'c', value: [3] },
      ])
      expect(await log.read(1, 0, WIDE)).toEqual([])
    })

    test('headers of some records are read back, and others have none', async () => {
      const first = { ...record('a', 1), headers: { seq: '17', id: 'ab'.repeat(16) } }
      await log.append(0, [first, record('b', 2), { ...record('客户', 3), headers: { note: '客户' } }])
      await log.append(0, [record('c', 4)])
      const read = await log.read(0, 0, WIDE)
      expect(read.map(({ headers }) => headers ?? {})).toEqual([first.headers, {}, { note: '客户' }, {}])
      expect(read.map(({ key, value }) => [key, [...value]])).toEqual([
        ['a', [1]],
        ['b', [2]],
        ['客户', [3]],
        ['c', [4]],
      ])
      expect((await log.read(0, 2, WIDE))[0]?.headers).toEqual({ note: '客户' })
    })

    test('a value keeps every byte, also none at all and a large one', async () => {
      const large = Uint8Array.from({ length: 65_536 }, (_, i) => i % 251)
      await log.append(0, [{ key: 'a', value: new Uint8Array(0) }, { key: 'b', value: large }, record('c', 9)])
      const read = await log.read(0, 0, WIDE)
      expect(read.map((one) => one.value.length)).toEqual([0, 65_536, 1])
      expect(Buffer.compare(Buffer.from(read[1]?.value ?? []), Buffer.from(large))).toBe(0)
    })

    test.runIf(ownClock)(
      'append times never decrease in a partition, whatever the clock or the record says',
      async () => {
        await log.append(0, [
          { ...record('a', 1), appendTime: 5_000 },
          { ...record('b', 2), appendTime: 4_000 },
        ])
        nowMs = 4_500
        await log.append(0, [record('c', 3)])
        nowMs = 6_000
        await log.append(0, [record('d', 4), { ...record('e', 5), appendTime: 5_500 }])
        const times = (await log.read(0, 0, WIDE)).map((one) => one.appendTime)
        expect(times).toEqual([5_000, 5_000, 5_000, 6_000, 6_000])
      },
    )

    test.runIf(ownClock)('append times do not decrease over a reopen either', async () => {
      await log.append(0, [{ ...record('a', 1), appendTime: 9_000 }])
      await log.close()
      nowMs = 1_000
      log = await fixture.open(settings)
      await log.append(0, [record('b', 2)])
      expect((await log.read(0, 0, WIDE)).map((one) => one.appendTime)).toEqual([9_000, 9_000])
    })

    test('any offset can be sought, in the middle of an append too', async () => {
      for (let i = 0; i < 30; i++) await log.append(0, numbered(i * 10, 10))
      for (const from of [0, 1, 9, 10, 11, 155, 298, 299]) {
        const read = await log.read(0, from, { maxBytes: 1_000_000, maxRecords: 3 })
        expect(read.map((one) => one.offset)).toEqual([from, from + 1, from + 2].filter((offset) => offset < 300))
        expect(read.map(numberOf)).toEqual(read.map((one) => one.offset))
      }
      expect(await log.read(0, 300, WIDE)).toEqual([])
    })

    test('a read stops at either limit but always brings one record', async () => {
      await log.append(0, numbered(0, 100, 50))
      expect(await log.read(0, 0, { maxBytes: 1_000_000, maxRecords: 7 })).toHaveLength(7)
      expect(await log.read(0, 0, { maxBytes: 160, maxRecords: 100 })).toHaveLength(3)
      expect(await log.read(0, 40, { maxBytes: 1, maxRecords: 100 })).toHaveLength(1)
    })

    test('reading in steps of any size meets every record once', async () => {
      for (let i = 0; i < 20; i++) await log.append(0, numbered(i * 137, 137, i * 3))
      for (const step of [1_000_000, 4_000, 700]) {
        const seen: number[] = []
        for (let from = 0; ; from = seen.length) {
          const read = await log.read(0, from, { maxBytes: step, maxRecords: 97 })
          if (read.length === 0) break
          seen.push(...read.map(numberOf))
        }
        expect(seen).toEqual(Array.from({ length: 20 * 137 }, (_, i) => i))
      }
    })

    test('an offset beyond the end is a gap, not an empty read: a reader that is ahead of its log has lost its footing', async () => {
      await log.append(0, numbered(0, 5))
      await expect(log.read(0, 6, WIDE)).rejects.toMatchObject({ code: 'log_gap', retryable: false })
    })

    test('concurrent appends get offsets of their own and stay whole', async () => {
      const appended = await Promise.all(Array.from({ length: 200 }, (_, i) => log.append(i % 2, numbered(i * 3, 3))))
      const all = await Promise.all([log.read(0, 0, WIDE), log.read(1, 0, WIDE)])
      for (const [i, { firstOffset, lastOffset }] of appended.entries()) {
        expect(lastOffset - firstOffset).toBe(2)
        const mine = all[i % 2]?.slice(firstOffset, lastOffset + 1) ?? []
        expect(mine.map(numberOf)).toEqual([i * 3, i * 3 + 1, i * 3 + 2])
      }
      expect(all.map((records) => records.length)).toEqual([300, 300])
    })

    test('a listener hears of each durable append until it is taken off', async () => {
      const heard: number[] = []
      const off = log.onAppend((partition) => heard.push(partition))
      await log.append(1, [record('a', 1)])
      await log.append(0, [record('b', 2)])
      off()
      await log.append(0, [record('c', 3)])
      expect(heard).toEqual([1, 0])
    })

    test('everything is there after a reopen, and offsets go on', async () => {
      await log.append(0, numbered(0, 1_000))
      await log.close()
      log = await fixture.open(settings)
      expect(await log.bounds(0)).toEqual({ start: 0, end: 1_000 })
      expect(await log.append(0, numbered(1_000, 2))).toEqual({ firstOffset: 1_000, lastOffset: 1_001 })
      expect((await log.read(0, 0, WIDE)).map(numberOf)).toEqual(Array.from({ length: 1_002 }, (_, i) => i))
    })

    test('a log of another number of partitions is refused', async () => {
      await log.close()
      const reopened = fixture.open({ ...settings, partitions: 3 })
      await expect(reopened).rejects.toMatchObject({ code: 'log_unavailable', retryable: false })
      log = await fixture.open(settings)
    })

    test('a closed log refuses with log_closed, after what was sent before is durable', async () => {
      const last = log.append(0, numbered(0, 10))
      await log.close()
      await expect(last).resolves.toEqual({ firstOffset: 0, lastOffset: 9 })
      await expect(log.append(0, numbered(10, 1))).rejects.toMatchObject({ code: 'log_closed' })
      await expect(log.read(0, 0, WIDE)).rejects.toBeInstanceOf(LogError)
      log = await fixture.open(settings)
      expect(await log.bounds(0)).toEqual({ start: 0, end: 10 })
    })

    test.runIf(ownRetention)(
      'a full log refuses with log_full, keeps what it has, and takes appends again once space is back',
      async () => {
        await log.close()
        await fixture.dispose()
        fixture = await makeFixture()
        log = await fixture.open({ ...settings, retentionMs: 1_000, maxBytes: 400_000 })
        let appended = 0
        const outcome = await fillUp(log, (count) => {
          appended += count
        })
        expect(outcome).toMatchObject({ code: 'log_full', retryable: true })
        expect(appended).toBeGreaterThan(1_000)
        expect(await log.bounds(0)).toEqual({ start: 0, end: appended })
        expect((await log.read(0, 0, WIDE)).map(numberOf).slice(0, 5)).toEqual([0, 1, 2, 3, 4])
        await expect(log.append(0, numbered(appended, 100, 100))).rejects.toMatchObject({ code: 'log_full' })

        nowMs += 1_001
        expect(await log.trim()).toBe(appended)
        const again = await log.append(0, numbered(appended, 100, 100))
        expect(again.firstOffset).toBe(appended)
      },
    )

    test.runIf(ownRetention)(
      'retention drops what is too old and nothing else; offsets are not used again',
      async () => {
        await log.append(0, numbered(0, 500))
        nowMs += DAY_MS / 2
        await log.append(0, numbered(500, 500))
        expect(await log.trim()).toBe(0)
        nowMs += DAY_MS / 2 + 1
        expect(await log.trim()).toBe(500)
        expect(await log.bounds(0)).toEqual({ start: 500, end: 1_000 })
        await expect(log.read(0, 499, WIDE)).rejects.toMatchObject({ code: 'log_gap' })
        expect((await log.read(0, 500, WIDE)).map(numberOf)[0]).toBe(500)

        nowMs += DAY_MS
        expect(await log.trim()).toBe(500)
        expect(await log.bounds(0)).toEqual({ start: 1_000, end: 1_000 })
        await log.close()
        log = await fixture.open(settings)
        expect(await log.append(0, numbered(1_000, 1))).toEqual({ firstOffset: 1_000, lastOffset: 1_000 })
      },
    )

    test('a process killed at any moment loses no acknowledged record, tears none and repeats none', async (context) => {
      if (fixture.crash === null) return context.skip()
      await log.close()
      for (let round = 0; round < 5; round++) {
        const acknowledged = await runAndKill(fixture.crash(), 60 + round * 45)
        log = await fixture.open(settings)
        for (const partition of [0, 1]) {
          const { start, end } = await log.bounds(partition)
          expect(start).toBe(0)
          expect(end).toBeGreaterThanOrEqual((acknowledged.get(partition) ?? -1) + 1)
          await expectCrashRecords(log, partition, end)
        }
        await log.close()
      }
      log = await fixture.open(settings)
      expect((await log.bounds(0)).end).toBeGreaterThan(0)
    })
  })
}

function record(key: string, byte: number): NewRecord {
  return { key, value: Uint8Array.of(byte) }
}

function numbered(from: number, count: number, padding = 0): readonly NewRecord[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `C${from + i}`,
    value: Buffer.from(String(from + i).padEnd(padding, ' ')),
  }))
}

function numberOf(one: LogRecord): number {
  return Number(Buffer.from(one.value).toString())
}

function plain(one: LogRecord): object {
  return { ...one, value: [...one.value] }
}

async function fillUp(log: Log, onAppended: (records: number) => void): Promise<unknown> {
  for (let i = 0; i < 1_000; i++) {
    try {
      await log.append(0, numbered(i * 100, 100, 100))
      onAppended(100)
    } catch (error) {
      return error
    }
  }
  return null
}

/** Kills a crash child some time after its first acknowledged append; the last acknowledged offset of each partition. */
async function runAndKill(child: ChildProcess, afterMs: number): Promise<ReadonlyMap<number, number>> {
  const acknowledged = new Map<number, number>()
  const exited = once(child, 'exit')
  let killed = false
  if (child.stdout === null) throw new Error('a crash child writes to a pipe')
  for await (const line of createInterface({ input: child.stdout })) {
    const [partition, , last] = line.split(' ').map(Number)
    if (partition !== undefined && last !== undefined) acknowledged.set(partition, last)
    if (!killed) setTimeout(() => child.kill('SIGKILL'), afterMs)
    killed = true
  }
  const [code, signal] = await exited
  expect([code, signal]).toEqual([null, 'SIGKILL'])
  return acknowledged
}

async function expectCrashRecords(log: Log, partition: number, end: number): Promise<void> {
  let from = 0
  while (from < end) {
    for (const one of await log.read(partition, from, WIDE)) {
      const expected = crashRecord(partition, from)
      if (one.offset !== from || one.key !== expected.key || Buffer.compare(one.value, expected.value) !== 0) {
        expect(plain(one)).toEqual(plain({ offset: from, appendTime: one.appendTime, ...expected }))
      }
      from++
    }
  }
}
