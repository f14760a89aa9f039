/**
 * The control of the API benchmark: uWebSockets.js that reads a body and sends a fixed answer of the same size, nothing else.
 * A child process; says its port, answers `cpu` with its CPU time.
 */
import { App, us_socket_local_port } from 'uWebSockets.js'

const body = 'x'.repeat(Number(process.argv[2] ?? '500'))

App()
  .post('/v1/decisions', (res) => {
    res.onAborted(() => undefined)
    res.onData((_chunk, isLast) => {
      if (isLast) res.cork(() => res.writeHeader('Content-Type', 'application/json').end(body))
    })
  })
  .listen('127.0.0.1', 0, (socket) => {
    if (socket === false) process.exit(1)
    process.send?.({ kind: 'port', port: us_socket_local_port(socket) })
  })

process.on('message', (message) => {
  if (message === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send?.({ kind: 'cpu', microseconds: user + system })
  } else process.exit(0)
})
