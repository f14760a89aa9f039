import { expect, test } from 'vitest'
import { createBank } from '../../../bench/workload/bank.ts'
import type { Moment } from '../../../bench/workload/moment.ts'
import { openStoryBook } from '../../../bench/workload/story-book.ts'
import { decodeEvent } from '../../../ingest/avro-codec.ts'
import { parseCloudEvent } from '../../../ingest/cloud-event.ts'
import { validateEvent } from '../../../ingest/validate.ts'
import { runMoments } from './run-bank.ts'

const dayStartMs = Date.parse('2026-03-10T00:00:00+08:00')
const bank = createBank({ seed: 1, customers: 1, dayStartMs, events: 0 })
const days: readonly Moment[] = [...bank.day()]

test('each story ends as it is told, with the sample pack and the real step', async () => {
  const book = openStoryBook(bank.stories)
  const result = await runMoments([...bank.history(), ...days], bank.completeSinceMs)
  for (const decision of result.decisions) book.decided(decision)
  for (const [id, reason] of result.setAside) book.setAside(id, reason)
  expect(book.failures()).toEqual([])
  expect(result.duplicates).toBe(4)
})

test('a story that is told wrong is found out', () => {
  const book = openStoryBook(bank.stories)
  const failures = book.failures()
  expect(failures).toContain('repayers: C-bo gets repayment_thanks on sms_message 0 times, not 1')
  expect(failures).toContain('job-lost: consumer_loan of C-tao is not stopped by unemployment (no candidate)')
  expect(failures).toContain('taken-back: the message with fx_wallet to C-sui is taken back for bereavement 0 times')
  expect(failures).toContain('wrong-clock: C-finn-1 is not set aside as too_late')
})

test('every event of a story is valid but for what the engine has to find, and no broken bytes are', () => {
  const events = [...bank.history(), ...days].flatMap((moment) => (moment.kind === 'event' ? [moment.event] : []))
  expect(events.map((event) => validateEvent(event)).filter((rejection) => rejection !== null)).toEqual([])
  const raws = days.flatMap((moment) => (moment.kind === 'raw' ? [moment] : []))
  const reasons = raws.map(({ format, bytes }) => {
    if (format === 'avro') return decodeEvent(bytes).kind === 'ok' ? 'ok' : 'dead letter'
    const text = Buffer.from(bytes).toString('utf8')
    return text.endsWith('}}') ? parseCloudEvent(JSON.parse(text), 'http').kind : 'cut off'
  })
  expect(raws).toHaveLength(8)
  expect(reasons).not.toContain('ok')
})

test('stories share no customer, and tell their facts in order of time around the day', () => {
  const customers = bank.stories.flatMap((story) => story.customers)
  expect(new Set(customers).size).toBe(customers.length)
  for (const story of bank.stories) {
    expect(story.history.every((moment) => moment.at < dayStartMs && moment.at >= bank.completeSinceMs)).toBe(true)
    expect(story.day.every((moment) => moment.at >= dayStartMs && moment.at < dayStartMs + 86_400_000)).toBe(true)
    expect(story.day.length).toBeGreaterThan(0)
    expect(story.expects.length).toBeGreaterThan(0)
  }
})
