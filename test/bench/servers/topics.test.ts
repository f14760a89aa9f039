/**
 * Goal: what a contender let out is read to the end, and only what it committed. Method: a topic whose last transaction is
 * aborted, so that markers of transactions are the last things in it.
 */
import { Partitioners } from 'kafkajs'
import { expect, test } from 'vitest'
import { kafkaClient, makeTopics, readTopic } from '../../../bench/servers/topics.ts'
import { describeWithKafka, uniqueName } from '../../parts/describe-with-parts.ts'

await describeWithKafka('a topic that is read back', (brokers) => {
  test.each([
    ['behind a committed one', ['kept']],
    ['alone', []],
  ])(
    'ends at an aborted transaction, %s, and has nothing of it',
    async (_, committed) => {
      const topic = uniqueName('read_topic')
      await makeTopics(brokers, [topic], 1)
      const producer = kafkaClient(brokers, 'test').producer({
        createPartitioner: Partitioners.DefaultPartitioner,
        transactionalId: topic,
        idempotent: true,
        maxInFlightRequests: 1,
      })
      await producer.connect()
      for (const value of committed) {
        const transaction = await producer.transaction()
        await transaction.send({ topic, messages: [{ value }] })
        await transaction.commit()
      }
      const transaction = await producer.transaction()
      await transaction.send({ topic, messages: [{ value: 'aborted' }] })
      await transaction.abort()
      await producer.disconnect()
      const values: (string | undefined)[] = []
      await readTopic(brokers, topic, (_partition, { value }) => values.push(value?.toString()))
      expect(values).toEqual(committed)
    },
    20_000,
  )
})
