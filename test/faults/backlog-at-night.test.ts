/**
 * Fault 14, the clocks of what comes in: an engine that was away all evening begins at three in the morning, with six hours of events to
 * read, everything overdue that had waited since, and devices that live in another year. Method: the real shards, log and store in a data
 * folder, on a clock that the test sets; `OVERDUE=100000` is the whole of it.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LocalShards } from '../../engine/shard/all-partitions.ts'
import { LocalClock } from '../../engine/state/local-clock.ts'
import type { Stored } from '../../engine/state/states.ts'
import { openStore, type StorePlace } from '../../engine/store/open-store.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { compilePack } from '../../rules/compile-pack.ts'
import { type Decision, released } from '../../sinks/decision.ts'
import { decodeDecision } from '../../sinks/decision-codec.ts'
import { type Folder, openFolder, partitions, readAll, salt } from '../engine/shard/data-folder.ts'
import { equalsPlainPass, oneContentAnId } from '../protocol/checkers.ts'
import type { Evidence } from '../protocol/evidence.ts'
import { seenInStore } from '../protocol/plain-pass.ts'
import { type Away, awayForAnEvening, eveningBank, instants } from './evening.ts'

const overdue = Number(process.env['OVERDUE'] ?? 2_000)
const timeout = 60_000 + 20 * overdue

let dir = ''
let folder: Folder
let place: StorePlace
let now = 0
let away: Away
let running: LocalShards | null = null
/** What had left by the morning, before the quiet hours ended, and in the end. */
let night: readonly Sent[] = []
let all: readonly Sent[] = []

/** A record of the decisions log, and when it got there: no sooner could a gateway have sent it. */
type Sent = { readonly at: number; readonly decision: Decision }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-night-'))
  place = { kind: 'lmdb', dir: join(dir, 'store'), journalBytes: 2 ** 24 }
  const clock = { kind: 'wall' as const, now: () => now }
  folder = await openFolder(dir, { clock, pack: await eveningBank(), place })
  away = awayForAnEvening(overdue)

  now = instants.dinner
  await append(away.evening)
  await engineIsThrough()

  // Nobody runs from here on. Events go on coming into the log.
  await append(away.backlog)
  now = instants.night
  await engineIsThrough()
  night = await published()

  now = instants.morning
  await engineIsThrough()
  all = await published()
}, timeout)
afterAll(async () => {
  await running?.stop(5_000)
  await folder.close()
  await rm(dir, { recursive: true, force: true })
})

async function append(records: Away['evening']): Promise<void> {
  const some = Array.from({ length: partitions }, () => [...records.slice(0, 0)])
  for (const record of records) some[partitionOf(record.key, partitions)]?.push(record)
  for (const [partition, those] of some.entries())
    for (let i = 0; i < those.length; i += 1_000) await folder.log.append(partition, those.slice(i, i + 1_000))
}

/** An engine runs until it has read everything and nothing is due any more. */
async function engineIsThrough(): Promise<void> {
  running = await folder.shards({ cacheBytes: 512 * 2 ** 20 })
  await running.start('')
  await running.drained()
  const store = openStore(place)
  const first = async () => (await Promise.all(allPartitions.map((p) => store.due(p, 1)))).flat()
  while ((await first()).some(({ at }) => at <= now)) await sleep(50)
  await store.close()
  await running.drained()
  await running.stop(5_000)
  running = null
}

const allPartitions = Array.from({ length: partitions }, (_, partition) => partition)

async function published(): Promise<readonly Sent[]> {
  const records = await Promise.all(allPartitions.map((partition) => readAll(folder.decisions, partition)))
  return records.flat().map(({ appendTime, value }) => ({ at: appendTime, decision: decodeDecision(value) }))
}

const isMessage = ({ decision }: Sent): boolean => decision.contacts.some((contact) => contact.class === 'marketing')
const isRelease = ({ decision: { cause } }: Sent): boolean =>
  cause.source === released.source && cause.type === released.type

