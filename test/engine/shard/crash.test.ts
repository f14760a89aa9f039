/**
 * Goal: kill -9 at any moment loses nothing and counts nothing twice. Method: processes that run log, shards, commits and
 * publishing under load are killed at random moments and at every named moment of a batch; then the end is compared with one
 * uninterrupted run over the same log, and with a recount of the log that knows nothing of the engine.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FailAt, failpointNames } from '../../../engine/shard/failpoint.ts'
import type { CustomerView, Totals } from '../../../engine/shard/shards.ts'
import { decodeEvent } from '../../../ingest/avro-codec.ts'
import { partitionOf } from '../../../ingest/partition.ts'
import { decodeDecision } from '../../../sinks/decision-codec.ts'
import { type CrashRun, chunkSize } from './crash-child.ts'
import { bankPack, type Folder, openFolder, partitions, readAll } from './data-folder.ts'

const events = 9_000
const customers = 150
const killsAtRandom = Number(process.env['KILLS'] ?? '10')
const chunksARound = 18

/** What a run left behind. */
type Outcome = {
  readonly totals: Totals
  readonly views: readonly CustomerView[]
  /** Contents by id of the decisions that events caused. */
  readonly decisions: ReadonlyMap<string, ReadonlySet<string>>
  readonly deadLetters: readonly string[]
}

let dir = ''
let logDir = ''
let crashed: Outcome
let oracle: Outcome
let killed = 0

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-crash-'))
  logDir = join(dir, 'crashed')
  let chunk = 0
  for (let round = 0; round < failpointNames.length + killsAtRandom; round++) {
    const name = failpointNames[round]
    const failAt: FailAt | null = name === undefined ? null : { name, passing: name === 'drained' ? 2 : 6, how: 'kill' }
    const mode = round % 2 === 0 ? 'inline' : 'worker'
    const killAfterMs = failAt === null ? Math.floor(Math.random() * 120) : 2_000
    const untilChunk = chunk + chunksARound
    const run: CrashRun = { dir: logDir, mode, fromChunk: chunk, untilChunk, events, customers, failAt }
    const end = await runChild(run, killAfterMs)
    if (end.killed) killed++
    chunk = Math.max(chunk, end.chunk)
  }
  const lastRun: CrashRun = {
    dir: logDir,
    mode: 'worker',
    fromChunk: chunk,
    untilChunk: null,
    events,
    customers,
    failAt: null,
  }
  const last = await runChild(lastRun, null)
  expect(last.killed).toBe(false)
  crashed = await readOutcome(logDir)
  oracle = await replay(logDir, join(dir, 'oracle'))
}, 300_000)
afterAll(() => rm(dir, { recursive: true, force: true }))

describe('after kills at random and at every moment of a batch', () => {
  it('the processes were really killed', () => {
    expect(killed).toBe(failpointNames.length + killsAtRandom)
  })

  it('every record of the log is accepted, a duplicate or a dead letter, once', async () => {
    const folder = await openFolder(logDir, { clock: 'event' })
    let records = 0
    for (let p = 0; p < partitions; p++) records += (await folder.log.bounds(p)).end
    await folder.close()
    const { accepted, duplicates, deadLettered } = crashed.totals
    expect(records).toBeGreaterThanOrEqual(events)
    expect(accepted + duplicates + deadLettered).toBe(records)
    expect(duplicates).toBeGreaterThan(300)
    expect(deadLettered).toBeGreaterThan(300)
  })

  it('counters equal a recount of the log by hand', async () => {
    const counted = await recount(logDir)
    for (const view of crashed.views) {
      const feature = view.variables.find(({ name }) => name === 'wealth_reading_ms_7d')
      expect([view.customerId, feature?.lo, feature?.hi]).toEqual([
        view.customerId,
        counted.get(view.customerId) ?? 0,
        counted.get(view.customerId) ?? 0,
      ])
    }
    expect(counted.size).toBeGreaterThan(customers / 2)
  })

  it('every feature and contact of every customer equals the uninterrupted run', () => {
    expect(crashed.views.map(withoutBytes)).toEqual(oracle.views.map(withoutBytes))
    expect(crashed.views.some(({ contacts }) => contacts.length > 0)).toBe(true)
  })

  it('every decision is out, under one id with one content, as in the uninterrupted run', () => {
    for (const contents of crashed.decisions.values()) expect(contents.size).toBe(1)
    expect(oracle.decisions.size).toBeGreaterThan(300)
    expect(new Map([...crashed.decisions].sort())).toEqual(new Map([...oracle.decisions].sort()))
  })

  it('every refused event is among the dead letters, once', () => {
    expect(new Set(crashed.deadLetters).size).toBe(crashed.deadLetters.length)
    expect(crashed.deadLetters).toEqual(oracle.deadLetters)
    expect(crashed.deadLetters.length).toBe(crashed.totals.deadLettered)
  })
})

