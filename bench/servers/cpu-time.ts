/** CPU time of processes and threads of this machine, as Linux accounts for it. */
import { readdirSync, readFileSync } from 'node:fs'

/** Seconds of CPU since the process began, user and system, ended threads included; 10 ms steps. */
export function processSeconds(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  // The name in brackets may hold anything; fields count from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksASecond
}

/** `USER_HZ`: 100 on every Linux that Node runs on. */
const ticksASecond = 100

/** Seconds of CPU that all processes of the machine used since it started. */
function machineSeconds(): number {
  const fields = readFileSync('/proc/stat', 'utf8').split('\n')[0]?.split(/\s+/).slice(1).map(Number) ?? []
  const [user = 0, nice = 0, system = 0, , , irq = 0, softIrq = 0] = fields
  return (user + nice + system + irq + softIrq) / ticksASecond
}

/** Seconds of CPU of each thread that runs now, by thread id; the main thread has the id of the process. */
export function threadSeconds(pid: number): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>()
  for (const name of readdirSync(`/proc/${pid}/task`)) {
    try {
      const text = readFileSync(`/proc/${pid}/task/${name}/schedstat`, 'utf8')
      seconds.set(Number(name), Number(text.split(' ')[0]) / 1e9)
    } catch {
      // It ended between the two looks.
    }
  }
  return seconds
}

/** Of a Node process with one worker thread: the main thread, the busiest other one, and all the rest. */
export type ThreadShares = { readonly main: number; readonly worker: number; readonly rest: number }

/** What the threads of a process used between two looks, in seconds. */
export function threadShares(
  pid: number,
  before: ReadonlyMap<number, number>,
  after: ReadonlyMap<number, number>,
): ThreadShares {
  const used = (id: number) => (after.get(id) ?? 0) - (before.get(id) ?? 0)
  const others = [...after.keys()].filter((id) => id !== pid).map(used)
  const worker = Math.max(0, ...others)
  return { main: used(pid), worker, rest: others.reduce((sum, one) => sum + one, 0) - worker }
}

/**
 * Watches what everything but these processes takes of the machine. The function that it returns says how many cores that was on
 * average. All of them have to be running still; null: one of another machine.
 */
export function watchOthers(pids: readonly (number | null)[]): () => number {
  const known = pids.flatMap((pid) => (pid === null ? [] : [pid]))
  const others = () => machineSeconds() - known.reduce((sum, pid) => sum + processSeconds(pid), 0)
  const [before, startedAt] = [others(), performance.now()]
  return () => Math.max(0, ((others() - before) * 1_000) / (performance.now() - startedAt))
}
