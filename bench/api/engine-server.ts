/**
 * A whole engine for the API benchmark, as a child process: temporary DATA_DIR, retail-bank pack, customers with a profile.
 * Says its port and key, answers `cpu` with the CPU time of all its threads, cleans up when told to end.
 */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { wallClock } from '../../engine/clock.ts'
import { type Engine, startEngine } from '../../engine/compose.ts'
import { readConfig } from '../../engine/config.ts'
import { createLogger } from '../../engine/log.ts'
import type { Event } from '../../ingest/event.ts'

const { values } = parseArgs({
  options: {
    mode: { type: 'string', default: 'inline' },
    customers: { type: 'string', default: '10000' },
    /** Makes the app's channel count as a contact, so that every offered card is reserved and committed. */
    reserve: { type: 'boolean', default: false },
  },
})

const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-api-'))
const engine = await start()
await fill(engine, Number(values.customers))
process.send?.({ kind: 'ready', port: engine.port, key: engine.key })

process.on('message', (message) => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send?.({ kind: 'cpu', microseconds: user + system })
  } else void end()
})
process.on('disconnect', () => void end())

async function start(): Promise<Engine> {
  const pack = join(dir, 'pack')
  await cp('rules/packs/retail-bank', pack, { recursive: true })
  if (values.reserve) {
    const file = join(pack, 'placements.yaml')
    const text = await readFile(file, 'utf8')
    const changed = text.replace('{ id: in_app, contact: false }', '{ id: in_app, contact: true }')
    if (changed === text) throw new Error('the pack no longer says what this benchmark changes')
    await writeFile(file, changed)
  }
  const read = readConfig({
    DATA_DIR: join(dir, 'data'),
    PACK: pack,
    SHARD_MODE: values.mode,
    PORT: '0',
    DECISION_DEADLINE_MS: '5000',
  })
  if (read.kind === 'refused') throw new Error(read.problems.join('; '))
  return startEngine({
    config: read.config,
    clock: wallClock,
    completeSince: 0,
    serve: { host: '127.0.0.1', port: 0 },
    history: false,
    logger: createLogger('error', 'stderr'),
  })
}

/** Gives every customer a profile that many offers fit. */
async function fill({ intake, shards }: Engine, customers: number): Promise<void> {
  const step = 5_000
  for (let from = 0; from < customers; from += step) {
    const events = Array.from({ length: Math.min(step, customers - from) }, (_, i) => profile(from + i))
    await intake.submit(
      events.map((event) => ({ kind: 'event' as const, event })),
      'import',
    )
  }
  await shards.drained()
}

function profile(number: number): Event {
  return {
    id: `profile-${number}`,
    source: 'crm',
    type: 'profile.updated',
    customerId: `C${String(number).padStart(7, '0')}`,
    time: Date.now(),
    provenance: { via: 'import', consentId: null },
    data: {
      employmentStatus: 'employed',
      studentStatus: false,
      riskGrade: 'balanced',
      birthDate: Date.UTC(1985, 0, 1),
      totalAssets: 60_000_000,
      currency: 'CNY',
      residenceRegion: null,
      tier: null,
      hasChildren: true,
      cleared: [],
    },
  }
}

async function end(): Promise<void> {
  await engine.stop()
  await rm(dir, { recursive: true, force: true })
  process.exit(0)
}
