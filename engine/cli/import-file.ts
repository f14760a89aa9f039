/** `proffer import FILE --mapping M.yaml`: rows become events, each once. */
import { join } from 'node:path'
import type { Event } from '../../ingest/event.ts'
import { runImport } from '../../ingest/import/command.ts'
import type { RowOutcome } from '../../ingest/import/ledger.ts'
import { type EventClock, eventClock, wallClock } from '../clock.ts'
import { type Engine, startEngine } from '../compose.ts'
import type { Config } from '../config.ts'
import { createLogger } from '../log.ts'
import { notSince } from './arguments.ts'
import { ClientError } from './client.ts'
import { asInForce, runningEngine } from './session.ts'
import { stopSignal } from './stop-signal.ts'
import { submitOverHttp } from './submit-events.ts'

export type ImportFlags = {
  readonly file: string
  readonly mapping: string
  readonly clock: 'wall' | 'event'
  /** The log is complete from here on; absent: from the first row (event clock), from now (wall clock). */
  readonly completeSince: number | undefined
  readonly json: boolean
}

/** Rows wait this long for their commit before the import gives up. */
const commitWithinMs = 60_000

/**
 * Imports a file; exit code 0 when it went through (rejected rows are kept and told), 1 when a mapping is refused, 2 when the log is
 * said to be complete since an instant that lies ahead.
 */
export async function importFile(config: Config, flags: ImportFlags): Promise<number> {
  const wrong = notSince(flags.completeSince, flags.clock, wallClock.now())
  if (wrong !== null) {
    process.stderr.write(`${wrong}\n`)
    return 2
  }
  const running = await runningEngine(config)
  if (running !== null && flags.clock === 'event')
    throw new ClientError(
      'An engine runs already. An import on the event clock needs a DATA_DIR of its own: set DATA_DIR to a new folder and unset ENGINE_URL.',
    )
  const signal = stopSignal()
  const door = running === null ? ownEngine(config, flags) : submitOverHttp(running, config.EVENTS_MAX)
  try {
    const result = await runImport({
      inputs: [{ file: flags.file, mapping: flags.mapping }],
      directory: join(config.DATA_DIR, 'import'),
      clock: flags.clock,
      advanceClock: door.advanceClock,
      submit: door.submit,
      progress: process.stderr.isTTY
        ? { write: (text) => void process.stderr.write(text), now: () => performance.now() }
        : null,
      signal,
    })
    if (result.kind === 'refused') {
      for (const { file, line, reason } of result.problems) process.stderr.write(`${file}:${line} ${reason}\n`)
      return 1
    }
    const { summary } = result
    const outcome = await door.outcome()
    if (flags.json) {
      process.stdout.write(`${JSON.stringify({ ...summary, ...outcome })}\n`)
    } else {
      const { rows, accepted, rejected, duplicates } = summary
      process.stdout.write(`${rows} rows: ${accepted} accepted, ${rejected} rejected, ${duplicates} duplicates\n`)
      for (const [reason, count] of Object.entries(summary.rejectedBy)) process.stdout.write(`  ${reason}: ${count}\n`)
      if (rejected > 0)
        process.stdout.write(`Rejected rows with line and reason are in ${join(config.DATA_DIR, 'import')}\n`)
      if (outcome !== null) process.stdout.write(`${outcome.decisions} decisions so far in this DATA_DIR\n`)
      if (summary.interrupted) process.stdout.write('Interrupted; the same command goes on where it stopped.\n')
    }
    return summary.interrupted ? 130 : 0
  } finally {
    await door.close()
  }
}

/** Where an import hands its events in. */
export type Door = {
  readonly submit: (events: readonly Event[]) => Promise<readonly RowOutcome[]>
  readonly advanceClock: (toMs: number) => void
  /** Totals of the installation after the import; null when it is another process's. */
  outcome(): Promise<{ readonly decisions: number } | null>
  close(): Promise<void>
}

/** An engine in this process, started with the first rows: they say from when on the log of an event clock is complete. */
function ownEngine(config: Config, flags: ImportFlags): Door {
  let engine: Engine | null = null
  let clock: EventClock | null = null
  let pendingClockMs = 0
  const open = async (first: Event): Promise<Engine> => {
    clock = flags.clock === 'event' ? eventClock(first.time) : null
    engine = await startEngine({
      config: asInForce(config),
      clock: clock ?? wallClock,
      completeSince: flags.completeSince ?? (clock === null ? undefined : first.time),
      serve: null,
      history: false,
      logger: createLogger('silent', 'stderr'),
    })
    return engine
  }
  return {
    submit: async (events) => {
      const [first] = events
      if (first === undefined) return []
      const { intake, shards } = engine ?? (await open(first))
      clock?.advance(pendingClockMs)
      const results = await intake.submit(
        events.map((event) => ({
          kind: 'event' as const,
          event,
          ...(clock === null ? {} : { appendTime: event.time }),
        })),
        'import',
      )
      const deadlineAt = (clock ?? wallClock).now() + commitWithinMs
      return Promise.all(
        results.map(async (result): Promise<RowOutcome> => {
          if (result.kind === 'rejected') return result.reason
          const applied = await shards.applied(result, deadlineAt)
          if (applied === null)
            throw new ClientError('The rows are in the log but were not committed in time. Run the same command again.')
          return applied
        }),
      )
    },
    advanceClock: (toMs) => {
      pendingClockMs = toMs
    },
    outcome: async () => (engine === null ? null : { decisions: (await engine.shards.totals()).decisions }),
    close: async () => engine?.stop(),
  }
}
