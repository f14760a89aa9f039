/** A TCP proxy before any part, whose faults are switched on and off while connections are open. It understands no protocol. */
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './free-ports.ts'

/** Picks the bytes that a one-time fault waits for: a piece of what a client sent, as it came off the socket. */
export type Picker = (bytes: Buffer) => boolean

export type Recording = {
  /** What clients sent since the recording began, in order, of all connections. */
  bytes(): Buffer
  /** False when more came than the bound: then the rest was forwarded but not kept. */
  isWhole(): boolean
  stop(): void
}

export type TcpProxy = {
  /** Listens on 127.0.0.1. */
  readonly port: number
  connections(): number
  /** New connections lead to another port of the target's host; those that are open stay. */
  lead(port: number): void
  /** Lets everything through again, what `stall` held first. The state at the start. */
  pass(): void
  /** Cuts all connections, and each new one as soon as it is made. */
  refuse(): void
  /** Keeps connections open and moves nothing; TCP then holds the senders back. */
  stall(): void
  /** Each piece leaves after `ms` (up to twice as late when pieces follow one another), in both directions. */
  delay(ms: number): void
  /**
   * Once: of the next picked piece the first `bytes` reach the server, then that connection is cut. 0 cuts before the server
   * sees any of it. Resolves when it has happened; stays armed until then.
   */
  cutRequest(options: { readonly bytes: number; readonly when?: Picker }): Promise<void>
  /**
   * Once: the next picked piece, and what the client sends behind it, reaches the server; nothing more reaches the client, and
   * the connection is cut when the server begins to answer. Resolves then; stays armed until then.
   */
  loseReply(options?: { readonly when?: Picker }): Promise<void>
  /** Keeps what clients send, up to 16 MiB. */
  record(): Recording
  /**
   * Sends bytes to the server over a connection of their own, past all faults.
   * @returns what the server answered until it closed, was silent for 200 ms, or had not begun after 10 s
   */
  replay(bytes: Uint8Array): Promise<Buffer>
  /** Cuts everything and stops listening. */
  close(): Promise<void>
}

export type TcpProxyOptions = {
  readonly target: { readonly host: string; readonly port: number }
  /** A free one when absent. */
  readonly port?: number
}

type Mode = { readonly kind: 'pass' | 'refuse' | 'stall' } | { readonly kind: 'delay'; readonly ms: number }
type Fault = { readonly kind: 'cut'; readonly bytes: number } | { readonly kind: 'lose_reply' }
type Armed = { readonly fault: Fault; readonly when: Picker; done(): void }
type Pair = { readonly client: Socket; readonly server: Socket; losing: Armed | null }

const recordedBytesMax = 16 * 1024 * 1024
/** A reply is over when nothing more came for so long; a busy server takes much longer to begin one. */
const silenceMs = 200
const firstByteMs = 10_000
/** How long a server may take to end a connection that is cut. */
const lingerMs = 1_000

