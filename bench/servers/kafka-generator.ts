/**
 * Load on a topic by a schedule, as a process: what the broker or this process holds up is sent late, and counts from the instant
 * it was due. One request at a time, with everything that is due, so that a partition has its events in their order.
 */
import { Partitioners } from 'kafkajs'
import { partitionOf } from '../../ingest/partition.ts'
import { sharedNow } from '../latency/gc-watch.ts'
import { createStream, maxEventBytes, type StreamOptions, streamCustomerId } from '../workload/stream.ts'
import { childOptions, endWithParent } from './child.ts'
import { kafkaClient } from './topics.ts'

export type KafkaGeneratorOptions = { readonly brokers: readonly string[]; readonly partitions: number }

/** A run: event `i` of the stream is due at `startAt + i * 1000 / rate`, ms of the shared clock. */
export type KafkaRunOrder = {
  readonly topic: string
  readonly stream: StreamOptions
  readonly rate: number
  readonly events: number
  readonly startAt: number
}

/** What it says: that it is there, and of each run how late events were handed to the client, milliseconds. */
export type GeneratorMessage =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sent'; readonly lateP50: number; readonly lateP99: number; readonly lateMax: number }

const tickMs = 1
/** Most events of one request. */
const burst = 4_096

const options = childOptions<KafkaGeneratorOptions>()
const producer = kafkaClient(options.brokers, 'bench-generator').producer({
  createPartitioner: Partitioners.DefaultPartitioner,
  allowAutoTopicCreation: false,
  // Sent again it might come twice, or behind later ones: then the run fails instead.
  retry: { retries: 0 },
})
await producer.connect()
process.on('message', (message: KafkaRunOrder | string) => {
  if (typeof message !== 'string') void run(message)
})
endWithParent(() => producer.disconnect())
tell({ kind: 'ready' })

async function run({ topic, stream: streamOptions, rate, events, startAt }: KafkaRunOrder): Promise<void> {
  const stream = createStream(streamOptions)
  const late = new Float32Array(events)
  for (let sent = 0; sent < events; ) {
    const now = sharedNow()
    const due = Math.min(events, Math.floor(((now - startAt) * rate) / 1_000) + 1, sent + burst)
    if (due <= sent) {
      await new Promise((resolve) => setTimeout(resolve, tickMs))
      continue
    }
    const messages = Array.from({ length: due - sent }, (_, k) => {
      late[sent + k] = now - (startAt + ((sent + k) * 1_000) / rate)
      stream.next()
      const key = streamCustomerId(stream.customer)
      const value = Buffer.allocUnsafe(maxEventBytes)
      return {
        key,
        value: value.subarray(0, stream.write(value, 0)),
        partition: partitionOf(key, options.partitions),
      }
    })
    await producer.send({ topic, messages })
    sent = due
  }
  late.sort()
  const at = (share: number) => late[Math.max(0, Math.ceil(share * events) - 1)] ?? 0
  tell({ kind: 'sent', lateP50: at(0.5), lateP99: at(0.99), lateMax: at(1) })
}

function tell(message: GeneratorMessage): void {
  process.send?.(message)
}
