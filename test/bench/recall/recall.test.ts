/**
 * Goal: over HTTP and Kafka, as a bank and its gateway see it, no message may leave behind the acknowledgement of the event that forbids it,
 * and its recall is on the topic. Method: the benchmark `recall` run small; and that a permit too many would show.
 */
import { expect, test } from 'vitest'
import { recallResult } from '../../../bench/recall/recall.ts'
import { runRecall } from '../../../bench/recall/run-recall.ts'
import { startServers } from '../../../bench/servers/servers.ts'
import { describeWithKafkaAndOwnRedis } from '../../parts/describe-with-parts.ts'

await describeWithKafkaAndOwnRedis('messages that wait while consents are withdrawn', (brokers) => {
  test('are all recalled, and get no permit behind the acknowledgement', { timeout: 60_000 }, async () => {
    const servers = await startServers({ kafka: brokers.join(',') })
    try {
      const { withdrawals, purchases } = await runRecall(servers, { customers: 40, rate: 40, load: 100 })
      expect(withdrawals.map(({ permitted, reason }) => `${permitted} ${reason}`)).toEqual(
        withdrawals.map(() => 'false recalled'),
      )
      expect(withdrawals.length + purchases.length).toBe(80)
      for (const { heardAt, dueAt } of [...withdrawals, ...purchases]) expect(heardAt).toBeGreaterThan(dueAt)
    } finally {
      await servers.stop()
    }
  })
})

test('one permit behind an acknowledgement is enough for the benchmark to fail', () => {
  const refused = { dueAt: 0, acknowledgedAt: 2, heardAt: 4, permitMs: 1, permitted: false, reason: 'recalled' }
  const plan = { customers: 2, rate: 1, load: 0 }
  const of = (more: object) =>
    recallResult(plan, { withdrawals: [refused, { ...refused, ...more }], purchases: [refused] }, {})
  expect(of({})).toMatchObject({ held: true, headline: { silenceP99Ms: 2, permitsAfterAcknowledgement: 0 } })
  expect(of({ permitted: true, reason: 'permitted' })).toMatchObject({ held: false })
})
