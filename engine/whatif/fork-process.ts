/** Processes of simulations: at low priority, with a heap of their own, ended with the engine. */
import { type ChildProcess, fork } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'

/** What a process may take beside its banks' customers: decoded history and the sets of the report. */
export const heapMb = 2_048
/** Room for what is decoded: with less of it the collector copies a slice before it is stepped. */
export const youngMb = 64

/** Starts one. Messages are structured clones, so that numbers without an end survive. */
export function forkSimulation(module: URL): ChildProcess {
  const child = fork(fileURLToPath(module), [], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [`--max-old-space-size=${heapMb}`, `--max-semi-space-size=${youngMb}`],
    serialization: 'advanced',
    // Nothing of the engine's environment is its business.
    env: { TZ: 'UTC' },
  })
  // Raised when it cannot be started or written to; its end tells the same.
  child.on('error', () => undefined)
  try {
    if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It may be gone already, which its end tells.
  }
  return child
}
