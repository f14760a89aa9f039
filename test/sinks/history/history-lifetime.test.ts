/** The history process lives and dies with its parent, holds its directory alone, and says why it cannot run. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { type FromHistory, fromHistory, type ToHistory } from '../../../sinks/history/messages.ts'
import { createWorld, eventually, isAlive, numberOf, purchase, type World } from './history-world.ts'

let world: World
beforeEach(async () => {
  world = await createWorld()
})
afterEach(() => world.dispose())

test('it ends when its parent is killed, also with a statement running, and its directory is free again', async () => {
  await world.addEvents([purchase(1)])
  const file = fileURLToPath(new URL('history-parent-child.ts', import.meta.url))
  const parent = fork(file, [world.dir], { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [pid] = z.tuple([z.number()]).parse((await once(parent, 'message')).slice(0, 1))
  expect(isAlive(pid)).toBe(true)
  parent.kill('SIGKILL')
  await once(parent, 'close')
  await eventually('the history process has ended', () => !isAlive(pid))
  const history = await world.start()
  expect(await history.flush(15_000)).toBe(true)
  expect(await numberOf(history, 'SELECT count() FROM events')).toBe(1)
})

test('a second history on the directory says who holds it and takes over when it is free', async () => {
  const first = await world.start()
  await eventually('the first runs', () => first.status().state === 'running')
  const second = await world.start()
  await eventually('the second has been refused', () => second.status().state === 'failing')
  expect(second.status().sentence).toBe('the history directory is held by another process')
  await first.stop(3_000)
  await eventually('the second runs', () => second.status().state === 'running')
})

test('a server that is away is no failure of who asks', async () => {
  const listener = createServer()
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = z.object({ port: z.number() }).parse(listener.address())
  await new Promise((resolve) => listener.close(resolve))
  const history = await world.start({ url: `http://127.0.0.1:${address.port}` })
  await eventually('it says so', () => history.status().sentence !== null)
  expect(history.status()).toMatchObject({ state: 'failing', sentence: 'ClickHouse is not reachable (ECONNREFUSED)' })
  expect(await history.flush(200)).toBe(false)
})

test('it goes on where it was after a stop', async () => {
  await world.addEvents([purchase(1), purchase(2)])
  const first = await world.start()
  expect(await first.flush(15_000)).toBe(true)
  await first.stop(3_000)
  expect(first.status().state).toBe('stopped')
  expect((await first.query('SELECT 1')).kind).toBe('unavailable')
  await world.addEvents([purchase(3)])
  const second = await world.start()
  expect(await second.flush(15_000)).toBe(true)
  expect(second.status().rows.events).toBe(1)
  expect(await numberOf(second, 'SELECT count() FROM events_raw')).toBe(3)
})

test('where the embedded ClickHouse has no build the process says so and asks not to be started again', async () => {
  const file = fileURLToPath(new URL('../../../sinks/history/process.ts', import.meta.url))
  const hook = new URL('without-chdb.mjs', import.meta.url).href
  const child = fork(file, [], { execArgv: ['--import', hook], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const failed = new Promise<FromHistory>((resolve) => {
    child.on('message', (raw) => {
      const message = fromHistory.parse(raw)
      if (message.kind === 'failed') resolve(message)
    })
  })
  child.send({
    kind: 'start',
    dir: `${world.dir}/history`,
    address: { url: '', username: '', password: 'a key for tests only', database: 'proffer' },
    log: { kind: 'lmdb', dir: `${world.dir}/log` },
    schemas: { kind: 'own' },
    erasureKey: 'a key for tests only',
    signingSecret: null,
    retentionDays: 1,
    pack: null,
    batchRows: 100,
    flushEveryMs: 100,
    queryMemoryBytes: 100_000_000,
    settleMs: 1_000,
  } satisfies ToHistory)
  const message = await failed
  await once(child, 'close')
  expect(message).toMatchObject({ code: 'chdb_unavailable', final: true })
  expect(message).toHaveProperty('sentence', expect.stringContaining('history is off here'))
})