describe('an engine that begins at three in the morning', () => {
  test('sends nothing in quiet hours', () => {
    const { model } = folder.pack
    const clock = new LocalClock(model.zone)
    const isQuiet = (at: number): boolean => model.quietHours.some(({ from, to }) => clock.isWithin(at, from, to))
    expect(all.filter((sent) => isMessage(sent) && isQuiet(sent.at)).map(({ decision }) => decision.id)).toEqual([])
    expect(night.filter(isMessage)).toEqual([])
  })

  test('looks at everything that is overdue, once, and lets it wait on or expire', () => {
    const releases = night.filter(isRelease)
    const looked = releases.map(({ decision }) => decision.customerId)
    // Behind a fresh event of the same kind its message waits in place of the old one.
    expect(looked.toSorted()).toEqual(away.customers.filter((id) => !away.renewed.has(id)).toSorted())
    const expired = releases.filter(({ decision }) => decision.fates.every(({ reason }) => reason === 'hold_expired'))
    expect(new Set(expired.map(({ decision }) => decision.customerId))).toEqual(away.expired)
    const withdrawn = releases.filter(({ decision }) => decision.fates.every(({ reason }) => reason === 'no_consent'))
    const others = releases.length - expired.length - withdrawn.length
    expect(releases.filter(({ decision }) => decision.held.length === 1)).toHaveLength(others)
    expect(others).toBeGreaterThan(overdue / 2)
    expect(withdrawn.length).toBeGreaterThan(0)
  })

  test('lets triggers whose freshness is over be silent, and only those', () => {
    const decisions = new Map(night.map(({ decision }) => [decision.cause.id, decision]))
    expect(away.stale.length).toBeGreaterThan(0)
    expect(away.fresh.length).toBeGreaterThan(0)
    for (const id of away.stale) {
      const { held, contacts, fates } = decisions.get(id) ?? {}
      expect({ held, contacts, reasons: fates?.map(({ reason }) => reason) }).toEqual({
        held: [],
        contacts: [],
        reasons: ['stale_event'],
      })
    }
    for (const { id, isAgreed } of away.fresh)
      expect(decisions.get(id)?.fates.map(({ reason }) => reason)).toEqual([isAgreed ? 'held' : 'no_consent'])
  })

  test('sends in the morning what still waits, once to each who still agrees', () => {
    const sent = all.filter(isMessage).map(({ decision }) => decision.customerId)
    expect(sent.toSorted()).toEqual([...away.wanted].toSorted())
  })

  test('has counted as one that ran all the time, by the log’s clock where that of a device is wrong', {
    timeout,
  }, async () => {
    const evidence = await evidenceOf()
    expect(equalsPlainPass(evidence).slice(0, 5)).toEqual([])
    expect(oneContentAnId(evidence)).toEqual([])
    const spent = [...seenInStore(evidence)].map(([customerId, { variables }]) => {
      const value = variables.find(({ name }) => name === 'spend_7d')?.lo
      return [customerId, value] as const
    })
    expect(spent).toEqual(evidence.customers.map((id) => [id, away.spent.get(id) ?? 0]))
    const { byReason } = await folder.deadLetters.counts()
    expect(byReason).toEqual({ time_invalid: away.refused })
  })
})

async function evidenceOf(): Promise<Evidence> {
  const pack = compilePack(folder.pack)
  const store = openStore(place)
  const stored = new Map<string, Stored>()
  for (const partition of allPartitions) {
    const ids = away.customers.filter((id) => partitionOf(id, partitions) === partition)
    for (let i = 0; i < ids.length; i += 1_000) {
      const some = ids.slice(i, i + 1_000)
      const found = await store.load(partition, some)
      for (const [n, id] of some.entries()) {
        const one = found[n] ?? null
        if (one !== null) stored.set(id, one)
      }
    }
  }
  const metas = await Promise.all(allPartitions.map((partition) => store.meta(partition)))
  await store.close()
  return {
    ...{ pack, salt, partitions, customers: away.customers, metas, stored },
    observedSince: pack.layout.series.map(() => 0),
    added: {},
    events: await Promise.all(allPartitions.map((partition) => readAll(folder.log, partition))),
    decisions: await Promise.all(allPartitions.map((partition) => readAll(folder.decisions, partition))),
    batches: await Promise.all(allPartitions.map((partition) => readAll(folder.batches, partition))),
    trusts: () => true,
    answers: [],
    acknowledged: [],
    cap: { limit: 3, perMs: 7 * 86_400_000 },
    // The minute in which the last events came: later ones are nowhere.
    asOf: instants.morning,
  }
}
