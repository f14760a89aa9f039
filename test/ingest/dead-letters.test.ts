import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeadLetters, NewDeadLetter } from '../../ingest/dead-letters.ts'
import type { RejectReason } from '../../ingest/event.ts'
import { type DeadLetterOptions, openDeadLetters } from '../../ingest/lmdb-dead-letters.ts'

let dir: string
let nowMs: number
let letters: DeadLetters
let options: DeadLetterOptions

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-letters-'))
  nowMs = 1_000_000
  options = { dir, maxCount: 100, maxBytes: 1_000_000, retentionMs: 10_000, now: () => nowMs }
  letters = openDeadLetters(options)
})
afterEach(async () => {
  await letters.close()
  await rm(dir, { recursive: true })
})

function letter(id: string, reason: RejectReason = 'undecodable', size = 5): NewDeadLetter {
  return { id, reason, field: null, via: 'http', bytes: Buffer.alloc(size, id), at: nowMs }
}

async function idsOf(query: Parameters<DeadLetters['list']>[0]): Promise<readonly string[]> {
  return (await letters.list(query)).map((one) => one.id)
}

test('a dead letter is kept with its reason, field, place and bytes, over a reopen too', async () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
  const place = { partition: 3, offset: 17, at: nowMs }
  await letters.put({ id: 'p3-17', reason: 'too_late', field: 'time', via: 'stream', ...place, bytes })
  await letters.close()
  letters = openDeadLetters(options)
  expect(await letters.get('p3-17')).toEqual({
    id: 'p3-17',
    reason: 'too_late',
    field: 'time',
    via: 'stream',
    ...place,
    bytes: Buffer.from(bytes),
    redrivenAt: null,
  })
  expect(await letters.get('p3-18')).toBeNull()
})

test('putting the same id again changes nothing', async () => {
  await letters.put(letter('a'))
  await letters.markRedriven('a', 77)
  await letters.put(letter('a', 'too_large'))
  await Promise.all([letters.put(letter('b')), letters.put(letter('b', 'too_large'))])
  expect(await letters.get('a')).toMatchObject({ reason: 'undecodable', redrivenAt: 77 })
  expect(await letters.counts()).toMatchObject({ kept: 2, taken: 2, dropped: 0, byReason: { undecodable: 2 } })
})

test('removed letters are gone for good, and room and counts with them', async () => {
  for (const id of ['a', 'b', 'c']) await letters.put(letter(id))
  const before = await letters.counts()
  expect(await letters.remove(['b', 'nobody', 'b'])).toBe(1)
  expect(await letters.get('b')).toBeNull()
  expect(await idsOf({ limit: 9 })).toEqual(['c', 'a'])
  expect(await letters.counts()).toMatchObject({ kept: 2, taken: 3, dropped: 0, byReason: { undecodable: 2 } })
  expect(await letters.remove(['a', 'c'])).toBe(2)
  expect(await letters.counts()).toMatchObject({ kept: 0, bytes: 0, byReason: {} })
  expect(before.kept).toBe(3)
})

test('the list goes from the newest back, page by page, of one reason when asked', async () => {
  for (let i = 0; i < 10; i++) await letters.put(letter(`l${i}`, i % 2 === 0 ? 'type_unknown' : 'field_missing'))
  expect(await idsOf({ limit: 3 })).toEqual(['l9', 'l8', 'l7'])
  expect(await idsOf({ limit: 3, after: 'l7' })).toEqual(['l6', 'l5', 'l4'])
  expect(await idsOf({ limit: 9, after: 'l1' })).toEqual(['l0'])
  expect(await idsOf({ limit: 9, after: 'l0' })).toEqual([])
  expect(await idsOf({ limit: 2, reason: 'type_unknown' })).toEqual(['l8', 'l6'])
  expect(await idsOf({ limit: 2, reason: 'type_unknown', after: 'l6' })).toEqual(['l4', 'l2'])
  expect(await idsOf({ limit: 9, reason: 'nonsense' })).toEqual([])
  expect(await idsOf({ limit: 9, after: 'nobody' })).toEqual([])
})

test('beyond the greatest number the oldest go first, and are counted', async () => {
  await Promise.all(Array.from({ length: 250 }, (_, i) => letters.put(letter(`l${i}`))))
  expect(await letters.counts()).toMatchObject({ kept: 100, taken: 250, dropped: 150, byReason: { undecodable: 100 } })
  expect(await letters.get('l149')).toBeNull()
  expect(await letters.get('l150')).not.toBeNull()
  expect(await idsOf({ limit: 1_000 })).toHaveLength(100)
})

test('beyond the bytes the oldest go first', async () => {
  for (let i = 0; i < 40; i++) await letters.put(letter(`l${i}`, 'undecodable', 50_000))
  const { kept, bytes, dropped } = await letters.counts()
  expect(bytes).toBeLessThanOrEqual(1_000_000)
  expect([kept, dropped]).toEqual([19, 21])
})

test('letters older than the retention go with the next one put', async () => {
  await letters.put(letter('old', 'too_large'))
  nowMs += 10_001
  await letters.put(letter('new'))
  expect(await idsOf({ limit: 9 })).toEqual(['new'])
  expect(await letters.counts()).toMatchObject({ kept: 1, dropped: 1, byReason: { undecodable: 1 } })
})

test('only a letter that is there can be marked as redriven', async () => {
  await letters.put(letter('a'))
  expect(await letters.markRedriven('a', 123)).toBe(true)
  expect(await letters.markRedriven('b', 123)).toBe(false)
  expect(await letters.get('a')).toMatchObject({ redrivenAt: 123, bytes: Buffer.alloc(5, 'a') })
})

test('ids that no letter can have are answered or refused, never stored', async () => {
  expect(await letters.get('')).toBeNull()
  expect(await letters.get('x'.repeat(5_000))).toBeNull()
  await expect(letters.put(letter('x'.repeat(129)))).rejects.toThrow(RangeError)
})

test('a search through many letters leaves turns to others', async () => {
  await letters.close()
  letters = openDeadLetters({ ...options, maxCount: 10_000 })
  await Promise.all(
    Array.from({ length: 2_000 }, (_, i) => letters.put(letter(`x${i}`, i === 0 ? 'too_late' : undefined))),
  )
  let turns = 0
  const count = () => {
    turns++
    if (counting) setImmediate(count)
  }
  let counting = true
  setImmediate(count)
  expect(await idsOf({ limit: 10, reason: 'too_late' })).toEqual(['x0'])
  counting = false
  expect(turns).toBeGreaterThanOrEqual(5)
  expect(await idsOf({ limit: 600 })).toHaveLength(600)
})
