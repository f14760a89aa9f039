import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A TCP proxy on loopback that can lose the answers of the server, or the connections. */
export type MutingProxy = {
  readonly port: number
  /** While set, what the server says is lost; what clients say arrives. */
  mute(on: boolean): void
  /** Loses the next answer and the connection with it. */
  loseNextAnswer(): void
  close(): Promise<void>
}

export async function startMutingProxy(target: number): Promise<MutingProxy> {
  const sockets = new Set<Socket>()
  let muted = false
  let losing = false
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
    client.on('data', (data) => upstream.write(data))
    upstream.on('data', (data) => {
      if (losing) {
        losing = false
        client.destroy()
      } else if (!muted) {
        client.write(data)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a server on a port')
  return {
    port: address.port,
    mute(on) {
      muted = on
    },
    loseNextAnswer() {
      losing = true
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
