/** Ports for servers that are stopped and started again on the same one. */
import { once } from 'node:events'
import { createServer } from 'node:net'

const least = 10_240
const most = 32_767
const attemptsMax = 100

/**
 * Ports of 127.0.0.1 that nothing listens on, all different, from 10240 to 32767.
 *
 * Below Linux's ephemeral ports on purpose: while a server is down, a connection going out could take its port away, and a
 * client that keeps trying an ephemeral port of its own machine may end up connected to itself.
 *
 * @throws Error when a hundred draws find no free one
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const found = new Set<number>()
  for (let attempt = 0; attempt < attemptsMax + count && found.size < count; attempt++) {
    const port = least + Math.floor(Math.random() * (most - least + 1))
    if (await isFree(port)) found.add(port)
  }
  if (found.size < count) throw new Error(`no ${count} free ports from ${least} to ${most}`)
  return [...found]
}

/** One port as `freePorts` finds them. */
export async function freePort(): Promise<number> {
  const [port = 0] = await freePorts(1)
  return port
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
