import { DeferredStore } from './deferred-store.ts'
import { type LmdbStoreOptions, openLmdbStore } from './lmdb-store.ts'
import { openRedisStore } from './redis/redis-store.ts'
import type { RedisOptions } from './redis/redis-target.ts'
import type { Store } from './store.ts'

/** Where an installation keeps its customers, as plain data that can cross to a worker thread. */
export type StorePlace = ({ readonly kind: 'lmdb' } & LmdbStoreOptions) | ({ readonly kind: 'redis' } & RedisOptions)

/**
 * The store of a place. A server that is away does not make this fail: its calls do, until it is there.
 * @throws StoreError when the embedded store cannot be opened
 */
export function openStore(place: StorePlace): Store {
  switch (place.kind) {
    case 'lmdb':
      return openLmdbStore(place)
    case 'redis':
      return new DeferredStore(() => openRedisStore(place))
    default:
      return place satisfies never
  }
}
