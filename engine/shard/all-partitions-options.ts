import type { Log } from '../../ingest/log.ts'
import type { Membership } from '../../ingest/membership.ts'
import type { PartitionOptions } from './partition-options.ts'
import type { Peers } from './peers.ts'
import type { Settler } from './settler.ts'
import type { ShardPort } from './shard-port.ts'

/** What the partitions of a process are made of, and what they share. */
export type AllPartitionsOptions = Pick<
  PartitionOptions,
  | 'log'
  | 'trusts'
  | 'decisions'
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
    readonly feed: Pick<Log, 'read' | 'onAppend'>
    readonly membership: Membership
    readonly peers: Peers | null
    /** Closed with the shards. */
    readonly settler: Settler
  }
