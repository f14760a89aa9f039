/** History over Kafka: nodes that share one ClickHouse, nodes that have one each, and what kills do to them. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type ClickHousePart, startClickHouse } from '../../../bench/parts/clickhouse.ts'
import { encodeEvent } from '../../../ingest/avro-codec.ts'
import { createHistoryClient } from '../../../sinks/history/client.ts'
import type { History } from '../../../sinks/history/start-history.ts'
import { describeWithKafka } from '../../parts/describe-with-parts.ts'
import { erasureOf, eventually, numberOf, offering, purchase } from './history-world.ts'
import { createKafkaWorld, type KafkaWorld } from './kafka-world.ts'
import { type Fate, type StatementProxy, startStatementProxy } from './statement-proxy.ts'

let server: ClickHousePart
let world: KafkaWorld
let proxies: StatementProxy[] = []
let database = 0

await describeWithKafka('history over Kafka', (brokers) => {
  beforeAll(async () => {
    server = await startClickHouse()
  })
  afterAll(() => server.stop())
  beforeEach(async () => {
    database++
    world = await createKafkaWorld(brokers)
  })
  afterEach(async () => {
    await world.dispose()
    await Promise.all(proxies.map((proxy) => proxy.close()))
    proxies = []
  })

  /** A way to the shared ClickHouse that the test can interfere with. */
  async function way(): Promise<StatementProxy> {
    const proxy = await startStatementProxy(server.origin)
    proxies.push(proxy)
    return proxy
  }
  const urlOf = ({ port }: StatementProxy) =>
    `http://${server.user}:${server.password}@127.0.0.1:${port}/shared_${database}`
  const running = (history: History) => eventually('it runs', () => history.status().state === 'running')
  /** Ends the process of a node as a kill of the whole node would: at once, and no other comes. */
  async function killForGood(history: History): Promise<void> {
    process.kill(history.status().pid ?? 0, 'SIGKILL')
    await history.stop(0)
  }
  /** Merges would take repeats out of the table itself at any time. */
  async function keepRepeats(): Promise<void> {
    const { origin: url, user: username, password } = server
    const client = createHistoryClient({ url, username, password, database: `shared_${database}` })
    await client.command({ query: 'SYSTEM STOP MERGES events_raw' })
    await client.close()
  }
  const numbers = (from: number, count: number) => Array.from({ length: count }, (_, i) => from + i)
  const fill = (list: readonly number[]) =>
    Promise.all([world.addEvents(list.map((number) => purchase(number))), world.addDecisions(list.map(offering))])

  test('two nodes share the work, and kills and repeated inserts neither lose nor double anything', async () => {
    const ways = [await way(), await way()] as const
    const kills = { positions: 0, answers: 0 }
    let stores = 0
    const [a, b] = [
      await world.start('a', { url: urlOf(ways[0]), batchRows: 100 }),
      await world.start('b', { url: urlOf(ways[1]), batchRows: 100 }),
    ]
    // a dies with its rows in and its positions not stored; b never hears that its rows are in, and sends them again.
    ways[0].onStatement = (sql) => {
      // Some are stored, so that the next process begins in the middle.
      if (kills.positions >= 3 || !sql.startsWith('INSERT INTO positions_raw') || ++stores % 4 !== 0) return 'pass'
      kills.positions++
      process.kill(a.status().pid ?? 0, 'SIGKILL')
      return 'refuse'
    }
    ways[1].onStatement = (sql) => {
      if (kills.answers >= 3 || !sql.startsWith('INSERT INTO decisions_raw')) return 'pass'
      kills.answers++
      return 'lose_answer'
    }
    await running(a)
    await running(b)
    await keepRepeats()
    let round = 0
    for (const until = Date.now() + 120_000; round < 40 || kills.positions < 3 || kills.answers < 3; round++) {
      if (Date.now() > until) throw new Error(`not in time: ${JSON.stringify(kills)}`)
      await fill(numbers(round * 50, 50))
      if (round % 5 === 0) await fill(numbers(round * 50, 20))
      if (round === 25) process.kill(b.status().pid ?? 0, 'SIGKILL')
      // Slower than they copy, who are dead for a while after each kill.
      await sleep(200)
    }
    for (const history of [a, b]) await running(history)
    // Two processes died lately: the group settles anew, and what came meanwhile is copied.
    expect(await b.flush(100_000)).toBe(true)
    expect(await numberOf(b, 'SELECT count() FROM events')).toBe(round * 50)
    expect(await numberOf(b, 'SELECT count() FROM decisions')).toBe(round * 50)
    expect(await numberOf(b, 'SELECT count() FROM events_raw')).toBeGreaterThan(round * 50)
    expect([a.status().restarts, b.status().restarts]).toEqual([3, 1])
    // Positions are taken from ClickHouse: whatever the group says, each partition is where its log ends.
    const ends = await Promise.all(numbers(0, 4).map((partition) => world.logs.events.bounds(partition)))
    const stored =
      "SELECT sum(copied) FROM (SELECT argMax(copied, stored_at) AS copied FROM positions_raw WHERE log LIKE '%events' GROUP BY log_partition)"
    expect(await numberOf(b, stored)).toBe(ends.reduce((sum, { end }) => sum + end, 0))
  }, 240_000)

  test('what a killed node had not copied another one copies', async () => {
    const proxy = await way()
    const [a, b] = [await world.start('a', { url: urlOf(proxy) }), await world.start('b', { url: urlOf(proxy) })]
    await running(a)
    await running(b)
    // One that runs has no partition before the group has settled: what came sooner is all the other one's.
    let count = 0
    await eventually('both have copied', async () => {
      await fill(numbers(count, 20))
      count += 20
      await sleep(200)
      return a.status().rows.events > 0 && b.status().rows.events > 0
    })
    await killForGood(a)
    await fill(numbers(count, 100))
    expect(await b.flush(60_000)).toBe(true)
    expect(await numberOf(b, 'SELECT count() FROM events')).toBe(count + 100)
    expect(await numberOf(b, 'SELECT count() FROM decisions')).toBe(count + 100)
  }, 180_000)

  test('nodes with an embedded ClickHouse have everything each, and erase it each', async () => {
    const [a, b] = [await world.start('a'), await world.start('b')]
    await fill(numbers(0, 100))
    for (const history of [a, b]) {
      expect(await history.flush(60_000)).toBe(true)
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(100)
      expect(await numberOf(history, 'SELECT count() FROM decisions')).toBe(100)
    }
    await world.addEvents([erasureOf('customer-7')])
    for (const history of [a, b]) {
      await eventually('it is gone', async () => (await history.erasure('customer-7')).state.kind === 'gone')
      expect(await numberOf(history, 'SELECT count() FROM events')).toBe(98)
    }
    await killForGood(a)
    await fill(numbers(100, 10))
    const again = await world.start('a')
    expect(await again.flush(60_000)).toBe(true)
    // Of the ten new ones one is of the erased customer.
    expect(await numberOf(again, 'SELECT count() FROM events')).toBe(107)
    expect(await numberOf(again, 'SELECT count() FROM decisions')).toBe(107)
  }, 180_000)

  test('who has a partition keeps out whom another node has erased, also where they do not belong', async () => {
    const proxy = await way()
    const [a, b] = [await world.start('a', { url: urlOf(proxy) }), await world.start('b', { url: urlOf(proxy) })]
    await running(a)
    await running(b)
    // A node that joins late finds nothing left to copy: the same records come again until each has had some.
    const bothCopied = () => a.status().rows.events > 0 && b.status().rows.events > 0
    for (let round = 0; round < 20 && !bothCopied(); round++) {
      await fill(numbers(0, 100))
      expect(await a.flush(60_000)).toBe(true)
    }
    await eventually('both have copied', bothCopied)
    await world.addEvents([erasureOf('customer-7')])
    await eventually('it is gone', async () => (await a.erasure('customer-7')).state.kind === 'gone')
    const value = encodeEvent({ ...purchase(500), customerId: 'customer-7' })
    for (const partition of numbers(0, 4)) await world.logs.events.append(partition, [{ key: 'customer-7', value }])
    await fill([107, 108])
    expect(await a.flush(60_000)).toBe(true)
    for (const table of ['events_raw', 'decisions_raw']) {
      const counted = `SELECT countIf(customer_id = 'customer-7') * 1000 + count() FROM ${table} FINAL`
      expect(await numberOf(a, counted)).toBe(99)
    }
    await eventually('each has left some out', () => a.status().erased > 0 && b.status().erased > 0)
  }, 180_000)

  test('rows that a sleeping process brings in after an erasure go again', async () => {
    const ways = [await way(), await way()] as const
    await world.addEvents([{ ...purchase(1), customerId: 'anna' }])
    const a = await world.start('a', { url: urlOf(ways[0]) })
    const held = Promise.withResolvers<void>()
    let isHeld = false
    ways[0].onStatement = async (sql): Promise<Fate> => {
      if (isHeld || !sql.startsWith('INSERT INTO events_raw')) return 'pass'
      isHeld = true
      process.kill(a.status().pid ?? 0, 'SIGSTOP')
      await held.promise
      return 'pass'
    }
    await eventually('its insert is held', () => isHeld)
    const b = await world.start('b', { url: urlOf(ways[1]) })
    await world.addEvents([erasureOf('anna')])
    await eventually('b has erased', async () => (await b.erasure('anna')).state.kind === 'gone')
    held.resolve()
    await eventually('the late row is in', async () => (await b.erasure('anna')).tables[0]?.rows === 1)
    expect((await b.erasure('anna')).state.kind).toBe('pending')
    process.kill(a.status().pid ?? 0, 'SIGCONT')
    await eventually('it is gone again', async () => (await b.erasure('anna')).state.kind === 'gone')
    expect((await b.erasure('anna')).tables.map(({ rows }) => rows)).toEqual([0, 0, 0, 0, 0])
  }, 180_000)

  test('an insert that lands after the deletion, of a process that is dead, is seen before the rows count as gone', async () => {
    const ways = [await way(), await way()] as const
    await world.addEvents([{ ...purchase(1), customerId: 'anna' }])
    const a = await world.start('a', { url: urlOf(ways[0]) })
    const held = Promise.withResolvers<void>()
    let isHeld = false
    ways[0].onStatement = async (sql): Promise<Fate> => {
      if (isHeld || !sql.startsWith('INSERT INTO events_raw')) return 'pass'
      isHeld = true
      await held.promise
      return 'pass'
    }
    await eventually('its insert is held', () => isHeld)
    await killForGood(a)
    const b = await world.start('b', { url: urlOf(ways[1]), settleMs: 4_000 })
    await world.addEvents([erasureOf('anna')])
    await eventually('b looks for what may come', async () => {
      const mutations = `SELECT countIf(NOT is_done) = 0 AND count() >= 2 FROM system.mutations WHERE database = 'shared_${database}'`
      return b.status().state === 'running' && (await numberOf(b, mutations)) === 1
    })
    expect((await b.erasure('anna')).tables[0]?.rows).toBe(0)
    held.resolve()
    await eventually('the late row is in', async () => (await b.erasure('anna')).tables[0]?.rows === 1)
    await eventually('it is gone', async () => (await b.erasure('anna')).state.kind === 'gone')
    expect((await b.erasure('anna')).tables.map(({ rows }) => rows)).toEqual([0, 0, 0, 0, 0])
  }, 180_000)
})
