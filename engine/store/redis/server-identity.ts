import { infoField } from './info-field.ts'
import type { RedisNode } from './redis-node.ts'
import { textOf } from './redis-reply.ts'

/**
 * Tells a server, its run and what it has of a cluster from any other: the same text means that no key came to it or went from
 * it but by our own writes. null while a hash slot is being moved.
 * @throws StoreError
 */
export async function serverIdentity(node: RedisNode, isCluster: boolean): Promise<string | null> {
  const [info = null, nodes = null] = await node.read([
    ['INFO', 'server'],
    ...(isCluster ? [['CLUSTER', 'NODES'] as const] : []),
  ])
  const run = infoField(textOf(info) ?? '', 'run_id') ?? ''
  if (!isCluster) return run
  const own = (textOf(nodes) ?? '').split('\n').find((line) => line.includes('myself')) ?? ''
  // Columns: id, address, flags, primary, ping, pong, epoch, link, then the slots and those that are being moved.
  const [id, , flags, primary, , , epoch, , ...slots] = own.split(' ')
  if (slots.some((slot) => slot.startsWith('['))) return null
  return [run, id, flags, primary, epoch, ...slots].join(' ')
}
