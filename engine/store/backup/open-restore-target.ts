import type { StorePlace } from '../open-store.ts'
import { openLmdbTarget } from './lmdb-target.ts'
import { openRedisTarget } from './redis-target.ts'
import type { RestoreTarget } from './restore-target.ts'

/**
 * Opens a place for a restore. No engine may work there: the caller sees to that.
 * @param resourcesDir folder of the embedded resources
 * @throws StoreError `store_unavailable`
 */
export async function openRestoreTarget(place: StorePlace, resourcesDir: string): Promise<RestoreTarget> {
  switch (place.kind) {
    case 'lmdb':
      return openLmdbTarget({ dir: place.dir, mapSizeBytes: place.mapSizeBytes, resourcesDir })
    case 'redis':
      return openRedisTarget(place)
    default:
      return place satisfies never
  }
}
