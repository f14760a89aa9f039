/**
 * The load generator, a process of its own. Events leave by a schedule that nothing delays: what the receiver or this
 * process holds up is sent late, with the instant it was due, so that waiting counts as latency.
 *
 * Arguments: socket path, then the stream's options as JSON. Messages: `{ rate, events, startAt }` starts a run, `stop` cuts
 * it short; the run's `Lateness` comes back.
 */
import { createServer, type Socket } from 'node:net'
import { partitionOf } from '../../ingest/partition.ts'
import { createStream, maxEventBytes, type StreamOptions, streamCustomerId } from '../workload/stream.ts'
import { sharedNow } from './gc-watch.ts'
import { headBytes, writeHead } from './wire.ts'

/** A run of the generator. */
export type RunOrder = {
  /** Events a second. */
  readonly rate: number
  readonly events: number
  /** When the first event is due, ms of the shared clock. */
  readonly startAt: number
}

/** What the generator says about a run: how late events left it, milliseconds behind their schedule. */
export type Lateness = { readonly sent: number; readonly p50: number; readonly p99: number; readonly max: number }

export type GeneratorOptions = { readonly stream: StreamOptions; readonly partitions: number }

const tickMs = 1
/** Most events of one write. */
const burst = 4_096

function main(path: string, { stream: streamOptions, partitions }: GeneratorOptions): void {
  const stream = createStream(streamOptions)
  const memory = new Uint8Array(burst * (headBytes + maxEventBytes))
  const view = new DataView(memory.buffer)
  let socket: Socket | null = null
  let blocked = false
  let order: RunOrder | null = null
  let sent = 0
  let lateness = new Float32Array()

  function tick(): void {
    if (order === null || socket === null) return
    if (!blocked) sendDue(socket, order)
    if (sent < order.events) {
      setTimeout(tick, tickMs)
      return
    }
    finish()
  }

  function sendDue(to: Socket, { rate, events, startAt }: RunOrder): void {
    const now = sharedNow()
    const due = Math.min(events, Math.floor(((now - startAt) * rate) / 1_000) + 1, sent + burst)
    let at = 0
    for (; sent < due; sent++) {
      stream.next()
      const scheduledAt = startAt + (sent * 1_000) / rate
      const length = stream.write(memory, at + headBytes)
      const { customer } = stream
      const partition = partitionOf(streamCustomerId(customer), partitions)
      writeHead(view, at, { scheduledAt, eventTime: stream.time, customer }, partition, length)
      at += headBytes + length
      lateness[sent] = now - scheduledAt
    }
    // The socket keeps what it is given until it is written.
    if (at > 0) blocked = !to.write(memory.slice(0, at))
  }

  function finish(): void {
    const sorted = lateness.subarray(0, sent).sort()
    const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sent) - 1)] ?? 0
    process.send?.({ sent, p50: at(0.5), p99: at(0.99), max: at(1) } satisfies Lateness)
    order = null
  }

  createServer((accepted) => {
    socket = accepted
    accepted.on('drain', () => {
      blocked = false
    })
    accepted.on('error', () => process.exit(0))
    accepted.on('close', () => process.exit(0))
  }).listen(path, () => process.send?.('ready'))
  process.on('disconnect', () => process.exit(0))
  process.on('message', (message: RunOrder | 'stop') => {
    if (message === 'stop') {
      if (order !== null) finish()
      return
    }
    order = message
    sent = 0
    lateness = new Float32Array(message.events)
    setTimeout(tick, Math.max(0, message.startAt - sharedNow()))
  })
}

const [, file, path, options] = process.argv
if (file === import.meta.filename && path !== undefined && options !== undefined) {
  const parsed: GeneratorOptions = JSON.parse(options)
  main(path, parsed)
}
