import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kafka, logLevel } from 'kafkajs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { DeadLetters, NewDeadLetter } from '../../../ingest/dead-letters.ts'
import { openKafkaDeadLetters } from '../../../ingest/kafka/kafka-dead-letters.ts'
import type { KafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import { describeWithKafka } from '../../parts/describe-with-parts.ts'
import { eventually } from './follow.ts'
import { openLogs } from './open-logs.ts'

/** A node: its own connection and its own folder. */
type Node = { readonly logs: KafkaLogs; readonly dir: string; letters: DeadLetters }

let address: readonly string[]
let prefix: string
let nodes: Node[]
const at = Date.now()

await describeWithKafka('dead letters of several nodes', (brokers) => {
  beforeEach(() => {
    prefix = `${randomUUID()}.`
    nodes = []
    address = brokers
  })
  afterEach(async () => {
    for (const { letters, logs, dir } of nodes) {
      await letters.close()
      await logs.close()
      await rm(dir, { recursive: true })
    }
  })

  test('what one node puts it lists at once, and every other node soon, with all that belongs to it', async () => {
    const a = await openNode()
    const b = await openNode()
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
    const place = { partition: 3, offset: 17 }
    await a.letters.put({ ...letter('p3-17'), ...place, field: 'time', bytes })
    const expected = { ...letter('p3-17'), ...place, field: 'time', bytes: Buffer.from(bytes), redrivenAt: null }
    expect(await a.letters.get('p3-17')).toEqual(expected)
    expect(await a.letters.counts()).toMatchObject({ kept: 1, taken: 1 })
    await eventually('b has it', async () => (await b.letters.get('p3-17')) !== null)
    expect(await b.letters.list({ limit: 9 })).toEqual([expected])
  })

  test('what one node removes is gone from every node, also from one that comes later', async () => {
    const a = await openNode()
    const b = await openNode()
    await a.letters.put(letter('x'))
    await a.letters.put(letter('y'))
    await eventually('b has both', async () => (await b.letters.counts()).kept === 2)
    expect(await b.letters.remove(['x', 'nobody'])).toBe(1)
    expect(await b.letters.get('x')).toBeNull()
    await eventually('a lost it', async () => (await a.letters.get('x')) === null)
    const late = await openNode()
    await eventually('the late one has read all', async () => (await late.letters.counts()).taken === 2)
    await eventually('and lost it', async () => (await late.letters.counts()).kept === 1)
  })

  test('letters come in one order everywhere, and the same id twice changes nothing', async () => {
    const a = await openNode()
    const b = await openNode()
    for (let i = 0; i < 20; i++) {
      await (i % 2 === 0 ? a : b).letters.put(letter(`l${i}`))
      await (i % 2 === 0 ? b : a).letters.put({ ...letter(`l${i}`), reason: 'too_late' })
    }
    await eventually('both have all', async () => {
      const counts = await Promise.all([a.letters.counts(), b.letters.counts()])
      return counts.every((one) => one.kept === 20)
    })
    const lists = await Promise.all([a, b].map((node) => node.letters.list({ limit: 99 })))
    expect(lists[0]).toEqual(lists[1])
    expect(lists[0]?.every((one) => one.reason === 'undecodable')).toBe(true)
    expect(await a.letters.counts()).toMatchObject({ taken: 20, dropped: 0 })
  })

  test('a letter that one node has handed in again is marked on all', async () => {
    const a = await openNode()
    const b = await openNode()
    await a.letters.put(letter('x'))
    await eventually('b has it', async () => (await b.letters.get('x')) !== null)
    expect(await b.letters.markRedriven('x', 777)).toBe(true)
    expect(await b.letters.markRedriven('y', 777)).toBe(false)
    expect(await b.letters.get('x')).toMatchObject({ redrivenAt: 777 })
    await eventually('a knows', async () => (await a.letters.get('x'))?.redrivenAt === 777)
  })

  test('a node goes on where it stopped', async () => {
    const a = await openNode(2)
    for (const id of ['1', '2', '3', '4']) await a.letters.put(letter(id))
    expect(await a.letters.counts()).toMatchObject({ kept: 2, taken: 4, dropped: 2 })
    await a.letters.close()
    const b = await openNode()
    await b.letters.put(letter('5'))
    a.letters = await openLetters(a, 2)
    await eventually('a has the new one', async () => (await a.letters.get('5')) !== null)
    // Those it had dropped would have been taken once more.
    expect(await a.letters.counts()).toMatchObject({ kept: 2, taken: 5, dropped: 3 })
  })

  test('a node whose folder is gone has all letters again, in their order', async () => {
    const a = await openNode()
    for (const id of ['1', '2', '3']) await a.letters.put(letter(id))
    await a.letters.close()
    await rm(a.dir, { recursive: true })
    a.letters = await openLetters(a)
    await eventually('a has all again', async () => (await a.letters.counts()).kept === 3)
    expect((await a.letters.list({ limit: 9 })).map((one) => one.id)).toEqual(['3', '2', '1'])
  })

  test('letters that the broker has dropped are no obstacle to those that follow', async () => {
    const a = await openNode()
    await a.letters.put(letter('old'))
    const topic = `${prefix}dead-letters`
    const kafka = new Kafka({ clientId: 'outsider', brokers: [...brokers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] })
    await admin.disconnect()
    const b = await openNode()
    await b.letters.put(letter('new'))
    expect((await b.letters.list({ limit: 9 })).map((one) => one.id)).toEqual(['new'])
  })

  test('what is no letter of ours on the topic is passed over', async () => {
    const a = await openNode()
    for (const value of ['', 'x', '\u0010\u0000\u0000\u0000{"kind":"other"}', '\u00ff\u00ff\u00ff\u007f{']) {
      await a.logs.deadLetters.append(0, [{ key: 'junk', value: Buffer.from(value, 'latin1') }])
    }
    await a.letters.put(letter('sound'))
    expect((await a.letters.list({ limit: 9 })).map((one) => one.id)).toEqual(['sound'])
  })

  test('bytes beyond 64 KB are cut off, ids that no letter can have are refused', async () => {
    const a = await openNode()
    await a.letters.put({ ...letter('long'), bytes: Buffer.alloc(200_000, 'x') })
    expect((await a.letters.get('long'))?.bytes).toHaveLength(65_536)
    await expect(a.letters.put(letter('x'.repeat(129)))).rejects.toThrow(RangeError)
    await expect(a.letters.put(letter(''))).rejects.toThrow(RangeError)
  })
})

async function openNode(maxCount = 1_000): Promise<Node> {
  const logs = await openLogs({ brokers: address }, { prefix })
  const dir = await mkdtemp(join(tmpdir(), 'proffer-letters-'))
  const node = { logs, dir, letters: await openLetters({ logs, dir }, maxCount) }
  nodes.push(node)
  return node
}

function openLetters({ logs, dir }: Pick<Node, 'logs' | 'dir'>, maxCount = 1_000): Promise<DeadLetters> {
  const bounds = { maxCount, maxBytes: 10_000_000, retentionMs: 86_400_000 }
  return openKafkaDeadLetters(logs.deadLetters, { dir, ...bounds, now: () => Date.now() })
}

function letter(id: string): NewDeadLetter & { readonly partition: null; readonly offset: null } {
  return {
    id,
    reason: 'undecodable',
    field: null,
    via: 'http',
    partition: null,
    offset: null,
    bytes: Buffer.from(id),
    at,
  }
}
