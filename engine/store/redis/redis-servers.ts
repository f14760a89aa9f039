import type { RedisNode } from './redis-node.ts'

/** The primaries that keep an installation: one server, or those of a Redis Cluster. */
export type RedisServers = {
  readonly isCluster: boolean
  /** Replicas that must have a write before it counts. */
  readonly waitReplicas: number
  /** The primaries known now. */
  nodes(): readonly RedisNode[]
  /**
   * The primary that has a key.
   * @throws StoreError `store_unavailable` when none is known to have it
   */
  nodeOf(key: string): RedisNode
  close(): void
}
