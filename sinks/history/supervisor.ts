/** Keeps the history process alive: starts it, hears it, starts it again with growing pauses when it dies. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { backoffMs } from '../../ingest/backoff.ts'
import { type FromHistory, fromHistory, type StartMessage, type ToHistory } from './messages.ts'
import type { PackStart } from './pack-facts.ts'

export type Supervisor = {
  /** Sends a message to the process that runs now; false when none does. */
  send(message: ToHistory): boolean
  /** Tells the process, and those that replace it, of the pack in force. */
  tellPack(pack: PackStart): void
  restarts(): number
  /** Ends the process and starts no other; by force after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>
}

export type SupervisorEvents = {
  onMessage(message: FromHistory): void
  /** The process has ended; another will be started unless it said that this would be in vain. */
  onExit(exit: { readonly final: boolean; readonly sentence: string }): void
}

const retry = { firstMs: 300, mostMs: 30_000, salt: 'history-supervisor' }
/** A process that lived this long was well: the pauses begin anew. */
const healthyMs = 60_000

/** Starts the first process at once. */
export function supervise(first: StartMessage, events: SupervisorEvents): Supervisor {
  let start = first
  let child: ChildProcess | null = null
  let restarts = 0
  let attempt = 0
  let timer: NodeJS.Timeout | null = null
  let stopped = false

  function launch(): void {
    const startedAt = performance.now()
    let last: Extract<FromHistory, { kind: 'failed' }> | null = null
    const started = fork(fileURLToPath(new URL('process.ts', import.meta.url)), [], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      execArgv: [],
      // Nothing of the engine's environment is its business; chDB runs statements on libuv's threads.
      env: { UV_THREADPOOL_SIZE: '8', TZ: 'UTC' },
    })
    child = started
    started.on('message', (raw) => {
      const message = fromHistory.safeParse(raw)
      if (!message.success) return
      if (message.data.kind === 'failed') last = message.data
      events.onMessage(message.data)
    })
    started.on('error', () => undefined)
    started.once('close', (code, signal) => {
      if (child === started) child = null
      if (stopped) return
      const final = last?.final ?? false
      events.onExit({ final, sentence: last?.sentence ?? `the history process ended (${signal ?? `code ${code}`})` })
      if (final) return
      attempt = performance.now() - startedAt > healthyMs ? 1 : attempt + 1
      timer = setTimeout(
        () => {
          restarts++
          launch()
        },
        backoffMs(attempt, retry),
      )
    })
    started.send(start, () => undefined)
  }

  function send(message: ToHistory): boolean {
    if (child === null || !child.connected) return false
    child.send(message, () => undefined)
    return true
  }

  launch()
  return {
    send,
    tellPack(pack) {
      start = { ...start, pack }
      send({ kind: 'pack', pack })
    },
    restarts: () => restarts,
    async stop(deadlineMs) {
      stopped = true
      if (timer !== null) clearTimeout(timer)
      const running = child
      if (running === null || running.exitCode !== null || running.signalCode !== null) return
      const ended = new Promise<void>((resolve) => running.once('close', () => resolve()))
      if (running.connected) running.send({ kind: 'stop' } satisfies ToHistory, () => undefined)
      const force = setTimeout(() => running.kill('SIGKILL'), deadlineMs)
      await ended
      clearTimeout(force)
    },
  }
}
