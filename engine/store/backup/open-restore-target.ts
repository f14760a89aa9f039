import type { StorePlace } from '../open-store.ts'
import { openLmdbTarget } from './lmdb-target.ts'
import { openRedisTarget } from './redis-target.ts'
import type { RestoreOptions, RestoreTarget } from './restore-target.ts'

/**
 * Opens a place for a restore. No engine may work there: the caller sees to that.
 * @param options `salt`: of the installation that is restored
 * @throws StoreError `store_unavailable`
 */
export async function openRestoreTarget(place: StorePlace, options: RestoreOptions): Promise<RestoreTarget> {
  switch (place.kind) {
    case 'lmdb':
      return openLmdbTarget({ dir: place.dir, mapSizeBytes: place.mapSizeBytes, ...options })
    case 'redis':
      return openRedisTarget({ ...place, salt: options.salt })
    default:
      return place satisfies never
  }
}
