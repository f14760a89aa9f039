/** `proffer init`: set up a DATA_DIR, and say from when on its log is complete. */
import { hostname } from 'node:os'
import { loadPack } from '../../rules/load-pack.ts'
import type { LoadedPack } from '../../rules/model.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import { type Clock, eventClock, wallClock } from '../clock.ts'
import { openLogSide } from '../compose-logs.ts'
import { storeSide } from '../compose-store.ts'
import type { Config } from '../config.ts'
import { openInstallation } from '../installation.ts'
import { takeInstanceLock } from '../store/instance-lock.ts'
import { openStore } from '../store/open-store.ts'
import type { Cluster, Store } from '../store/store.ts'
import { notSince } from './arguments.ts'
import { instant } from './print.ts'

/**
 * Makes the installation; exit code 1 when there is one already (what is known about the past cannot be changed
 * afterwards) or the pack is refused, 2 when it is not said since when the log is complete, or wrongly.
 */
export async function init(
  config: Config,
  options: { readonly completeSince: number | undefined; readonly clock: 'wall' | 'event' },
): Promise<number> {
  const { clock: kind, completeSince } = options
  const wrong = notSince(completeSince, kind, wallClock.now()) ?? (kind === 'event' ? notSaid(completeSince) : null)
  if (wrong !== null) {
    process.stderr.write(`${wrong}\n`)
    return 2
  }
  const loaded = await loadPack(config.PACK)
  if (loaded.kind === 'refused') {
    process.stderr.write(`${formatProblems(loaded.problems, `proffer check ${config.PACK} --all`)}\n`)
    process.stderr.write(`The pack ${config.PACK} is refused, nothing was set up.\n`)
    return 1
  }
  const lock = takeInstanceLock(config.DATA_DIR)
  try {
    const store = openStore((await storeSide(config)).place)
    try {
      if ((await store.cluster()) !== null) {
        process.stderr.write(
          'There is an installation already. Use an empty DATA_DIR (or other prefixes) for another one.\n',
        )
        return 1
      }
      const clock = kind === 'event' ? eventClock(completeSince ?? 0) : wallClock
      const cluster = await found(config, store, { loaded: loaded.pack, clock, completeSince })
      process.stdout.write(
        `${config.DATA_DIR} is set up: ${cluster.partitions} partitions, ${cluster.clock} clock, ` +
          `the log is complete since ${instant(cluster.completeSince)}.\n`,
      )
      return 0
    } finally {
      await store.close()
    }
  } finally {
    lock.release()
  }
}

/** An event clock has no now: without a date its whole past would count as known. */
function notSaid(completeSince: number | undefined): string | null {
  return completeSince === undefined
    ? 'With --clock event say --complete-since, such as the day of the first row. `proffer import` does so by itself at its first rows.'
    : null
}

/** Makes the installation for the log that the settings name. */
async function found(
  config: Config,
  store: Store,
  { loaded, clock, completeSince }: { loaded: LoadedPack; clock: Clock; completeSince: number | undefined },
): Promise<Cluster> {
  const node = config.NODE_NAME ?? hostname()
  const log = await openLogSide({ config, node, addr: () => '', now: () => clock.now() })
  try {
    const { cluster } = await openInstallation(store, loaded, {
      partitions: config.PARTITIONS,
      clock,
      completeSince,
      log,
    })
    return cluster
  } finally {
    await log.close()
  }
}
