import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** What happens to the next commit that passes a wire. */
export type WireFault = 'none' | 'cut_before' | 'cut_after' | 'lose_reply'

/** A wire between a store and a server, on an address of its own, that can break at the worst moment or lead elsewhere. */
export class Wire {
  /** For the next write; then `none` again. */
  next: WireFault = 'none'
  /** Bytes of the writes that passed, oldest first. */
  readonly passed: Buffer[] = []
  #port: number
  #own = 0
  readonly #server = createServer((client) => this.#join(client))
  /** Open connections of the store, oldest first. */
  #clients: Socket[] = []

  private constructor(port: number) {
    this.#port = port
  }

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port)
    wire.#server.listen(0, '127.0.0.1')
    await once(wire.#server, 'listening')
    const address = wire.#server.address()
    wire.#own = address !== null && typeof address === 'object' ? address.port : 0
    return wire
  }

  get url(): string {
    return `redis://127.0.0.1:${this.#own}`
  }

  /** New connections lead to another server; those that are up stay. */
  lead(port: number): void {
    this.#port = port
  }

  /** Breaks connections of the store, all of them or those opened after the first `keep`. */
  cut(keep = 0): void {
    for (const client of this.#clients.slice(keep)) client.destroy()
  }

  /** How many connections of the store are open. */
  get open(): number {
    return this.#clients.length
  }

  stop(): void {
    this.cut()
    this.#server.close()
  }

  #join(client: Socket): void {
    const server = connect(this.#port, '127.0.0.1')
    this.#clients.push(client)
    let deaf = false
    client.on('data', (bytes: Buffer) => {
      if (!bytes.includes('EVALSHA')) return void server.write(bytes)
      const fault = this.next
      this.next = 'none'
      if (fault === 'cut_before') return void client.destroy()
      this.passed.push(bytes)
      deaf = deaf || fault !== 'none'
      server.write(bytes, () => {
        if (fault === 'cut_after') server.once('data', () => client.destroy())
      })
    })
    server.on('data', (bytes: Buffer) => {
      if (!deaf) client.write(bytes)
    })
    const end = () => {
      this.#clients = this.#clients.filter((one) => one !== client)
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      socket.on('error', end)
      socket.on('close', end)
    }
  }
}
