/** What is learned is what the history holds of trials whose window is over; nothing of holdouts, nothing that never arrived. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { learnFromHistory } from '../../../engine/learn/learn-from-history.ts'
import type { Event } from '../../../ingest/event.ts'
import type { Decision, Fate } from '../../../sinks/decision.ts'
import { createWorld, offering, type World } from '../../sinks/history/history-world.ts'
import { loadBank, bank as pieces } from '../step/bank-pack.ts'

// A ClickHouse starts for each test: on a busy machine that takes a while.
vi.setConfig({ testTimeout: 60_000 })

const hour = 3_600_000
const start = 1_764_000_000_000

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(async () => {
  await world.dispose()
})

let made = 0

type Trial = {
  readonly at?: number
  readonly offer?: string
  readonly learned?: string | null
  readonly customer?: string
}

function trial({ at = start, offer = 'bundle', learned = 'm/all', customer }: Trial = {}): Decision {
  const base = offering(++made)
  const fates = base.fates.slice(0, 1).map((fate): Fate => ({ ...fate, offer, learned }))
  const times = { now: at, eventTime: at, acceptedAt: at }
  return { ...base, customerId: customer ?? `c${made}`, ...times, offers: [{ offer, score: 1 }], fates }
}

function event(type: string, decision: Decision, at: number, offerId?: string): Event {
  const message = { decisionId: decision.id, channel: 'push', reason: null }
  const outcome = { decisionId: decision.id, offerId: offerId ?? '', placement: 'push_message', channel: null }
  const provenance = { via: 'http' as const, consentId: null }
  const data = offerId === undefined ? message : outcome
  return { id: `e${++made}`, source: 'app', type, customerId: decision.customerId, time: at, provenance, data }
}

/** Appended now, so that every window of the decisions above is over. */
const now = (): Event => event('message.sent', trial(), start)

async function learnt(decisions: readonly Decision[], events: readonly Event[], days = 3_650) {
  await world.addDecisions(decisions)
  await world.addEvents([...events, now()])
  const [template] = pieces.offers
  const bundle = { ...template, id: 'bundle', propensity: { learned: { model: 'm', prior: [1, 9], floor: 0.2 } } }
  const pack = await loadBank({
    offers: [...pieces.offers, bundle],
    models: [
      { id: 'm', outcome: 'offer.accepted', window: '24h' },
      { id: 'unused', outcome: 'message.delivered', window: '1h' },
    ],
  })
  const history = await world.start({})
  expect(await history.flush(40_000)).toBe(true)
  return learnFromHistory(pack, days, async (sql) => {
    const answer = await history.query(sql, 'json')
    if (answer.kind !== 'ok') throw new Error(answer.message)
    return answer.text
  })
}

test('a success is an outcome in time that names the decision and no other offer, anything else a failure', async () => {
  const [inTime, atTheEnd, late, other, unnamed, nothing] = Array.from({ length: 6 }, () => trial())
  if (!inTime || !atTheEnd || !late || !other || !unnamed || !nothing) throw new Error('six trials')
  const { learned, rows } = await learnt(
    [inTime, atTheEnd, late, other, unnamed, nothing],
    [
      event('offer.accepted', inTime, start + hour, 'bundle'),
      // Said twice, counted once.
      event('offer.accepted', inTime, start + 2 * hour, 'bundle'),
      event('offer.accepted', atTheEnd, start + 24 * hour, 'bundle'),
      event('offer.accepted', late, start + 24 * hour + 1, 'bundle'),
      event('offer.accepted', other, start + hour, 'loan'),
      event('offer.clicked', unnamed, start + hour, 'bundle'),
    ],
  )
  expect(learned.table.cells).toEqual([{ model: 'm', offer: 'bundle', segment: 'all', successes: 2, failures: 4 }])
  // Beta(1 + 2, 9 + 4).
  expect(rows[0]?.rate?.mean).toBeCloseTo(3 / 16, 12)
  expect(rows[0]?.rate?.deviation).toBeCloseTo(Math.sqrt((3 * 13) / (16 * 16 * 17)), 12)
  expect(rows[0]?.belowFloor).toBe(true)
  expect(learned.hash).toMatch(/^[0-9a-f]{64}$/)
})

test('an offer whose window is not over is neither, also when it has succeeded already', async () => {
  const recently = Date.now() - hour
  const [quick, waiting] = [trial({ at: recently }), trial({ at: recently })]
  const { learned, rows } = await learnt(
    [trial(), quick, waiting],
    [event('offer.accepted', quick, recently + 1, 'bundle')],
  )
  expect(rows).toMatchObject([{ successes: 0, failures: 1, pending: 2 }])
  expect(learned.table.cells).toMatchObject([{ successes: 0, failures: 1 }])
})

test('offers and segments are told apart, and what was not drawn is not learned', async () => {
  const decisions = [
    trial({ learned: 'm/young' }),
    trial({ learned: 'm/old' }),
    trial({ learned: 'm/old', offer: 'gone' }),
    trial({ learned: null }),
    trial({ learned: 'mm/all' }),
  ]
  const { rows } = await learnt(decisions, [])
  expect(rows.map(({ offer, segment, failures, rate }) => [offer, segment, failures, rate !== null])).toEqual([
    ['bundle', 'old', 1, true],
    ['bundle', 'young', 1, true],
    ['gone', 'old', 1, false],
  ])
})

test('nothing is learned of customers in a holdout, nor of messages that did not arrive', async () => {
  const member = trial({ customer: 'member' })
  const held = trial({ customer: 'member', learned: null })
  const withheld: Decision = {
    ...held,
    outcome: 'none',
    offers: [],
    fates: held.fates.map((fate) => ({ ...fate, stage: 'holdout' as const, reason: 'holdout', rule: 'h' })),
  }
  const lost = trial()
  const { learned } = await learnt(
    [member, withheld, lost, trial()],
    [event('offer.accepted', member, start + 1, 'bundle'), event('message.failed', lost, start + 1)],
  )
  expect(learned.table.cells).toMatchObject([{ successes: 0, failures: 1 }])
})

test('what is older than asked for does not count', async () => {
  const day = 24 * hour
  const { learned } = await learnt([trial({ at: Date.now() - 40 * day }), trial({ at: Date.now() - 5 * day })], [], 30)
  expect(learned.table.cells).toMatchObject([{ failures: 1 }])
})
