import { onlineReplicas } from './info-field.ts'
import { askOnce } from './redis-connection.ts'
import { textOf } from './redis-reply.ts'
import type { RedisTarget } from './redis-target.ts'

/** How many replicas `auto` waits for: 1 when every one of these primaries has a replica now, else 0. */
export async function autoReplicas(primaries: readonly RedisTarget[]): Promise<number> {
  const replies = await Promise.all(primaries.map((primary) => askOnce(primary, ['INFO', 'replication'])))
  const have = replies.every((reply) => {
    const info = reply === null || reply.error !== null ? '' : (textOf(reply.value) ?? '')
    return onlineReplicas(info) > 0
  })
  return have && primaries.length > 0 ? 1 : 0
}
