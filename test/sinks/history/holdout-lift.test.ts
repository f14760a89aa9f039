/** The lift of a holdout is that of known numbers, and counts each customer once, in time, and for the offer it was about. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Event } from '../../../ingest/event.ts'
import type { Decision, HoldoutTrial } from '../../../sinks/decision.ts'
import { createWorld, offering, type World } from './history-world.ts'

// A ClickHouse starts for each test: on a busy machine that takes a while.
vi.setConfig({ testTimeout: 60_000 })

const day = 86_400_000
const start = 1_764_000_000_000

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(async () => {
  await world.dispose()
})

let made = 0

function decision(customerId: string, group: HoldoutTrial['group'], at: number, offer = 'bundle'): Decision {
  const trial = { holdout: 'universal', offer, group }
  return { ...offering(++made), customerId, now: at, eventTime: at, acceptedAt: at, holdouts: [trial] }
}

function accepted(customerId: string, at: number, offerId = 'bundle'): Event {
  const data = { decisionId: 'none', offerId, placement: 'push_message', channel: null }
  const provenance = { via: 'http' as const, consentId: null }
  return { id: `a${++made}`, source: 'app', type: 'offer.accepted', customerId, time: at, provenance, data }
}

/** Something that happens long after, so that every window is over. */
const later = (): Event => ({ ...accepted('somebody', start + 400 * day), type: 'offer.dismissed' })

async function lift(days: number): Promise<readonly Record<string, number | string>[]> {
  const history = await world.start({})
  expect(await history.flush(40_000)).toBe(true)
  const answer = await history.query(`SELECT * FROM holdout_lift(outcome = 'offer.accepted', days = ${days})`, 'json')
  if (answer.kind !== 'ok') throw new Error(answer.message)
  return answer.text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

test('the interval is the one published for 56 of 70 against 48 of 80', async () => {
  const customers = (group: HoldoutTrial['group'], count: number) =>
    Array.from({ length: count }, (_, i) => decision(`${group}-${i}`, group, start + i))
  const wins = (group: HoldoutTrial['group'], count: number) =>
    Array.from({ length: count }, (_, i) => accepted(`${group}-${i}`, start + day))
  await world.addDecisions([...customers('treated', 70), ...customers('held_out', 80)])
  await world.addEvents([...wins('treated', 56), ...wins('held_out', 48), later()])
  const [row] = await lift(30)
  expect(row).toMatchObject({ holdout: 'universal', offer: 'bundle' })
  expect(row).toMatchObject({ treated: 70, treated_outcomes: 56, held_out: 80, held_out_outcomes: 48 })
  // Newcombe 1998, Statistics in Medicine 17, table II, method 10.
  expect(row?.['lift']).toBeCloseTo(0.2, 10)
  expect(row?.['lift_low']).toBeCloseTo(0.0524, 4)
  expect(row?.['lift_high']).toBeCloseTo(0.3339, 4)
})

test('a customer counts once, from the first time on, and only for the offer and within the days', async () => {
  await world.addDecisions([
    decision('twice', 'treated', start),
    decision('twice', 'treated', start + 5 * day),
    decision('late', 'treated', start),
    decision('before', 'treated', start + day),
    decision('other', 'held_out', start),
    decision('buyer', 'held_out', start),
  ])
  await world.addEvents([
    accepted('twice', start + 1),
    accepted('twice', start + 2),
    accepted('late', start + 8 * day),
    accepted('before', start),
    accepted('other', start + 1, 'loan'),
    accepted('buyer', start + 7 * day),
    later(),
  ])
  expect(await lift(7)).toMatchObject([{ treated: 3, treated_outcomes: 1, held_out: 2, held_out_outcomes: 1 }])
})

test('who may still answer is not counted yet', async () => {
  await world.addDecisions([decision('old', 'treated', start), decision('new', 'treated', start + 9 * day)])
  await world.addEvents([
    accepted('old', start + 1),
    accepted('new', start + 9 * day + 1),
    accepted('x', start + 10 * day),
  ])
  expect(await lift(7)).toMatchObject([{ treated: 1, treated_outcomes: 1, held_out: 0, held_out_outcomes: 0 }])
})
