import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { runningInstance, takeInstanceLock } from '../../../engine/store/instance-lock.ts'

let dir = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'proffer-lock-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const module = fileURLToPath(new URL('../../../engine/store/instance-lock.ts', import.meta.url))

/** A process that takes the lock, says so, and then waits to be killed. */
async function holderProcess(): Promise<{ kill(): Promise<void>; pid: number }> {
  const script = `import { takeInstanceLock } from ${JSON.stringify(module)}
    takeInstanceLock(${JSON.stringify(dir)}).announce('127.0.0.1:1'); console.log('held'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  const exited = once(child, 'exit')
  return {
    pid: child.pid ?? 0,
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

it('a second engine is refused with a sentence that says where the first one is', async () => {
  const holder = await holderProcess()
  try {
    expect(() => takeInstanceLock(dir)).toThrow(/Another engine \(process \d+, listening on 127\.0\.0\.1:1\)/)
    expect(runningInstance(dir)).toMatchObject({ pid: holder.pid, address: '127.0.0.1:1' })
  } finally {
    await holder.kill()
  }
})

it('the lock of a killed engine is taken over', async () => {
  const holder = await holderProcess()
  await holder.kill()
  expect(runningInstance(dir)).toBeNull()
  const lock = takeInstanceLock(dir)
  expect(runningInstance(dir)).toMatchObject({ pid: process.pid })
  lock.release()
  expect(await readdir(dir)).toEqual([])
})

it('a process id that now belongs to another process does not hold the lock', async () => {
  takeInstanceLock(dir)
  const path = join(dir, 'engine.lock')
  const held = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...held, id: 'other', started: '1' }))
  expect(runningInstance(dir)).toBeNull()
  takeInstanceLock(dir).release()
})

it('a lock from before the machine started again does not hold', async () => {
  takeInstanceLock(dir)
  const path = join(dir, 'engine.lock')
  const held = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...held, id: 'other', boot: 'another boot' }))
  takeInstanceLock(dir).release()
})

it('an engine on another host holds the lock while it keeps the file fresh', async () => {
  takeInstanceLock(dir)
  const path = join(dir, 'engine.lock')
  const held = JSON.parse(await readFile(path, 'utf8'))
  await writeFile(path, JSON.stringify({ ...held, host: 'elsewhere', pid: 2 ** 22 + 1 }))
  expect(() => takeInstanceLock(dir)).toThrow(/Another engine/)
})

it('a torn lock file does not hold', async () => {
  await writeFile(join(dir, 'engine.lock'), '{"id":')
  takeInstanceLock(dir).release()
  expect(runningInstance(dir)).toBeNull()
})

it('a released lock can be taken again and a released engine does not remove the next one’s', () => {
  const first = takeInstanceLock(dir)
  first.release()
  const second = takeInstanceLock(dir)
  first.release()
  expect(runningInstance(dir)).not.toBeNull()
  second.release()
})

it.runIf(process.platform === 'linux')('a killed engine that nobody has reaped yet holds nothing', async () => {
  // The shell turns into `sleep`, which never asks after its child: killed, the holder stays a zombie.
  const script = `import { takeInstanceLock } from ${JSON.stringify(module)}
    takeInstanceLock(${JSON.stringify(dir)}); console.log(process.pid); setInterval(() => {}, 1000)`
  const parent = spawn('sh', ['-c', '"$0" --input-type=module -e "$1" & exec sleep 60', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  try {
    const [pid] = await once(parent.stdout, 'data')
    process.kill(Number(String(pid)), 'SIGKILL')
    const state = async () => (await readFile(`/proc/${Number(String(pid))}/stat`, 'utf8')).split(') ')[1]?.[0]
    while ((await state()) !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5))
    expect(runningInstance(dir)).toBeNull()
    takeInstanceLock(dir).release()
  } finally {
    parent.kill('SIGKILL')
  }
})

it('a data folder that it makes is for the owner only', async () => {
  const made = join(dir, 'new', 'data')
  takeInstanceLock(made).release()
  expect((await stat(made)).mode & 0o777).toBe(0o700)
})

it('a folder that cannot be made or written is refused with what to do', async () => {
  const file = join(dir, 'file')
  await writeFile(file, '')
  expect(() => takeInstanceLock(file)).toThrow(/cannot be written \(ENOTDIR\)\. Set DATA_DIR to a folder/)
  expect(() => takeInstanceLock(join(file, 'below'))).toThrow(/cannot be written \(ENOTDIR\)/)
  // Node's own way of making all levels tries for ever there.
  if (process.platform === 'linux') expect(() => takeInstanceLock('/proc/proffer/data')).toThrow(/cannot be written/)
})