/** Starts a proxy; resolves when it listens. */
export async function startTcpProxy({ target, port }: TcpProxyOptions): Promise<TcpProxy> {
  const pairs = new Set<Pair>()
  const armed: Armed[] = []
  const recordings = new Set<(bytes: Buffer) => void>()
  let mode: Mode = { kind: 'pass' }
  let leadsTo = target
  let changed = Promise.withResolvers<void>()

  function turn(next: Mode): void {
    mode = next
    changed.resolve()
    changed = Promise.withResolvers<void>()
    if (mode.kind === 'refuse') for (const pair of pairs) cut(pair)
  }

  async function permission(): Promise<void> {
    if (mode.kind === 'delay') await sleep(mode.ms)
    while (mode.kind === 'stall') await changed.promise
  }

  function arm(fault: Fault, when: Picker = () => true): Promise<void> {
    return new Promise((resolve) => armed.push({ fault, when, done: resolve }))
  }

  async function forwardRequests(pair: Pair): Promise<void> {
    for await (const piece of pair.client) {
      const bytes: Buffer = piece
      if (pair.server.connecting) await once(pair.server, 'connect')
      await permission()
      for (const keep of recordings) keep(bytes)
      const at = armed.findIndex(({ when }) => when(bytes))
      const [hit] = at === -1 ? [] : armed.splice(at, 1)
      if (hit?.fault.kind === 'cut') {
        if (hit.fault.bytes > 0) pair.server.write(bytes.subarray(0, hit.fault.bytes))
        cut(pair)
        return hit.done()
      }
      if (hit !== undefined) pair.losing = hit
      if (!pair.server.write(bytes)) await once(pair.server, 'drain')
    }
    pair.server.end()
  }

  async function forwardReplies(pair: Pair): Promise<void> {
    // Leaving the loop must not destroy the socket, as `cut` ends it in order.
    for await (const bytes of pair.server.iterator({ destroyOnReturn: false })) {
      await permission()
      if (pair.losing !== null) {
        cut(pair)
        return pair.losing.done()
      }
      if (!pair.client.write(bytes)) await once(pair.client, 'drain')
    }
    pair.client.end()
  }

  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (mode.kind === 'refuse') return void client.resetAndDestroy()
    const server = connect({ ...leadsTo, allowHalfOpen: true, noDelay: true })
    const pair: Pair = { client, server, losing: null }
    pairs.add(pair)
    // Either side may break off at any time: that ends both, and is no failure of the proxy.
    const over = () => cut(pair)
    for (const socket of [client, server]) socket.on('error', over)
    Promise.all([forwardRequests(pair), forwardReplies(pair)])
      .catch(over)
      .finally(() => pairs.delete(pair))
  })
  listener.listen(port ?? (await freePort()), '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()

  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    connections: () => pairs.size,
    lead(port) {
      leadsTo = { ...target, port }
    },
    pass: () => turn({ kind: 'pass' }),
    refuse: () => turn({ kind: 'refuse' }),
    stall: () => turn({ kind: 'stall' }),
    delay: (ms) => turn({ kind: 'delay', ms }),
    cutRequest: ({ bytes, when }) => arm({ kind: 'cut', bytes }, when),
    loseReply: ({ when } = {}) => arm({ kind: 'lose_reply' }, when),
    record: () => record(recordings),
    replay: (bytes) => replay(leadsTo, bytes),
    async close() {
      turn({ kind: 'refuse' })
      listener.close()
      await once(listener, 'close')
    },
  }
}

/** The client sees a reset; the server an orderly end, so that it still reads and does all that was forwarded. */
function cut({ client, server }: Pair): void {
  client.resetAndDestroy()
  if (server.connecting) return void server.destroy()
  server.end()
  server.resume()
  const give = setTimeout(() => server.destroy(), lingerMs)
  server.once('close', () => clearTimeout(give))
}

function record(recordings: Set<(bytes: Buffer) => void>): Recording {
  const pieces: Buffer[] = []
  let size = 0
  let whole = true
  const keep = (bytes: Buffer) => {
    if (size + bytes.length > recordedBytesMax) whole = false
    if (!whole) return
    size += bytes.length
    pieces.push(Buffer.from(bytes))
  }
  recordings.add(keep)
  return { bytes: () => Buffer.concat(pieces), isWhole: () => whole, stop: () => void recordings.delete(keep) }
}

function replay(target: TcpProxyOptions['target'], bytes: Uint8Array): Promise<Buffer> {
  const socket = connect(target)
  const pieces: Buffer[] = []
  return new Promise((resolve, reject) => {
    socket.on('data', (piece) => {
      pieces.push(piece)
      socket.setTimeout(silenceMs)
    })
    socket.setTimeout(firstByteMs, () => socket.destroy())
    socket.once('error', reject)
    socket.once('close', () => resolve(Buffer.concat(pieces)))
    socket.write(bytes)
  })
}
