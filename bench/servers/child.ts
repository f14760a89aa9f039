/** A module of a benchmark as a process of its own, with its options as JSON and messages both ways. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

export type Child<Message> = {
  readonly pid: number
  /** Called with every message from now on. */
  onMessage(listener: (message: Message) => void): void
  /** The next message that passes; rejects when the process ends before. */
  next(wanted: (message: Message) => boolean): Promise<Message>
  send(message: object | string): void
  /** Tells it to end (`end`) and waits until it has. */
  end(): Promise<void>
  /** kill -9. */
  kill(): Promise<void>
}

const endWithinMs = 30_000

/** Starts a module. It ends with this process (`endWithParent`). */
export function startChild<Message>(module: URL, options: object, execArgv: readonly string[] = []): Child<Message> {
  const child = fork(module.pathname, [JSON.stringify(options)], { execArgv: [...execArgv] })
  const exited = once(child, 'exit')
  const listeners = new Set<(message: Message) => void>()
  child.on('message', (message: Message) => {
    for (const listener of listeners) listener(message)
  })
  return {
    pid: child.pid ?? 0,
    onMessage: (listener) => void listeners.add(listener),
    next: (wanted) => nextOf(child, listeners, wanted, module),
    send: (message) => void child.send(message),
    async end() {
      if (child.connected) child.send('end')
      const late = setTimeout(() => child.kill('SIGKILL'), endWithinMs)
      await exited
      clearTimeout(late)
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

function nextOf<Message>(
  child: ChildProcess,
  listeners: Set<(message: Message) => void>,
  wanted: (message: Message) => boolean,
  module: URL,
): Promise<Message> {
  return new Promise((resolve, reject) => {
    const done = () => {
      listeners.delete(hear)
      child.off('exit', ended)
    }
    const hear = (message: Message) => {
      if (!wanted(message)) return
      done()
      resolve(message)
    }
    const ended = (code: number | null, signal: string | null) => {
      done()
      reject(new Error(`${module.pathname} ended early (${code ?? signal})`))
    }
    listeners.add(hear)
    child.on('exit', ended)
  })
}

/** The options a parent gave, in the child. */
export function childOptions<Options>(): Options {
  const options: Options = JSON.parse(process.argv[2] ?? '{}')
  return options
}

/** In the child: ends on `end`, after `stop`, and at once when the parent is gone. */
export function endWithParent(stop: () => Promise<void>): void {
  process.on('message', (message) => {
    if (message === 'end') void stop().then(() => process.exit(0))
  })
  process.on('disconnect', () => process.exit(0))
}
