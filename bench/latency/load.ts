import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sharedNow } from './gc-watch.ts'
import type { GeneratorOptions, Lateness, RunOrder } from './generator.ts'
import { type Receiver, WireReader } from './wire.ts'

/** The generator's process and the socket to it. */
export type Load = {
  /**
   * Runs the schedule and tells the receiver of each event; resolves when all were sent. `giveUp` is asked every 100 ms and
   * cuts the run short.
   */
  run(order: Omit<RunOrder, 'startAt'>, receiver: Receiver, giveUp?: () => boolean): Promise<Lateness>
  stop(): Promise<void>
}

const readBytes = 256 * 1024
const leadMs = 50

/** Starts a generator; its stream goes on from run to run. */
export async function startLoad(options: GeneratorOptions): Promise<Load> {
  const dir = await mkdtemp(join(tmpdir(), 'proffer-load-'))
  const path = join(dir, 'load.sock')
  const file = new URL('generator.ts', import.meta.url).pathname
  // The preloads of this process are not for the generator.
  const child = fork(file, [path, JSON.stringify(options)], { execArgv: [] })
  await once(child, 'message')
  const reader = new WireReader()
  let receiver: Receiver | null = null
  const memory = new Uint8Array(readBytes)
  const onread = {
    buffer: memory,
    callback: (bytes: number): boolean => {
      if (receiver !== null) reader.feed(memory.subarray(0, bytes), sharedNow(), receiver)
      return true
    },
  }
  const socket = connect({ path, onread })
  await once(socket, 'connect')
  return {
    async run(order, to, giveUp = () => false) {
      receiver = to
      const message: RunOrder = { ...order, startAt: sharedNow() + leadMs }
      const done = once(child, 'message')
      child.send(message)
      const timer = setInterval(() => {
        if (giveUp()) child.send('stop')
      }, 100)
      const [lateness]: Lateness[] = await done
      clearInterval(timer)
      if (lateness === undefined) throw new Error('the generator reports every run')
      return lateness
    },
    async stop() {
      await end(child, socket)
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function end(child: ChildProcess, socket: Socket): Promise<void> {
  const gone = once(child, 'exit')
  socket.destroy()
  child.disconnect()
  await gone
}
