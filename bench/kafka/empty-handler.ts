/** kafkajs alone, as a process: every batch is taken and nothing is done with it. The fastest that anything on kafkajs can be. */
import { childOptions, endWithParent } from '../servers/child.ts'
import { ProgressTeller } from '../servers/progress.ts'
import { endOnCrash, kafkaClient } from '../servers/topics.ts'

export type EmptyHandlerOptions = {
  readonly brokers: readonly string[]
  readonly topic: string
  readonly group: string
  /** Handlers side by side; 1 is kafkajs's default. */
  readonly partitionsAtOnce: number
}

const options = childOptions<EmptyHandlerOptions>()
const teller = new ProgressTeller(async () => {})
const consumer = kafkaClient(options.brokers, options.group).consumer({ groupId: options.group })
endOnCrash(consumer)
await consumer.connect()
await consumer.subscribe({ topic: options.topic, fromBeginning: true })
await consumer.run({
  partitionsConsumedConcurrently: options.partitionsAtOnce,
  eachBatch: async ({ batch }) => {
    teller.done(batch.messages.length, batch.partition, Number(batch.lastOffset()) + 1)
  },
})
endWithParent(async () => {
  await consumer.disconnect()
  await teller.end()
})
