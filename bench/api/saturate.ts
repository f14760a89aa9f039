/**
 * A closed-loop HTTP client on raw sockets, run as a child process: N connections, one request in flight on each, for a
 * number of seconds. Prints one JSON object. Closed loops are right for saturation throughput and CPU a request, and wrong for
 * latency under load (the open-model benchmark does that).
 */
import { connect } from 'node:net'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    port: { type: 'string' },
    path: { type: 'string' },
    key: { type: 'string' },
    connections: { type: 'string', default: '64' },
    seconds: { type: 'string', default: '4' },
    warmup: { type: 'string', default: '2' },
    customers: { type: 'string', default: '10000' },
    placement: { type: 'string', default: 'app_home_banner' },
    /** Request ids: `fresh` for each request, or none. */
    ids: { type: 'string', default: 'fresh' },
  },
})

const port = Number(values.port)
const customers = Number(values.customers)
const seconds = Number(values.seconds)
const warmup = Number(values.warmup)
let counting = false
let answered = 0
let failed = 0
let serial = 0

/** Requests differ in customer and request id, all of the same length, so that the server parses each one. */
function request(): string {
  serial += 1
  const customerId = `C${String((serial * 7919) % customers).padStart(7, '0')}`
  const id = values.ids === 'fresh' ? `,"requestId":"r${process.pid}-${serial}"` : ''
  const body = `{"customerId":"${customerId}","placement":"${values.placement}"${id}}`
  return (
    `POST ${values.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${values.key}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  )
}

/** Bytes of the first whole answer in a text, 0 when it is not complete. */
function answerLength(text: string): number {
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return 0
  const match = /content-length: (\d+)/i.exec(text.slice(0, head))
  const length = head + 4 + Number(match?.[1] ?? '0')
  return text.length >= length ? length : 0
}

const sockets = Array.from({ length: Number(values.connections) }, () => {
  const socket = connect(port, '127.0.0.1')
  let pending = ''
  socket.setNoDelay(true)
  socket.on('connect', () => socket.write(request()))
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1')
    const length = answerLength(pending)
    if (length === 0) return
    if (counting) {
      answered += 1
      if (!pending.startsWith('HTTP/1.1 200')) failed += 1
    }
    pending = pending.slice(length)
    socket.write(request())
  })
  socket.on('error', (cause) => {
    process.stderr.write(`${cause.message}\n`)
    process.exit(1)
  })
  return socket
})

setTimeout(() => {
  counting = true
  const startedAt = performance.now()
  process.send?.({ kind: 'begin' })
  setTimeout(() => {
    counting = false
    const elapsed = (performance.now() - startedAt) / 1_000
    process.send?.({ kind: 'end', answered, failed, seconds: elapsed })
    for (const socket of sockets) socket.destroy()
  }, seconds * 1_000)
}, warmup * 1_000)
