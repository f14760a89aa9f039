import type { Feed } from '../../ingest/log.ts'
import type { Membership } from '../../ingest/membership.ts'
import type { PartitionOptions } from './partition-options.ts'
import type { Peers } from './peers.ts'
import type { Settler } from './settler.ts'
import type { ShardPacks } from './shard-packs.ts'
import type { ShardPort } from './shard-port.ts'

/** What the partitions of a process are made of, and what they share. */
export type AllPartitionsOptions = Pick<
  PartitionOptions,
  | 'log'
  | 'trusts'
  | 'decisions'
  | 'batches'
  | 'deadLetters'
  | 'clock'
  | 'timing'
  | 'readsBack'
  | 'makeFallback'
  | 'codec'
  | 'newToken'
  | 'limits'
  | 'onBatch'
  | 'onErased'
> &
  Pick<PartitionOptions, 'failpoint'> & {
    readonly partitions: number
    readonly ports: readonly ShardPort[]
    readonly feed: Feed
    readonly membership: Membership
    readonly peers: Peers | null
    readonly packs: ShardPacks
    /** Closed with the shards. */
    readonly settler: Settler
  }
