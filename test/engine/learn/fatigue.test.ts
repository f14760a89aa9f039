/** A collapse of the open rate is seen, and nothing else is taken for one. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { fatigueOf } from '../../../engine/learn/fatigue.ts'
import { learnFromHistory } from '../../../engine/learn/learn-from-history.ts'
import type { Event } from '../../../ingest/event.ts'
import type { FatigueModel } from '../../../rules/model.ts'
import type { Decision } from '../../../sinks/decision.ts'
import { createWorld, offering, type World } from '../../sinks/history/history-world.ts'
import { loadBank } from '../step/bank-pack.ts'

// A ClickHouse starts for each test: on a busy machine that takes a while.
vi.setConfig({ testTimeout: 60_000 })

const day = 86_400_000

const rule: FatigueModel = {
  id: 'sms-tired',
  channel: 'sms',
  opened: 'offer.clicked',
  withinMs: 2 * day,
  recentMs: 7 * day,
  baselineMs: 28 * day,
  collapse: 0.5,
  pass: 0.25,
  place: { file: '', line: 0 },
}

const counts = (recentSent: number, recentOpened: number, baselineSent: number, baselineOpened: number) =>
  fatigueOf(rule, { recentSent, recentOpened, baselineSent, baselineOpened })

describe('a channel', () => {
  test('of which 3 percent are opened instead of 12 is tired', () => {
    expect(counts(1_000, 30, 4_000, 480)).toEqual({
      rule: 'sms-tired',
      recent: { sent: 1_000, opened: 30 },
      baseline: { sent: 4_000, opened: 480 },
      pass: 0.25,
    })
  })

  test.each([
    ['of which as many are opened as before', [1_000, 120, 4_000, 480]],
    ['of which somewhat fewer are opened', [1_000, 80, 4_000, 480]],
    ['of which half are opened, as chance may have it', [1_000, 55, 4_000, 480]],
    ['on which hardly anything was sent', [99, 0, 4_000, 480]],
    ['that has no past', [1_000, 0, 0, 0]],
    ['that nobody ever opened', [1_000, 0, 4_000, 0]],
  ] as const)('%s is not', (_, [recentSent, recentOpened, baselineSent, baselineOpened]) => {
    expect(counts(recentSent, recentOpened, baselineSent, baselineOpened)).toBeNull()
  })
})

describe('from the history', () => {
  let world: World
  beforeEach(async () => {
    world = await createWorld()
  })
  afterEach(async () => {
    await world.dispose()
  })

  test('the collapse from 12 to 3 percent is an alarm and a throttle, of the channel it is about alone', async () => {
    const now = Date.now()
    let made = 0
    const decisions: Decision[] = []
    const events: Event[] = []
    const send = (count: number, opened: number, daysAgo: number, channel: string): void => {
      for (let i = 0; i < count; i++) {
        const at = now - daysAgo * day + i
        const times = { now: at, eventTime: at, acceptedAt: at }
        const decision = { ...offering(++made), customerId: `c${made}`, channel, ...times }
        decisions.push(decision)
        const data = { decisionId: decision.id, offerId: 'bundle', placement: 'p', channel: null }
        const provenance = { via: 'http' as const, consentId: null }
        const common = { source: 'app', customerId: decision.customerId, provenance, data }
        if (i < opened) events.push({ ...common, id: `o${made}`, type: 'offer.clicked', time: at + day })
        // Opened, but too late to count.
        if (i === opened) events.push({ ...common, id: `l${made}`, type: 'offer.clicked', time: at + 3 * day })
      }
    }
    send(600, 72, 20, 'sms')
    send(500, 15, 5, 'sms')
    send(600, 72, 20, 'push')
    send(500, 60, 5, 'push')
    // Not over yet: they could still be opened.
    send(300, 0, 1, 'push')
    await world.addDecisions(decisions)
    await world.addEvents(events)
    const history = await world.start({})
    expect(await history.flush(40_000)).toBe(true)
    const yaml = { opened: 'offer.clicked', within: '2d', recent: '7d', baseline: '28d', pass: 0.25 }
    const pack = await loadBank({
      channels: [
        { id: 'app', contact: false },
        { id: 'inbox', contact: true },
        { id: 'sms', contact: true },
        { id: 'push', contact: true },
      ],
      fatigue: [
        { ...yaml, id: 'sms-tired', channel: 'sms' },
        { ...yaml, id: 'push-tired', channel: 'push' },
      ],
    })
    const { learned } = await learnFromHistory(pack, 365, async (sql) => {
      const answer = await history.query(sql, 'json')
      if (answer.kind !== 'ok') throw new Error(answer.message)
      return answer.text
    })
    expect(learned.table.fatigue).toEqual([
      { rule: 'sms-tired', recent: { sent: 500, opened: 15 }, baseline: { sent: 600, opened: 72 }, pass: 0.25 },
    ])
  })
})
