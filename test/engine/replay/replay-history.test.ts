/**
 * An engine with its history, two packs one after the other while it runs, a start anew and an erasure: everything that left is
 * computed again from ClickHouse, over HTTP as an operator asks.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { keepPacks, twoPacks } from '../activation/two-packs.ts'
import { cloudEvent, type RunningEngine, replayed, runEngine } from '../running-engine.ts'

const status = z.looseObject({
  state: z.string(),
  problem: z.string().nullable(),
  equal: z.number(),
  different: z.number(),
  incomparable: z.record(z.string(), z.number()),
  deviations: z.array(z.unknown()),
  holes: z.array(z.unknown()),
})

describe('what left is computed again', () => {
  let dir = ''
  let running: RunningEngine
  const decisions: string[] = []
  const packs = new Set<string>()

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'proffer-replay-'))
    const { second } = await twoPacks()
    await keepPacks({ kind: 'lmdb', dir: join(dir, 'store') }, [second])
    const settings = { PARTITIONS: '2', SHARD_MODE: 'worker', ACTIVATION_PREPARE_MS: '60000' }
    running = await runEngine({ dataDir: dir, settings, history: true })
    await live('first')
    expect(await running.engine.activator.activate(second.hash)).toMatchObject({ kind: 'activated' })
    await live('second')
    await running.engine.stop()
    running = await runEngine({ dataDir: dir, settings, history: true })
    await live('third')
    expect(await running.engine.history?.flush(120_000)).toBe(true)
  }, 300_000)
  afterAll(async () => {
    await running.stop()
    await rm(dir, { recursive: true, force: true })
  })

  /** Some minutes of a bank in a second. */
  async function live(round: string): Promise<void> {
    for (let i = 0; i < 12; i++) {
      const customer = `C${i % 5}`
      const events = [
        cloudEvent(customer, 'repayment.made', { amount: 600_000 + i, currency: 'CNY', product: 'credit_card' }),
        cloudEvent(customer, 'card.purchase', {
          amount: 12_000,
          currency: 'CNY',
          merchantCategory: 'grocery',
          country: 'CN',
          entryMode: 'chip',
        }),
      ]
      const taken = await running.call('POST', '/v1/events', events)
      expect(taken.status).toBe(200)
      const asked = {
        customerId: customer,
        placement: 'app_home_banner',
        requestId: `${round}-${i}`,
        deadlineMs: 5_000,
      }
      const answer = await running.call('POST', '/v1/decisions', asked)
      expect(answer.status).toBe(200)
      const { decisionId, packHash } = z
        .looseObject({ decisionId: z.string(), packHash: z.string() })
        .parse(answer.body)
      decisions.push(decisionId)
      packs.add(packHash)
    }
    await running.engine.shards.drained()
  }

  async function replay(): Promise<z.output<typeof status>> {
    const [from, to] = [Date.now() - 3_600_000, Date.now() + 3_600_000].map((at) => new Date(at).toISOString())
    expect((await running.call('POST', `/v1/replays?from=${from}&to=${to}`, {})).status).toBe(202)
    return status.parse(await replayed(running))
  }

  test('every decision of the day, under the packs of then', { timeout: 60_000 }, async () => {
    expect(packs.size).toBe(2)
    const found = await replay()
    expect(found).toMatchObject({ state: 'done', problem: null, different: 0, deviations: [], holes: [] })
    expect(found.equal).toBeGreaterThanOrEqual(decisions.length)
  })

  test('one decision, of the first pack and of the second', { timeout: 60_000 }, async () => {
    for (const id of [decisions[3], decisions.at(-1)]) {
      const reply = await running.call('GET', `/v1/decisions/${id}/replay`)
      expect(reply).toMatchObject({ status: 200, body: { id, kind: 'equal' } })
    }
    expect(await running.call('GET', `/v1/decisions/${'0'.repeat(32)}/replay`)).toMatchObject({ status: 404 })
  })

  test('no more than two decisions at once', { timeout: 60_000 }, async () => {
    const asked = Array.from({ length: 6 }, () => running.call('GET', `/v1/decisions/${decisions[3]}/replay`))
    const replies = await Promise.all(asked)
    const busy = replies.filter(({ status }) => status === 503)
    expect(busy.length).toBeGreaterThan(0)
    for (const { body } of busy) expect(body).toMatchObject({ code: 'busy' })
    const done = replies.filter(({ status }) => status === 200)
    expect(done.length).toBe(6 - busy.length)
    for (const { body } of done) expect(body).toMatchObject({ kind: 'equal' })
  })

  test('of who was erased nothing is left to compute, the rest stays equal', { timeout: 120_000 }, async () => {
    const before = await replay()
    const erased = [cloudEvent('C0', 'customer.erased', { ground: 'request' })]
    expect((await running.call('POST', '/v1/events', erased)).status).toBe(200)
    const { history } = running.engine
    await vi.waitFor(
      async () => {
        const tables = (await history?.erasure('C0'))?.tables ?? []
        expect(tables.map(({ rows }) => rows)).toEqual(tables.map(() => 0))
      },
      { timeout: 60_000, interval: 200 },
    )
    expect(await history?.flush(60_000)).toBe(true)
    // The first question was about C0.
    const gone = await running.call('GET', `/v1/decisions/${decisions[0]}/replay`)
    expect(gone).toMatchObject({ status: 404, body: { code: 'decision_unknown' } })
    expect(await running.call('GET', `/v1/decisions/${decisions[1]}/replay`)).toMatchObject({
      status: 200,
      body: { kind: 'equal' },
    })
    const after = await replay()
    expect(after).toMatchObject({ state: 'done', different: 0, holes: [] })
    expect(after.equal).toBeLessThan(before.equal)
  })
})
