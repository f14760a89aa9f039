/** A Redis server for a benchmark, gone with it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type RedisProcess = { readonly url: string; readonly port: number; stop(): Promise<void> }

/**
 * Starts one on a free port; nothing is written to disk, so that its CPU time is that of the commands.
 * @throws Error when `redis-server` is not installed
 */
export async function startRedis(): Promise<RedisProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-bench-'))
  const port = await freePort()
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no']
  const child: ChildProcess = spawn('redis-server', settings, { stdio: 'ignore' })
  await once(child, 'spawn')
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    async stop() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return address !== null && typeof address === 'object' ? address.port : 0
}
