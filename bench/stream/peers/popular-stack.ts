/**
 * What a team would build from the packages' documentation, as a process: kafkajs reads, avsc decodes, ioredis counts (one
 * HINCRBY a counter in a pipeline), zen-engine or json-rules-engine decides, kafkajs sends a record for each rule that hits.
 */
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { Redis } from 'ioredis'
import { type Consumer, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs'
import { jsonRulesEngine, zenEngine } from '../../rules/rule-engines.ts'
import type { Facts } from '../../rules/rule-workload.ts'
import { childOptions, endWithParent } from '../../servers/child.ts'
import { ProgressTeller } from '../../servers/progress.ts'
import { cardCounters, cardRules, categoryFact } from '../card-rules.ts'
import type { HitRecord } from './hit-record.ts'

export type PopularStackOptions = {
  readonly brokers: readonly string[]
  readonly redisUrl: string
  readonly topic: string
  readonly decisionsTopic: string
  readonly group: string
  /** Of the counters' keys, one hash a customer. */
  readonly keyPrefix: string
  readonly rules: 'zen-engine' | 'json-rules-engine'
  /** `message`: each event by itself. `batch`: pipelines over many events, evaluations side by side. */
  readonly style: 'message' | 'batch'
}

type Purchase = {
  readonly id: string
  readonly customerId: string
  readonly data: { readonly amount: number; readonly [field: string]: unknown }
}

/** Events of one pipeline, and evaluations under way at once: with more nothing gets faster. */
const chunkEvents = 256
const evaluationsAtOnce = 64
/** As many partitions side by side as there are, so that one waits while another works. */
const partitionsAtOnce = 8

const options = childOptions<PopularStackOptions>()
const schema = readFileSync(new URL('../../../ingest/schemas/card.purchase.avsc', import.meta.url), 'utf8')
const purchaseType = avro.Type.forSchema(JSON.parse(schema))
const redis = new Redis(options.redisUrl)
const kafka = new Kafka({ brokers: [...options.brokers], clientId: options.group, logLevel: logLevel.WARN })
const consumer = kafka.consumer({ groupId: options.group })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
const idsOf = options.rules === 'zen-engine' ? zenEngine(cardRules, 'no trace') : jsonRulesEngine(cardRules)
const teller = new ProgressTeller(async () => {})

await producer.connect()
await consumer.connect()
await consumer.subscribe({ topic: options.topic, fromBeginning: true })
await (options.style === 'message' ? runMessages(consumer, producer) : runBatches(consumer, producer))
endWithParent(async () => {
  await consumer.disconnect()
  await teller.end()
  await producer.disconnect()
  redis.disconnect()
})

function runMessages(from: Consumer, to: Producer): Promise<void> {
  return from.run({
    partitionsConsumedConcurrently: partitionsAtOnce,
    eachMessage: async ({ partition, message }) => {
      const purchase = decode(message.value)
      const [facts = {}] = await count([purchase])
      const messages = hitRecords(purchase, await idsOf(facts))
      if (messages.length > 0) await to.send({ topic: options.decisionsTopic, messages })
      teller.done(1, partition, Number(message.offset) + 1)
    },
  })
}

function runBatches(from: Consumer, to: Producer): Promise<void> {
  return from.run({
    partitionsConsumedConcurrently: partitionsAtOnce,
    eachBatch: async ({ batch, resolveOffset, heartbeat, commitOffsetsIfNecessary, isRunning, isStale }) => {
      for (let first = 0; first < batch.messages.length && isRunning() && !isStale(); first += chunkEvents) {
        const chunk = batch.messages.slice(first, first + chunkEvents)
        const purchases = chunk.map(({ value }) => decode(value))
        const facts = await count(purchases)
        const ids: (readonly string[])[] = []
        for (let at = 0; at < facts.length; at += evaluationsAtOnce) {
          ids.push(...(await Promise.all(facts.slice(at, at + evaluationsAtOnce).map(idsOf))))
        }
        const messages = purchases.flatMap((purchase, i) => hitRecords(purchase, ids[i] ?? []))
        if (messages.length > 0) await to.send({ topic: options.decisionsTopic, messages })
        const next = Number(chunk.at(-1)?.offset ?? 0) + 1
        resolveOffset(String(next - 1))
        await heartbeat()
        await commitOffsetsIfNecessary()
        teller.done(chunk.length, batch.partition, next)
      }
    },
  })
}

/** The bytes behind the frame: the schema is known, as it would be from a cache. */
function decode(value: Buffer | null): Purchase {
  if (value === null) throw new Error('the topic holds events only')
  return purchaseType.fromBuffer(value.subarray(5))
}

/** Adds events to their customers' counters, in one pipeline; what the rules may look at, event by event. */
async function count(purchases: readonly Purchase[]): Promise<readonly Facts[]> {
  const pipeline = redis.pipeline()
  for (const { customerId, data } of purchases) {
    const key = `${options.keyPrefix}${customerId}`
    for (const { name, adds, only } of cardCounters) {
      const counts = only === null || data[only.field] === only.equals
      // By nothing it still tells the value.
      pipeline.hincrby(key, name, counts ? (adds === 'one' ? 1 : data.amount) : 0)
    }
  }
  const replies = (await pipeline.exec()) ?? []
  return purchases.map(({ data }, i) => {
    const facts: Record<string, number | string> = { [categoryFact]: String(data[categoryFact]) }
    for (const [c, { name }] of cardCounters.entries()) {
      const [error, value] = replies[i * cardCounters.length + c] ?? [new Error('no reply'), null]
      if (error !== null) throw error
      facts[name] = Number(value)
    }
    return facts
  })
}

function hitRecords(purchase: Purchase, ids: readonly string[]): { key: string; value: string }[] {
  return ids.map((rule) => {
    const record: HitRecord = { event: purchase.id, customer: purchase.customerId, rule, at: Date.now() }
    return { key: purchase.customerId, value: JSON.stringify(record) }
  })
}
