/** The fault proxy before a server that counts what reaches it and answers each line with its upper case. */
import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startTcpProxy, type TcpProxy } from '../../../bench/parts/tcp-proxy.ts'

let server: Server
let proxy: TcpProxy
let reached: string
const clients: Socket[] = []

beforeEach(async () => {
  reached = ''
  server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    socket.setEncoding('utf8')
    let line = ''
    socket.on('data', (text: string) => {
      reached += text
      line += text
      if (!line.endsWith('\n')) return
      socket.write(line.toUpperCase())
      line = ''
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  proxy = await startTcpProxy({ target: { host: '127.0.0.1', port } })
})
afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  await proxy.close()
  server.close()
  await once(server, 'close')
})

type Client = { say(text: string): void; heard(): string; closed(): boolean }

function dial(): Client {
  const socket = connect(proxy.port, '127.0.0.1')
  clients.push(socket)
  let heard = ''
  let closed = false
  socket.on('error', () => undefined)
  socket.on('close', () => {
    closed = true
  })
  socket.setEncoding('utf8')
  socket.on('data', (text: string) => {
    heard += text
  })
  return { say: (text) => void socket.write(text), heard: () => heard, closed: () => closed }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (const deadline = performance.now() + 5_000; !holds(); await sleep(5)) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`)
  }
}

test('without a fault bytes pass in both directions, many and whole', async () => {
  const client = dial()
  const long = `${'x'.repeat(3_000_000)}\n`
  client.say(long)
  await until('all came back', () => client.heard().length >= long.length)
  expect(reached).toBe(long)
  expect(client.heard()).toContain('XXXX')
  expect(proxy.connections()).toBe(1)
})

test('a lost reply: the server has done it, the client never hears of it', async () => {
  const [client, other] = [dial(), dial()]
  const lost = proxy.loseReply({ when: (bytes) => bytes.includes('commit') })
  client.say('ping\n')
  await until('the first is answered', () => client.heard() === 'PING\n')
  client.say('commit\n')
  await lost
  await until('it is cut', client.closed)
  expect(client.heard()).toBe('PING\n')
  expect(reached).toBe('ping\ncommit\n')
  other.say('still here\n')
  await until('others are not touched', () => other.heard() === 'STILL HERE\n')
})

test('a request cut before forwarding reaches nobody, one cut in the middle reaches in part', async () => {
  const first = dial()
  const before = proxy.cutRequest({ bytes: 0 })
  first.say('nothing\n')
  await before
  await until('it is cut', first.closed)
  expect(reached).toBe('')
  const second = dial()
  const middle = proxy.cutRequest({ bytes: 3 })
  second.say('something\n')
  await middle
  await until('it is cut', second.closed)
  await until('three bytes came', () => reached === 'som')
  const third = dial()
  third.say('whole\n')
  await until('the fault was for once', () => third.heard() === 'WHOLE\n')
})

test('a stall holds bytes both ways, and lets them go afterwards', async () => {
  const client = dial()
  proxy.stall()
  client.say('held\n')
  await sleep(200)
  expect(reached).toBe('')
  proxy.pass()
  await until('it was let go', () => client.heard() === 'HELD\n')
  expect(client.closed()).toBe(false)
})

test('refusing cuts what is open and what is new until it passes again', async () => {
  const open = dial()
  proxy.refuse()
  await until('the open one is cut', open.closed)
  const tried = dial()
  await until('the new one is cut', tried.closed)
  await until('nothing is open', () => proxy.connections() === 0)
  proxy.pass()
  const next = dial()
  next.say('back\n')
  await until('it passes', () => next.heard() === 'BACK\n')
})

test('a delay holds each direction for so long', async () => {
  const client = dial()
  client.say('first\n')
  await until('it is connected', () => client.heard() === 'FIRST\n')
  proxy.delay(100)
  const startedAt = performance.now()
  client.say('slow\n')
  await until('it came', () => client.heard().endsWith('SLOW\n'))
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(195)
})

test('recorded bytes are sent again as they were', async () => {
  const client = dial()
  const recording = proxy.record()
  client.say('once\n')
  await until('it came', () => client.heard() === 'ONCE\n')
  recording.stop()
  client.say('not this\n')
  await until('it came', () => client.heard().endsWith('THIS\n'))
  expect(recording.isWhole()).toBe(true)
  expect(String(recording.bytes())).toBe('once\n')
  expect(String(await proxy.replay(recording.bytes()))).toBe('ONCE\n')
  expect(reached).toBe('once\nnot this\nonce\n')
})

test('new connections can be led to another server, and those that are open stay', async () => {
  const early = dial()
  early.say('one\n')
  await until('the first server answers', () => early.heard() === 'ONE\n')
  const other = createServer((socket) => void socket.end('other\n'))
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  proxy.lead(typeof address === 'object' && address !== null ? address.port : 0)
  const late = dial()
  await until('the other server answers', () => late.heard() === 'other\n')
  early.say('two\n')
  await until('the first server still answers', () => early.heard() === 'ONE\nTWO\n')
  other.close()
})
