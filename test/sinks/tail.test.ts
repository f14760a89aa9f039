/** The tail over a real log. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLmdbLog } from '../../ingest/lmdb-log.ts'
import type { Log } from '../../ingest/log.ts'
import type { Decision } from '../../sinks/decision.ts'
import { encodeDecision } from '../../sinks/decision-codec.ts'
import { type TailOptions, tailDecisions } from '../../sinks/tail.ts'
import { offering } from './history/history-world.ts'

let dir: string
let log: Log
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-tail-'))
  const limits = { retentionMs: 3_600_000, maxBytes: 100_000_000 }
  log = await openLmdbLog({ dir, name: 'decisions', partitions: 2, now: Date.now, ...limits })
})
afterEach(async () => {
  await log.close()
  await rm(dir, { recursive: true, force: true })
})

const add = (decisions: readonly Decision[]) =>
  Promise.all(
    decisions.map((decision, i) => log.append(i % 2, [{ key: decision.customerId, value: encodeDecision(decision) }])),
  )

/** The ids of the first `count` decisions of a tail. */
async function first(count: number, options: Omit<TailOptions, 'signal'>, meanwhile?: () => Promise<unknown>) {
  const stop = new AbortController()
  const ids: string[] = []
  const tail = tailDecisions(log, { pollMs: 5, ...options, signal: stop.signal })
  const reading = (async () => {
    for await (const decision of tail) {
      ids.push(decision.id)
      if (ids.length === count) stop.abort()
    }
  })()
  await meanwhile?.()
  await reading
  return ids.sort()
}

const numbers = Array.from({ length: 20 }, (_, i) => offering(i))
const ids = numbers.map((decision) => decision.id)

test('from the start it gives every decision kept and goes on with new ones', async () => {
  await add(numbers.slice(0, 12))
  expect(await first(20, { from: 'start' }, () => add(numbers.slice(12)))).toEqual(ids)
})

test('a filter lets through one customer, one offer, one outcome', async () => {
  const other: Decision = { ...offering(99), outcome: 'none', offers: [], fates: [], customerId: 'someone' }
  await add([...numbers, other])
  expect(await first(1, { from: 'start', filter: { customerId: 'someone' } })).toEqual([other.id])
  expect(await first(1, { from: 'start', filter: { outcome: 'none' } })).toEqual([other.id])
  expect(await first(20, { from: 'start', filter: { offer: 'loan' } })).toEqual(ids)
})

test('a tail that waits ends when it is told to', async () => {
  const stop = new AbortController()
  const tail = tailDecisions(log, { from: 'now', signal: stop.signal, pollMs: 60_000 })
  const next = tail.next()
  setTimeout(() => stop.abort(), 20)
  expect((await next).done).toBe(true)
})
