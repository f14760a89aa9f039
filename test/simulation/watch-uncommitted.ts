import { decodeOutbox } from '../../engine/shard/outbox.ts'
import type { Commit } from '../../engine/store/store.ts'
import { decisionIdOf } from '../../sinks/decision-codec.ts'
import { contentOf } from '../protocol/evidence.ts'
import type { World } from './world.ts'

/** Watches from the beginning that nothing is on the topic whose commit was not applied. Returns what it found wrong. */
export function watchUncommitted(world: World): () => string[] {
  const applied = new Set<string>()
  const found: string[] = []
  world.store.onApplied.push((partition: number, { outbox, to }: Commit) => {
    if (outbox === null) return
    for (const { bytes } of decodeOutbox(outbox).decisions) applied.add(`${partition} ${to} ${contentOf(bytes)}`)
  })
  world.broker.onRecord.push((topic, partition, record) => {
    if (topic !== 'decisions') return
    const key = `${partition} ${record.headers?.['seq']} ${contentOf(record.value)}`
    if (!applied.has(key)) found.push(`decision ${decisionIdOf(record.value)} left without its commit`)
  })
  return () => found
}
