/**
 * The floor: a kafkajs consumer that sends every seventh record on as it is, about as many as the engine lets out decisions, and
 * does nothing else. Fetches and hand-overs are noted as the engine's are.
 */
import { Partitioners } from 'kafkajs'
import { sharedNow } from '../latency/gc-watch.ts'
import { childOptions, endWithParent } from '../servers/child.ts'
import { ProgressTeller } from '../servers/progress.ts'
import { endOnCrash, kafkaClient } from '../servers/topics.ts'
import { MarkKeeper } from './marks.ts'

export type EchoOptions = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly outTopic: string
  readonly group: string
  readonly partitions: number
  /** Which records are sent on: those whose offset is a multiple. */
  readonly every: number
}

const options = childOptions<EchoOptions>()
const marks = new MarkKeeper()
const teller = new ProgressTeller(async () => {})
const kafka = kafkaClient(options.brokers, options.group)
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, allowAutoTopicCreation: false })
const consumer = kafka.consumer({ groupId: options.group })
endOnCrash(consumer)
await producer.connect()
await consumer.connect()
await consumer.subscribe({ topic: options.topic, fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: options.partitions,
  eachBatch: async ({ batch }) => {
    const { partition, messages } = batch
    const fetchedAt = sharedNow()
    const next = Number(batch.lastOffset()) + 1
    marks.fetched({ partition, next, at: fetchedAt })
    const out = messages.flatMap(({ key, value, offset }) =>
      Number(offset) % options.every === 0 ? [{ key, value, partition }] : [],
    )
    if (out.length > 0) {
      const at = sharedNow()
      const [said] = await producer.send({ topic: options.outTopic, messages: out })
      marks.handed({ partition, first: Number(said?.baseOffset ?? 0), count: out.length, at })
    }
    teller.done(messages.length, partition, next)
  },
})
endWithParent(async () => {
  await consumer.disconnect()
  await producer.disconnect()
  await teller.end()
})
