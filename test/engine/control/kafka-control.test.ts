/** The control log of two nodes on a real broker. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type KafkaPart, startKafka } from '../../../bench/parts/kafka.ts'
import { type Control, openControl } from '../../../engine/control/control-log.ts'
import { owner } from '../../../engine/control/roles.ts'
import type { KafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import { openLogs } from '../../ingest/kafka/open-logs.ts'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'
import { approval, first, hashOf, person, proposal, secret } from './open-control-log.ts'

await describeWithOwnKafka('two nodes', () => {
  let broker: KafkaPart
  let logs: readonly KafkaLogs[]
  let nodes: readonly Control[]
  beforeAll(async () => {
    broker = await startKafka()
    logs = await Promise.all(['a', 'b'].map((node) => openLogs(broker, { prefix: 'control-test.', node })))
    nodes = await Promise.all(
      logs.map(({ control: log }) =>
        openControl({ log, secret, now: Date.now, lookEveryMs: 1_000, onBroken: () => undefined }),
      ),
    )
  }, 120_000)
  afterAll(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    await Promise.all(logs.map((one) => one.close()))
    await broker.stop()
  })

  test('see one order and one verdict, and a key that one revokes is none at the other a moment later', async () => {
    const [a, b] = nodes
    if (a === undefined || b === undefined) throw new Error('there are two')
    await a.submit(person('first start'), 'first start', first)
    await b.submit(person('anna', 'author'), 'x', proposal('b', 1))
    const bob = person('bob', 'approver')
    const verdicts = await Promise.all([a, b, a, b].map((node, n) => node.submit(bob, `${n}`, approval(2, 1))))
    expect(verdicts.filter(({ kind }) => kind === 'done').length).toBe(1)
    const digest = hashOf('1')
    await a.submit(owner, 'x', { action: 'key_created', name: 'carl', keyRoles: ['app'], digest })
    await expect.poll(() => b.state.keys.has(digest)).toBe(true)
    await a.submit(owner, 'left', { action: 'key_revoked', name: 'carl' })
    await expect.poll(() => b.state.keys.has(digest)).toBe(false)
    await Promise.all([a.sync(), b.sync()])
    expect(b.state).toEqual(a.state)
    expect(await b.verify()).toMatchObject({ records: a.state.number, broken: null })
  }, 60_000)
})
