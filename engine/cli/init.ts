/** `proffer init`: set up a DATA_DIR, and say from when on its log is complete. */
import { loadPack } from '../../rules/load-pack.ts'
import { formatProblems } from '../../rules/pack-problem.ts'
import { eventClock, wallClock } from '../clock.ts'
import { openStore } from '../compose.ts'
import type { Config } from '../config.ts'
import { openInstallation } from '../installation.ts'
import { takeInstanceLock } from '../store/instance-lock.ts'
import { instant } from './print.ts'

/**
 * Makes the installation; exit code 1 when there is one already (what is known about the past cannot be changed
 * afterwards) or the pack is refused.
 */
export async function init(
  config: Config,
  options: { readonly completeSince: number | undefined; readonly clock: 'wall' | 'event' },
): Promise<number> {
  const loaded = await loadPack(config.PACK)
  if (loaded.kind === 'refused') {
    process.stderr.write(`${formatProblems(loaded.problems)}\n`)
    return 1
  }
  const lock = takeInstanceLock(config.DATA_DIR)
  try {
    const store = openStore(config)
    try {
      if ((await store.cluster()) !== null) {
        process.stderr.write(`${config.DATA_DIR} is set up already. Use an empty folder for another installation.\n`)
        return 1
      }
      const clock = options.clock === 'event' ? eventClock(options.completeSince ?? 0) : wallClock
      const { cluster } = await openInstallation(store, loaded.pack, {
        partitions: config.PARTITIONS,
        clock,
        completeSince: options.completeSince,
      })
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