/** Memory of a state depends on when it was loaded; all else is the same. */
function withoutBytes({ bytes, ...view }: CustomerView): Omit<CustomerView, 'bytes'> {
  expect(bytes).toBeGreaterThan(0)
  return view
}

/** Runs a child until it ends or is killed that long after its shards run. */
async function runChild(run: CrashRun, killAfterMs: number | null): Promise<{ chunk: number; killed: boolean }> {
  const script = fileURLToPath(new URL('./crash-child.ts', import.meta.url))
  const child = spawn(process.execPath, [script, JSON.stringify(run)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (some: string) => {
    const wasRunning = text.includes('running\n')
    text += some
    if (!wasRunning && text.includes('running\n') && killAfterMs !== null) {
      setTimeout(() => child.kill('SIGKILL'), killAfterMs)
    }
  })
  const [code, signal]: [number | null, string | null] = await exitOf(child)
  expect(signal === 'SIGKILL' || code === 0).toBe(true)
  const chunks = [...text.matchAll(/chunk (\d+)\n/g)].map(([, number]) => Number(number))
  return { chunk: Math.max(run.fromChunk, ...chunks), killed: signal === 'SIGKILL' }
}

async function exitOf(child: ReturnType<typeof spawn>): Promise<[number | null, string | null]> {
  const [code, signal] = await once(child, 'close')
  return [typeof code === 'number' ? code : null, typeof signal === 'string' ? signal : null]
}

async function readOutcome(at: string): Promise<Outcome> {
  const folder = await openFolder(at, { clock: 'event', pack: await bankPack('app_counts') })
  const shards = await folder.shards()
  await shards.start('')
  const outcome = await outcomeOf(folder, shards)
  await shards.stop(10_000)
  await folder.close()
  return outcome
}

async function outcomeOf(folder: Folder, shards: Awaited<ReturnType<Folder['shards']>>): Promise<Outcome> {
  await shards.drained()
  const decisions = new Map<string, Set<string>>()
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value } of await readAll(folder.decisions, partition)) {
      const decision = decodeDecision(value)
      if (decision.cause.kind === 'request') continue
      const contents = decisions.get(decision.id) ?? new Set()
      decisions.set(decision.id, contents.add(Buffer.from(value).toString('base64')))
    }
  }
  const views: CustomerView[] = []
  for (let i = 0; i < customers; i++) views.push(await shards.customer(`C${i}`))
  const letters = await folder.deadLetters.list({ limit: 1_000_000 })
  const described = letters.map(({ id, reason, field, bytes, at }) => `${id} ${reason} ${field} ${bytes.length} ${at}`)
  return { totals: await shards.totals(), views, decisions, deadLetters: described.sort() }
}

/** One run without interruption over a copy of the log. */
async function replay(from: string, to: string): Promise<Outcome> {
  const pack = await bankPack('app_counts')
  const source = await openFolder(from, { clock: 'event', pack })
  const folder = await openFolder(to, { clock: 'event', pack })
  for (let partition = 0; partition < partitions; partition++) {
    const records = await readAll(source.log, partition)
    for (let i = 0; i < records.length; i += chunkSize * 10) {
      await folder.log.append(partition, records.slice(i, i + chunkSize * 10))
    }
  }
  const shards = await folder.shards({ mode: 'inline' })
  await shards.start('')
  const outcome = await outcomeOf(folder, shards)
  await shards.stop(10_000)
  await source.close()
  await folder.close()
  return outcome
}

/** Time spent with wealth pages by customer, from the log alone: each event id once, late and misplaced ones not. */
async function recount(at: string): Promise<Map<string, number>> {
  const folder = await openFolder(at, { clock: 'event' })
  const sums = new Map<string, number>()
  const seen = new Set<string>()
  for (let partition = 0; partition < partitions; partition++) {
    for (const { value, appendTime } of await readAll(folder.log, partition)) {
      const decoded = decodeEvent(value)
      if (decoded.kind !== 'ok') continue
      const { event } = decoded
      const key = `${event.source}/${event.id}`
      const isLate = appendTime - event.time > 72 * 3_600_000
      if (seen.has(key) || isLate || partitionOf(event.customerId, partitions) !== partition) continue
      seen.add(key)
      if (event.type !== 'page.viewed' || event.data['pageGroup'] !== 'wealth') continue
      sums.set(event.customerId, (sums.get(event.customerId) ?? 0) + Number(event.data['dwellMs']))
    }
  }
  await folder.close()
  return sums
}
