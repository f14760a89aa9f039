/** Looks at the engine several times a second while the day goes on, and shows what it sees. */
import { performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../../engine/clock.ts'
import type { Engine } from '../../engine/compose.ts'
import { dashboard, type Snapshot } from './dashboard.ts'
import type { DecisionsFollower } from './follow-decisions.ts'
import type { LatencyMeter } from './latency.ts'
import { clockWords, type StoryTeller } from './story-teller.ts'
import type { Tally } from './tally.ts'
import type { Terminal } from './terminal.ts'
import { milliseconds, whole } from './text-lines.ts'

export type WatchOptions = {
  readonly engine: Pick<Engine, 'intake' | 'shards'>
  readonly clock: Clock
  readonly zone: string
  readonly dayStartMs: number
  /** How many events will be received in all. */
  readonly expected: number
  readonly follower: DecisionsFollower
  readonly tally: Tally
  readonly teller: StoryTeller
  readonly meter: LatencyMeter
  readonly terminal: Terminal
}

export type Watch = {
  /** Rejects when the engine cannot be read; never resolves before `finish`. */
  readonly running: Promise<void>
  /** Reads and tells what is left, once the engine has published everything, and removes the panel. */
  finish(): Promise<void>
}

const everyMs = 200
/** Between two progress lines where there is no panel. */
const progressEveryMs = 5_000

/** Begins to watch. The engine must not be stopped before `finish` resolved. */
export function watch(options: WatchOptions): Watch {
  const { terminal } = options
  const ending = new AbortController()
  const pace = createPace()
  let progressAt = performance.now()

  async function look(): Promise<void> {
    const { engine, follower, teller } = options
    // First how far each partition has published, then what was published: nothing of it can be missed.
    const partitions = await engine.shards.partitions()
    while ((await follower.poll()) > 0) await sleep(0)
    terminal.print(teller.tell(partitions, terminal.width()))
  }

  async function run(): Promise<void> {
    while (!ending.signal.aborted) {
      await look()
      const now = await snapshot(options, pace)
      if (terminal.live) {
        const size = { width: terminal.width(), height: terminal.height() }
        terminal.panel(dashboard(now, size, terminal.paint))
      } else if (performance.now() - progressAt >= progressEveryMs) {
        progressAt = performance.now()
        terminal.print([progressLine(now)])
      }
      await sleep(everyMs, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    running,
    async finish() {
      ending.abort()
      await running
      await look()
      terminal.panel([])
    },
  }
}

async function snapshot(options: WatchOptions, pace: Pace): Promise<Snapshot> {
  const { engine, clock, zone, dayStartMs, expected, tally, meter } = options
  const { received, rejected } = engine.intake.counters()
  const { duplicates, deadLettered } = await engine.shards.totals()
  const refused = Object.values(rejected).reduce((sum, count) => sum + count, 0)
  const at = clock.now()
  return {
    clock: clockWords(at, zone),
    minute: Math.min(1440, Math.max(0, Math.floor((at - dayStartMs) / 60_000))),
    received,
    expected,
    ...pace(received),
    deadLettered: refused + deadLettered,
    duplicates,
    tally: tally.view(),
    latency: meter.figures().all,
    recentMaxMs: meter.recentMaxMs(),
  }
}

function progressLine(now: Snapshot): string {
  const { latency, tally } = now
  const p50 = milliseconds(latency.p50)
  return (
    `${now.clock}  . ${whole(now.received)} events (${whole(now.perSecond)}/s), ${whole(tally.decisions)} decisions ` +
    `(p50 ${p50} ms, p99 ${milliseconds(latency.p99)} ms), ${whole(now.deadLettered)} dead letters`
  )
}

type Pace = (received: number) => { readonly perSecond: number; readonly perSecondMax: number }

/** Events a second over the last second, and the highest of these. */
function createPace(): Pace {
  const seen: { readonly at: number; readonly received: number }[] = []
  let perSecondMax = 0
  return (received) => {
    const at = performance.now()
    seen.push({ at, received })
    while (seen[1] !== undefined && at - seen[1].at >= 1_000) seen.shift()
    const first = seen[0]
    if (first === undefined || at - first.at < 900) return { perSecond: 0, perSecondMax }
    const perSecond = ((received - first.received) / (at - first.at)) * 1000
    perSecondMax = Math.max(perSecondMax, perSecond)
    return { perSecond, perSecondMax }
  }
}
