import { openRedisStore } from '../../engine/store/redis/redis-store.ts'
import { decisionIdOf } from '../../sinks/decision-codec.ts'
import type { Servers } from './servers.ts'
import { partitions } from './servers.ts'
import { readTopic } from './topics.ts'

/** What a stopped engine left behind, counted. */
export type Counted = { readonly accepted: number; readonly decisions: number; readonly repeats: number }

/**
 * Checks that an engine has counted each event of its topic exactly once, by the totals it committed, and that its decisions are
 * on their topic, each id with one content.
 * @param events appended to `<prefix>events`
 * @throws Error that says what is wrong
 */
export async function checkCounted(
  { connections }: Servers,
  names: { readonly prefix: string; readonly redisPrefix: string },
  events: number,
): Promise<Counted> {
  const store = await openRedisStore({ urls: [connections.redisUrl], prefix: names.redisPrefix, waitReplicas: 0 })
  const totals = { accepted: 0, duplicates: 0, deadLettered: 0, decisions: 0 }
  try {
    for (let partition = 0; partition < partitions; partition++) {
      const meta = await store.meta(partition)
      if (meta === null) throw new Error(`partition ${partition} has no header`)
      for (const name of ['accepted', 'duplicates', 'deadLettered', 'decisions'] as const) totals[name] += meta[name]
    }
  } finally {
    await store.close()
  }
  const { accepted, duplicates, deadLettered } = totals
  if (accepted !== events || duplicates + deadLettered > 0) {
    throw new Error(`of ${events} events ${accepted} count, ${duplicates} are duplicates, ${deadLettered} dead letters`)
  }
  const contents = new Map<string, Buffer>()
  let repeats = 0
  await readTopic(connections.brokers, `${names.prefix}decisions`, (_, { value }) => {
    if (value === null) return
    const id = decisionIdOf(value)
    const first = contents.get(id)
    if (first === undefined) contents.set(id, value)
    else if (!first.equals(value)) throw new Error('a decision was published with two contents')
    else repeats++
  })
  if (contents.size !== totals.decisions) {
    throw new Error(`${totals.decisions} decisions were committed and ${contents.size} published`)
  }
  return { accepted, decisions: contents.size, repeats }
}
