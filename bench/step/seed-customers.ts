import type { Store } from '../../engine/store/store.ts'
import { partitionOf } from '../../ingest/partition.ts'
import { streamCustomerId } from '../workload/stream.ts'
import type { TypicalStates } from './typical-states.ts'

export type SeedOptions = {
  /** Hash of the pack whose states they are. */
  readonly packHash: string
  readonly typical: TypicalStates
  readonly customers: number
  readonly partitions: number
}

const customersACommit = 1_024

/** Commits the bases of all customers to a store that was initialised, as if they had been customers for a month. */
export async function seedCustomers(store: Store, options: SeedOptions): Promise<void> {
  const { packHash, typical, customers, partitions } = options
  const ids: number[][] = Array.from({ length: partitions }, () => [])
  for (let n = 0; n < customers; n++) ids[partitionOf(streamCustomerId(n), partitions)]?.push(n)
  for (const [partition, own] of ids.entries()) {
    const token = `seed-${partition}`
    const meta = await store.acquire(partition, token, '')
    if (meta === null) throw new Error('a store that was initialised has a header for each partition')
    for (let first = 0, seq = 0; first < own.length; first += customersACommit, seq++) {
      const writes = own.slice(first, first + customersACommit).map((n) => {
        const bytes = typical.base(n, customers)
        return { kind: 'base', customerId: streamCustomerId(n), bytes, patches: 0 } as const
      })
      const reply = await store.commit(partition, {
        token,
        from: seq,
        to: seq + 1,
        meta: { ...meta, clock: typical.endMs, appendTime: typical.endMs, pack: packHash, published: seq + 1 },
        writes,
        due: [],
        outbox: null,
        trim: 0,
        notAfter: null,
      })
      if (reply.kind !== 'applied') throw new Error(`a seed commit was ${reply.kind}`)
    }
  }
}
