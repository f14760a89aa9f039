import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'

const ownThreads = '/proc/self/task'

/**
 * From here on this process yields the processor to those of ordinary priority. On Linux a priority is a thread's: each thread that runs by
 * now gets it, and those that they begin have it from them. Elsewhere it is the process's.
 */
export function yieldProcessor(): void {
  const priority = constants.priority.PRIORITY_BELOW_NORMAL
  setPriority(priority)
  if (process.platform !== 'linux') return
  for (const thread of readdirSync(ownThreads)) {
    try {
      setPriority(Number(thread), priority)
    } catch (cause) {
      // It has ended since the folder was read.
      if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_SYSTEM_ERROR')) throw cause
    }
  }
}
