import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { type BankOptions, createBank } from '../../../bench/workload/bank.ts'
import type { EventMoment, Moment } from '../../../bench/workload/moment.ts'
import { validateEvent } from '../../../ingest/validate.ts'

const dayStartMs = Date.parse('2026-03-10T00:00:00+08:00')
const options: BankOptions = { seed: 7, customers: 3000, dayStartMs, events: 24_000 }

function all(changed: Partial<BankOptions> = {}): readonly Moment[] {
  const bank = createBank({ ...options, ...changed })
  return [...bank.history(), ...bank.day()]
}

function hashOf(moments: Iterable<Moment>): string {
  const hash = createHash('sha256')
  for (const moment of moments) hash.update(JSON.stringify(moment))
  return hash.digest('hex')
}

const moments = all()
const events = moments.filter((moment): moment is EventMoment => moment.kind === 'event')

test('the same seed gives the same stream, another seed another one', () => {
  const hash = hashOf(moments)
  expect(hashOf(all())).toBe(hash)
  expect(hashOf(all({ seed: 8 }))).not.toBe(hash)
})

test('reading a stream twice from one bank gives it twice', () => {
  const bank = createBank(options)
  expect(hashOf(bank.day())).toBe(hashOf(bank.day()))
})

test('moments come in order of arrival, history before the day', () => {
  const times = moments.map((moment) => moment.at)
  expect(times).toEqual(times.toSorted((a, b) => a - b))
  const bank = createBank(options)
  expect([...bank.history()].every((moment) => moment.at < dayStartMs)).toBe(true)
  expect([...bank.day()].every((moment) => moment.at >= dayStartMs)).toBe(true)
})

test.each([0, 5, 500, 24_000])('asked for %d events it sends that many, or what the stories need', (asked) => {
  const bank = createBank({ ...options, events: asked })
  const sent = [...bank.history(), ...bank.day()].filter((moment) => moment.kind !== 'request').length
  expect(sent).toBe(bank.events)
  expect(sent).toBe(Math.max(asked, createBank({ ...options, events: 0 }).events))
})

test('every event is valid', () => {
  expect(events.flatMap(({ event }) => validateEvent(event) ?? [])).toEqual([])
})

describe('the day is a bank day', () => {
  const perHour = new Array<number>(24).fill(0)
  for (const { at } of events) {
    const hour = Math.floor((at - dayStartMs) / 3_600_000)
    if (hour >= 0) perHour[hour] = (perHour[hour] ?? 0) + 1
  }

  test('nights are quiet and evenings are busy', () => {
    expect((perHour[20] ?? 0) / (perHour[3] ?? 1)).toBeGreaterThan(30)
  })

  test('salaries arrive in a burst, and purchases at the flash sale', () => {
    const between = (from: number, to: number, type: string) =>
      events.filter(
        ({ at, event }) => at >= dayStartMs + from * 60_000 && at < dayStartMs + to * 60_000 && event.type === type,
      ).length
    expect(between(600, 615, 'transfer.made')).toBeGreaterThan(3 * between(615, 645, 'transfer.made'))
    expect(between(720, 728, 'card.purchase')).toBeGreaterThan(3 * between(728, 736, 'card.purchase'))
  })

  test('a few customers do much, many do little', () => {
    const counts = new Map<string, number>()
    for (const { event } of events) counts.set(event.customerId, (counts.get(event.customerId) ?? 0) + 1)
    const sorted = [...counts.values()].toSorted((a, b) => b - a)
    const top = sorted.slice(0, Math.floor(sorted.length / 10)).reduce((a, b) => a + b, 0)
    expect(top / events.length).toBeGreaterThan(0.3)
    expect(counts.size).toBeGreaterThan(2000)
  })

  test('some events are sent twice, some late, some by devices with a wrong clock', () => {
    const ids = events.map(({ event }) => `${event.source} ${event.id}`)
    expect(ids.length - new Set(ids).size).toBeGreaterThan(50)
    expect(events.filter(({ at, event }) => event.time < at - 60_000).length).toBeGreaterThan(30)
    expect(events.filter(({ at, event }) => event.time > at + 60_000).length).toBeGreaterThan(3)
  })

  test('apps ask for offers all day', () => {
    const placements = new Set(moments.flatMap((moment) => (moment.kind === 'request' ? [moment.placement] : [])))
    expect([...placements].toSorted()).toEqual(['adviser_desk', 'app_home_banner', 'app_offers'])
    const ids = moments.flatMap((moment) => (moment.kind === 'request' ? [moment.requestId] : []))
    expect(new Set(ids).size).toBe(ids.length)
  })
})
