/** A server in a process of its own, on a port and a folder that it keeps over restarts. */
import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, PartError } from './part-error.ts'
import { startTethered, type TetheredProcess } from './tethered-process.ts'

/** What every real part can do. It ends with the process that started it, also when that one is killed. */
export type ServerProcess = {
  /** Of the server; null while it is down. */
  pid(): number | null
  /** Its folder; gone after a `stop` without `keepData`. */
  readonly dir: string
  /** The last lines it wrote, at most 8 KB. */
  lastWords(): string
  /** Resolves with what it said last when the server ends without being told to. */
  readonly died: Promise<string>
  /** kill -9. The data stays for `restart`. */
  kill(): Promise<void>
  /** Ends it. Without `keepData` the folder goes too; with it the server ends in order first, and `restart` goes on. */
  stop(options?: { readonly keepData?: boolean }): Promise<void>
  /** Starts it on the same port and the same data, and waits until it answers; ends it first (in order) when it runs. */
  restart(): Promise<void>
}

export type ServerPlan = {
  /** For messages. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Folder of the server's own, made by the caller. */
  readonly dir: string
  /** Rejects as long as the server does not answer. */
  readonly answers: () => Promise<void>
  readonly startWithinMs: number
  readonly stopWithinMs: number
}

const askEveryMs = 50

/**
 * Starts a server and waits until it answers.
 * @throws PartError `part_failed` when it ends or does not answer in time; its folder is removed then
 */
export async function startServerProcess(plan: ServerPlan): Promise<ServerProcess> {
  let told = false
  const death = Promise.withResolvers<string>()
  const launch = async (): Promise<TetheredProcess> => {
    const { PATH = '', HOME = '', TMPDIR = '/tmp', LANG = 'C.UTF-8', JAVA_HOME = '' } = process.env
    const env = { PATH, HOME, TMPDIR, LANG, ...(JAVA_HOME === '' ? {} : { JAVA_HOME }), ...plan.env }
    const started = startTethered({ command: plan.command, args: plan.args, env, removeWithUs: plan.dir })
    await untilItAnswers(plan, started)
    told = false
    started.ended
      .then(() => {
        if (!told) death.resolve(`${plan.name} ended by itself: ${started.lastWords()}`)
      })
      .catch(death.reject)
    return started
  }
  const remove = () => rm(plan.dir, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  let running: TetheredProcess
  try {
    running = await launch()
  } catch (cause) {
    await remove()
    throw cause
  }
  const end = async (deadlineMs: number) => {
    told = true
    await running.end(deadlineMs)
  }
  return {
    pid: () => (running.isRunning() ? running.pid : null),
    dir: plan.dir,
    died: death.promise,
    lastWords: () => running.lastWords(),
    kill: () => end(0),
    async stop({ keepData = false } = {}) {
      await end(keepData ? plan.stopWithinMs : 0)
      if (!keepData) await remove()
    },
    async restart() {
      await end(plan.stopWithinMs)
      running = await launch()
    },
  }
}

async function untilItAnswers(plan: ServerPlan, started: TetheredProcess): Promise<void> {
  const until = performance.now() + plan.startWithinMs
  for (;;) {
    try {
      return await plan.answers()
    } catch (cause) {
      const late = performance.now() > until
      if (started.isRunning() && !late) {
        await sleep(askEveryMs)
        continue
      }
      await started.end(0)
      const what = late
        ? `does not answer within ${plan.startWithinMs / 1_000} s (${messageOf(cause)})`
        : 'does not start'
      throw new PartError('part_failed', `${plan.name} ${what}: ${started.lastWords()}`, cause)
    }
  }
}
