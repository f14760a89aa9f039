/** An engine in a process of its own that can be paused, killed and started again on the same port and folder. */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../parts/free-ports.ts'
import { type ServerProcess, startServerProcess } from '../../parts/server-process.ts'

export type EngineNode = Pick<ServerProcess, 'pid' | 'lastWords' | 'kill' | 'restart' | 'died'> & {
  readonly name: string
  /** Where it answers, `http://127.0.0.1:port`, also while it is down. */
  readonly url: string
  /** How it listens to other nodes, `127.0.0.1:port`. */
  readonly addr: string
  /** SIGSTOP: the process stands still as in a very long collection, its connections stay open. */
  pause(): void
  resume(): void
  /** SIGTERM: it lets go of its partitions and ends; its folder stays for `restart`. */
  leave(): Promise<void>
  /** Ends it and removes its folder. */
  remove(): Promise<void>
}

const main = fileURLToPath(new URL('../../../engine/main.ts', import.meta.url))

/**
 * Starts a node with settings and waits until it answers.
 * @throws PartError with the node's last words
 */
export async function startEngineNode(name: string, settings: Readonly<Record<string, string>>): Promise<EngineNode> {
  const dir = await mkdtemp(join(tmpdir(), `proffer-${name}-`))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const server = await startServerProcess({
    name,
    command: process.execPath,
    args: [main, 'serve'],
    env: { ...settings, NODE_NAME: name, DATA_DIR: dir, HOST: '127.0.0.1', PORT: String(port) },
    dir,
    answers: async () => {
      const response = await fetch(`${url}/livez`, { signal: AbortSignal.timeout(1_000) })
      if (!response.ok) throw new Error(`livez answered ${response.status}`)
    },
    startWithinMs: 90_000,
    stopWithinMs: 15_000,
  })
  const signal = (what: NodeJS.Signals): void => {
    const pid = server.pid()
    if (pid !== null) process.kill(pid, what)
  }
  return {
    name,
    url,
    addr: `127.0.0.1:${port}`,
    died: server.died,
    pid: () => server.pid(),
    lastWords: () => server.lastWords(),
    kill: () => server.kill(),
    restart: () => server.restart(),
    pause: () => signal('SIGSTOP'),
    resume: () => signal('SIGCONT'),
    leave: () => server.stop({ keepData: true }),
    remove: async () => {
      // A process that stands still does not hear that it shall end.
      signal('SIGCONT')
      await server.stop()
    },
  }
}
