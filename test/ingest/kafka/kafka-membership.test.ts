import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type KafkaPart, startKafka } from '../../../bench/parts/kafka.ts'
import { createKafkaAdmin } from '../../../ingest/kafka/kafka-admin.ts'
import { type KafkaLogs, openKafkaLogs } from '../../../ingest/kafka/kafka-log.ts'
import { KafkaMembership } from '../../../ingest/kafka/kafka-membership.ts'
import type { Member } from '../../../ingest/membership.ts'
import { describeWithOwnKafka } from '../../parts/describe-with-parts.ts'
import { eventually, follow } from './follow.ts'
import { type OpenOptions, openLogs } from './open-logs.ts'

const memberChild = fileURLToPath(new URL('./member-child.ts', import.meta.url))
const PARTITIONS = 8
let broker: KafkaPart
let prefix: string
let opened: KafkaLogs[]
let children: ChildProcess[]

/** A node of the group and what it was given, the latest last. */
type Node = { readonly logs: KafkaLogs; readonly given: (readonly number[])[] }

await describeWithOwnKafka('membership in the group of engines', () => {
  beforeAll(async () => {
    broker = await startKafka()
  }, 60_000)
  afterAll(() => broker.stop())
  beforeEach(() => {
    prefix = `${randomUUID()}.`
    opened = []
    children = []
  })
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL')
    await Promise.all(opened.map((logs) => logs.close()))
  })

  test('one node has all partitions, and is told so before join resolves', async () => {
    const a = await joinNode('a')
    expect(a.given).toEqual([[0, 1, 2, 3, 4, 5, 6, 7]])
    await a.logs.membership.confirmed()
    await eventually('a is listed', () => a.logs.membership.members().length === 1)
    expect(a.logs.membership.members()).toEqual([
      { node: 'a', addr: '127.0.0.1:1', partitions: [0, 1, 2, 3, 4, 5, 6, 7] },
    ])
  })

  test('the shortest session that the settings allow needs no other setting', async () => {
    const logs = await openKafkaLogs({
      connection: { brokers: broker.brokers, clientId: 'proffer-test' },
      topics: { prefix, partitions: 2, create: true, retentionMs: 86_400_000 },
      node: 'a',
      addr: () => '127.0.0.1:1',
      now: () => Date.now(),
      sessionTimeoutMs: 3_000,
    })
    opened.push(logs)
    await logs.membership.join(() => {})
  })

  test('nodes share the partitions, keep theirs when another comes or goes, and know of each other', async () => {
    const a = await joinNode('a')
    const b = await joinNode('b')
    await eventually('a has half', () => a.given.at(-1)?.length === 4)
    expect([...last(a), ...last(b)].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    const before = [last(a), last(b)]
    const c = await joinNode('c')
    await eventually('all have their share', () => last(a).length < 4 && last(b).length < 4)
    expect([last(a).length, last(b).length, last(c).length].sort()).toEqual([2, 3, 3])
    expect(last(a).every((one) => before[0]?.includes(one))).toBe(true)
    expect(last(b).every((one) => before[1]?.includes(one))).toBe(true)
    const expected = new Map([
      ['a', last(a)],
      ['b', last(b)],
      ['c', last(c)],
    ])
    for (const node of [a, b, c]) {
      await eventually('everybody is listed', () => sameMembers(node.logs.membership.members(), expected))
    }
    const kept = [last(a), last(b)]
    await c.logs.membership.leave()
    await eventually('a and b have all again', () => last(a).length + last(b).length === PARTITIONS)
    expect(kept[0]?.every((one) => last(a).includes(one))).toBe(true)
    expect(kept[1]?.every((one) => last(b).includes(one))).toBe(true)
  })

  test('records go on without loss or repetition at a node that keeps its partition while another comes and goes', async () => {
    const a = await joinNode('a')
    await (await joinNode('b')).logs.membership.leave()
    const [kept = -1] = a.given.find((given) => given.length === 4) ?? []
    const reading = follow(a.logs.feed, kept, 0, (records) => records.length >= 300)
    for (let round = 0; round < 3; round++) {
      const b = await joinNode('b')
      await eventually('the two share', () => last(a).length === PARTITIONS / 2)
      for (let i = 0; i < 100; i++) await a.logs.feed.append(kept, [{ key: 'C1', value: Buffer.from('x') }])
      await b.logs.membership.leave()
      await eventually('a has all again', () => last(a).length === PARTITIONS)
    }
    const offsets = (await reading).map((one) => one.offset)
    expect(offsets).toEqual(Array.from({ length: 300 }, (_, i) => i))
    expect(a.given.length).toBeGreaterThanOrEqual(6)
    expect(a.given.every((given) => given.includes(kept))).toBe(true)
  })

  test('a partition that moved is read by its new node from where that one asks', async () => {
    const a = await joinNode('a')
    for (let p = 0; p < PARTITIONS; p++) await a.logs.feed.append(p, [{ key: 'C1', value: Buffer.from(String(p)) }])
    const b = await joinNode('b')
    await eventually('a has half', () => last(a).length === 4)
    const [moved = -1] = last(b)
    expect((await follow(b.logs.feed, moved, 0, (records) => records.length >= 1))[0]?.value.toString()).toBe(
      String(moved),
    )
    expect(await a.logs.feed.read(moved, 0, { maxBytes: 1_000, maxRecords: 10 })).toEqual([])
  })

  test('the partitions of a killed process go to the others within the session timeout', async () => {
    const child = spawn(process.execPath, [memberChild, ...broker.brokers, prefix, 'b', String(PARTITIONS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout, 'data')
    const a = await joinNode('a')
    expect(last(a)).toHaveLength(4)
    child.kill('SIGKILL')
    const killedAt = performance.now()
    await eventually('a has all', () => last(a).length === PARTITIONS)
    // One session, and what a busy machine needs to share anew.
    expect(performance.now() - killedAt).toBeLessThan(3_000 + 6_000)
  })

  test('a node that is back before its former self was missed has its partitions with the first assignment', async () => {
    const child = spawn(process.execPath, [memberChild, ...broker.brokers, prefix, 'a', String(PARTITIONS)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    children.push(child)
    await once(child.stdout, 'data')
    child.kill('SIGSTOP')
    const again = await joinNode('a')
    expect(last(again)).toHaveLength(PARTITIONS)
  })

  test('of two processes with one name the one that started last serves and the other has nothing', async () => {
    const first = await joinNode('a', { now: () => 1_000 })
    const second = await joinNode('a', { now: () => 2_000 })
    await eventually('the first has nothing', () => last(first).length === 0)
    expect(last(second)).toHaveLength(PARTITIONS)
    await eventually('both are listed', () => second.logs.membership.members().length === 2)
    await second.logs.membership.leave()
    await eventually('the first has all again', () => last(first).length === PARTITIONS)
  })

  test('a consumer that starts again in its process counts as later than the one that ended', () => {
    const connection = { brokers: [...broker.brokers], clientId: 'proffer-test' }
    const about = {
      groupId: 'g',
      topic: 't',
      node: 'a',
      addr: () => '',
      joinTimeoutMs: 1_000,
      sessionTimeoutMs: 10_000,
      now: () => 5_000,
    }
    const membership = new KafkaMembership({ admin: createKafkaAdmin(connection), ...about })
    membership.starting()
    const first = membership.said()
    membership.starting()
    expect([first.since, membership.said().since]).toEqual([5_000, 5_001])
  })

  test('positions are stored in the group for lag tools', async () => {
    const a = await joinNode('a')
    await a.logs.feed.append(3, [{ key: 'C1', value: Buffer.from('x') }])
    a.logs.membership.committed(3, 1)
    const kafka = new Kafka({ clientId: 'tool', brokers: [...broker.brokers], logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    const groupId = `${prefix}engine`
    await eventually('the position is stored', async () => {
      const found = await admin.fetchOffsets({ groupId, topics: [`${prefix}events`] })
      return found[0]?.partitions.find((one) => one.partition === 3)?.offset === '1'
    })
    await admin.disconnect()
  })

  test('a node whose group is silent for twice its session is told that it has nothing, and gets it back', async () => {
    const a = await joinNode('a')
    const askedAt = performance.now()
    await broker.stop({ keepData: true })
    try {
      const confirmed = a.logs.membership.confirmed().then(
        () => 'confirmed',
        (error: unknown) => error,
      )
      const haltedAt = performance.now()
      await eventually('a has nothing', () => last(a).length === 0)
      expect(performance.now() - askedAt).toBeGreaterThan(4_500)
      expect(performance.now() - haltedAt).toBeLessThan(12_000)
      expect(await confirmed).toMatchObject({ code: 'log_unavailable', retryable: true })
    } finally {
      await broker.restart()
    }
    await eventually('a has all again', () => last(a).length === PARTITIONS)
  }, 60_000)

  test('leaving is over in a moment, also when the broker is down', async () => {
    const a = await joinNode('a')
    await broker.stop({ keepData: true })
    try {
      const startedAt = performance.now()
      await a.logs.close()
      expect(performance.now() - startedAt).toBeLessThan(9_000)
      await sleep(100)
    } finally {
      await broker.restart()
    }
  }, 60_000)
})

async function joinNode(node: string, options: Partial<OpenOptions> = {}): Promise<Node> {
  const logs = await openLogs(broker, { prefix, partitions: PARTITIONS, node, ...options })
  opened.push(logs)
  const given: (readonly number[])[] = []
  await logs.membership.join((partitions) => given.push(partitions))
  return { logs, given }
}

function last(node: Node): readonly number[] {
  return node.given.at(-1) ?? []
}

function sameMembers(members: readonly Member[], expected: ReadonlyMap<string, readonly number[]>): boolean {
  return (
    members.length === expected.size &&
    members.every((one) => String(expected.get(one.node)) === String(one.partitions) && one.addr === '127.0.0.1:1')
  )
}
