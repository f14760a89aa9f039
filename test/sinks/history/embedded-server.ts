/** Starts a ClickHouse server for tests in a process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export type Server = { readonly url: string; readonly key: string; dispose(): Promise<void> }

export async function startServer(dir: string): Promise<Server> {
  const key = 'a key for tests only'
  const file = fileURLToPath(new URL('embedded-server-child.ts', import.meta.url))
  const child = fork(file, [join(dir, 'server'), key], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [url] = await once(child, 'message')
  return {
    url: String(url),
    key,
    async dispose() {
      child.kill('SIGKILL')
      await once(child, 'close')
    },
  }
}
