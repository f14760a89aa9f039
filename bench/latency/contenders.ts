/** Where the load goes: an echo, a log alone, the engine. Each is a receiver that tells its recorder of what leaves. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { Log, NewRecord } from '../../ingest/log.ts'
import type { EmbeddedBank } from '../embedded/embedded-bank.ts'
import { streamCustomerId } from '../workload/stream.ts'
import { sharedNow } from './gc-watch.ts'
import type { Recorder } from './recorder.ts'
import type { Receiver } from './wire.ts'

/** A worker thread that returns frames, one at a time: what comes in meanwhile is the next one. */
export type Echo = { readonly threadId: number; receiver(recorder: Recorder): Receiver; stop(): Promise<void> }

/** The floor of any engine with a worker thread: generator -> main -> worker -> main, and nothing else. */
export async function startEcho(): Promise<Echo> {
  const worker = new Worker(new URL('echo-worker.ts', import.meta.url))
  await once(worker, 'online')
  const { threadId } = worker
  let reply: () => void = () => {}
  worker.on('message', () => reply())
  return {
    threadId,
    receiver(recorder) {
      let pending: Uint8Array[] = []
      let under = 0
      const send = (): void => {
        under = pending.length
        if (under === 0) return
        const frame = Uint8Array.from(Buffer.concat(pending)).buffer
        pending = []
        worker.postMessage(frame, [frame])
      }
      reply = () => {
        recorder.released(0, under, sharedNow())
        send()
      }
      let last: number[] = []
      return {
        event(scheduledAt, _eventTime, _customer, _partition, bytes) {
          last.push(scheduledAt)
          pending.push(bytes)
        },
        end(at) {
          for (const scheduledAt of last) recorder.received(0, scheduledAt, at)
          last = []
          if (under === 0) send()
        },
      }
    },
    async stop() {
      await worker.terminate()
    },
  }
}

/** The floor of anything durable: generator -> main -> log append -> main, and nothing decided. */
export function appendReceiver(log: Log, recorder: Recorder): Receiver {
  return logReceiver(log, recorder, {
    onEvent: () => {},
    onAppended: (partition, events, at) => recorder.released(partition, events, at),
  })
}

/** The engine: what leaves is told by `releaseTo`. */
export function engineReceiver(bank: EmbeddedBank, recorder: Recorder): Receiver {
  return logReceiver(bank.log, recorder, { onEvent: (time) => bank.clock.advance(time), onAppended: () => {} })
}

type LogHooks = {
  onEvent(eventTime: number): void
  onAppended(partition: number, events: number, at: number): void
}

function logReceiver(log: Log, recorder: Recorder, hooks: LogHooks): Receiver {
  const records: NewRecord[][] = Array.from({ length: log.partitions }, () => [])
  const scheduled: number[][] = Array.from({ length: log.partitions }, () => [])
  const append = async (partition: number, first: number, of: readonly NewRecord[]): Promise<void> => {
    await log.append(partition, of)
    const at = sharedNow()
    recorder.appended(partition, first, first + of.length, at)
    hooks.onAppended(partition, of.length, at)
  }
  return {
    event(scheduledAt, eventTime, customer, partition, value) {
      hooks.onEvent(eventTime)
      records[partition]?.push({ key: streamCustomerId(customer), value, appendTime: eventTime })
      scheduled[partition]?.push(scheduledAt)
    },
    end(at) {
      for (let partition = 0; partition < records.length; partition++) {
        const of = records[partition] ?? []
        if (of.length === 0) continue
        let first = -1
        for (const scheduledAt of scheduled[partition] ?? []) {
          const n = recorder.received(partition, scheduledAt, at)
          if (first < 0) first = n
        }
        records[partition] = []
        scheduled[partition] = []
        void append(partition, first, of)
      }
    },
  }
}
